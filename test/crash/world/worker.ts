import { kinds } from '../../../src/api/kinds.ts';
import type { Platform } from '../../../src/api/platform.ts';
import type { Revision } from '../../../src/api/revision.ts';
import type { Clock } from '../../../src/controller/clock.ts';
import { type KubeApi, type KubeObject, keyOf, refOf } from '../../../src/controller/kube/api.ts';
import { isKubeError } from '../../../src/controller/kube/errors.ts';
import type { Logger } from '../../../src/controller/logger.ts';
import type { KafkaCluster } from '../../../src/drivers/ports.ts';
import { serverSettings } from '../../../src/platform/settings.ts';
import { type Openers, openStage } from '../../../src/worker/open.ts';
import type { GroupConsumer } from '../../../src/worker/ports.ts';
import { Reporter } from '../../../src/worker/report.ts';
import { type RevisionSource, Runner } from '../../../src/worker/run.ts';
import type { KubeStore } from '../../support/kube-store.ts';
import { silentMetrics } from '../../worker/fakes.ts';
import { chanceOf, chances } from '../chance.ts';
import { startProcess } from '../process.ts';
import type { MemoryKafka } from './kafka.ts';
import type { MemorySearch } from './search.ts';
import { simulatedTransform } from './transform.ts';

/** The Revisions as an informer has them. */
export interface RevisionFeed extends RevisionSource {
  keys(): Iterable<string>;
  /** @returns what ends it */
  subscribe(hear: (key: string) => void): () => void;
}

export interface WorkerOptions {
  /** Names the process in conditions; no two have the same. */
  readonly name: string;
  readonly kube: Pick<KubeApi, 'get' | 'applyStatus'>;
  readonly revisions: RevisionFeed;
  readonly kafka: MemoryKafka;
  readonly search: MemorySearch;
  readonly clock: Clock;
  readonly logger: Logger;
  /** So many records of each partition are read at once, each time after so long. */
  readonly recordsPerTick?: number;
  readonly tickMilliseconds?: number;
  readonly sessionTimeoutMilliseconds?: number;
}

/** A process that runs the stages of all Revisions. To start it again, make another one. */
export interface SimulatedWorker {
  /** Finishes what is being delivered, commits, and leaves its groups. Needs the clock to go on. */
  stop(): Promise<void>;
  /** It is gone at once, and nothing that it was about to do is done. Its groups have it as a member until the session ends. */
  kill(): void;
  /** It stands still, and goes on as if nothing had been: fenced off where that was too long. */
  pause(milliseconds: number): void;
}

const TICK_MS = 100;
const RECORDS_PER_TICK = 50;
const SESSION_TIMEOUT_MS = 15_000;
/** A watch brings what has happened after so long. */
const WATCH_MS = 10;

/** What the store holds now. */
export function revisionsIn(store: KubeStore): RevisionFeed {
  return {
    get: (key) => {
      try {
        return store.get(kinds.Revision, refOf(key)) as unknown as Revision;
      } catch (error) {
        if (isKubeError(error, 'NotFound')) return undefined;
        throw error;
      }
    },
    keys: () => store.list(kinds.Revision).map(({ metadata }) => keyOf(metadata)),
    subscribe: (hear) =>
      store.follow(kinds.Revision, undefined, store.version(), (event) => {
        if (event.type !== 'BOOKMARK') hear(keyOf((event.object as KubeObject).metadata));
      }),
  };
}

/** The real worker, with servers in memory and the simulated SQL: it runs what is wanted, and reports as it always does. */
export function simulatedWorker(options: WorkerOptions): SimulatedWorker {
  const { name, revisions, kafka, search, logger } = options;
  const { recordsPerTick = RECORDS_PER_TICK, tickMilliseconds = TICK_MS, sessionTimeoutMilliseconds = SESSION_TIMEOUT_MS } = options;
  const process = startProcess(name, options.clock, () => unsubscribe());
  const { clock } = process;
  const random = chances(Math.floor(chanceOf(name, 'worker') * 2 ** 31));
  const gate = async <T>(call: () => Promise<T>): Promise<T> => {
    await process.goOn();
    try {
      return await call();
    } finally {
      await process.goOn();
    }
  };
  const kube: WorkerOptions['kube'] = {
    get: (...args) => gate(() => options.kube.get(...args) as never),
    applyStatus: (...args) => gate(() => options.kube.applyStatus(...args) as never),
  };
  const engine = simulatedTransform();
  const open: Openers = {
    kafka: () => gatedKafka(kafka.cluster, gate),
    consumer: ({ group, topics }) =>
      gatedConsumer(
        kafka.consumer({ group, topics, sessionTimeoutMilliseconds, clock, recordsPerFetch: recordsPerTick, fetchMilliseconds: tickMilliseconds }),
        gate,
      ),
    producer: () => {
      const producer = kafka.producer();
      return { send: (...args) => gate(() => producer.send(...args)), close: () => gate(() => producer.close()) };
    },
    search: () => ({
      ...search.cluster,
      clusterUuid: (...args) => gate(() => search.cluster.clusterUuid(...args)),
      indices: (...args) => gate(() => search.cluster.indices(...args)),
    }),
    writer: () => {
      const writer = search.writer();
      return {
        bulk: (...args) => gate(() => writer.bulk(...args)),
        storedDigests: (...args) => gate(() => writer.storedDigests(...args)),
        close: () => gate(() => writer.close()),
      };
    },
  };
  const runner = new Runner({
    revisions,
    clock,
    random,
    logger,
    report: (key) => new Reporter({ kube, type: kinds.Revision, revision: key, worker: name, clock, logger }),
    open: async (revision, report, stop) => {
      const { namespace } = revision.metadata;
      const platform = await kube.get<Platform & KubeObject>(kinds.Platform, { namespace, name: revision.spec.platform.name }, { signal: stop });
      return openStage(
        revision,
        {
          open,
          engine,
          settings: await serverSettings(platform, name, kube, stop),
          topicId: (other) => revisions.get(`${namespace}/${other}`)?.status?.uuids?.topicId,
          sessionTimeoutMilliseconds,
          fetchBytes: 0,
          metrics: silentMetrics,
          report,
          clock,
          random,
          logger: logger.child({ revision: keyOf(revision.metadata) }),
        },
        stop,
      );
    },
  });
  const hear = (key: string): void => void clock.schedule(WATCH_MS, () => runner.changed(key));
  const unsubscribe = revisions.subscribe(hear);
  for (const key of revisions.keys()) hear(key);

  return {
    stop: async () => {
      unsubscribe();
      await runner.close();
      process.kill();
    },
    kill: () => {
      process.kill();
      // Nothing comes of it any more, but Node keeps in memory what listens to a signal that has not been aborted.
      void runner.close();
    },
    pause: (milliseconds) => process.pause(milliseconds),
  };
}

/** Lets a call through while the process lives and is awake, and its answer too. */
type Gate = <T>(call: () => Promise<T>) => Promise<T>;

/** What a stage asks of the cluster. */
const gatedKafka = (cluster: KafkaCluster, gate: Gate): KafkaCluster => ({
  ...cluster,
  clusterId: (...args) => gate(() => cluster.clusterId(...args)),
  topics: (...args) => gate(() => cluster.topics(...args)),
  committed: (...args) => gate(() => cluster.committed(...args)),
  offsets: (...args) => gate(() => cluster.offsets(...args)),
});

const gatedConsumer = (consumer: GroupConsumer, gate: Gate): GroupConsumer => ({
  join: (events) => gate(() => consumer.join(events)),
  readFrom: (where, position) => consumer.readFrom(where, position),
  stopReading: (where) => consumer.stopReading(where),
  commit: (where, position) => gate(() => consumer.commit(where, position)),
  isMember: () => consumer.isMember(),
  ended: consumer.ended,
  close: () => gate(() => consumer.close()),
});
