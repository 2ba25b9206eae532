import { apiVersion } from '../../src/api/common.ts';
import { type Kind, kinds } from '../../src/api/kinds.ts';
import type { Revision } from '../../src/api/revision.ts';
import type { StreamMigration } from '../../src/api/stream-migration.ts';
import type { Clock } from '../../src/controller/clock.ts';
import type { KubeObject } from '../../src/controller/kube/api.ts';
import { isKubeError } from '../../src/controller/kube/errors.ts';
import { type Logger, silentLogger } from '../../src/controller/logger.ts';
import { type KubeCheckpoint, type KubeStore, kubeStore, storeApi } from '../support/kube-store.ts';
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts';
import { type ChokePoint, chokePoint } from './effects.ts';
import type { Point } from './fates.ts';
import type { Mutation } from './mutations.ts';
import { runSimulatedOperator } from './operator.ts';
import { type Perturbation, perturbations } from './perturbations.ts';
import { type Process, startProcess } from './process.ts';
import { type KafkaCheckpoint, type MemoryKafka, memoryKafka } from './world/kafka.ts';
import { type MemorySearch, memorySearch, type SearchCheckpoint } from './world/search.ts';
import { simulatedSql } from './world/sql.ts';
import { revisionsIn, type SimulatedWorker, simulatedWorker } from './world/worker.ts';

export const namespace = 'shop';

/** What people and other systems do in a scenario. */
export interface People {
  /** Applies an object as kubectl does, with the defaults of its schema. */
  apply(kind: Kind, name: string, spec: object): void;
  /** Changes some fields of a spec. */
  edit(kind: Kind, name: string, spec: object): void;
  annotate(kind: Kind, name: string, annotations: Readonly<Record<string, string>>): void;
  remove(kind: Kind, name: string): void;
  migration(name: string): StreamMigration | undefined;
  revisions(): readonly Revision[];
}

/** A small world: one API server, one Kafka, one Elasticsearch, one worker, and operators that come and go. */
export interface Simulation {
  readonly clock: VirtualClock;
  readonly store: KubeStore;
  readonly kafka: MemoryKafka;
  readonly search: MemorySearch;
  readonly choke: ChokePoint;
  readonly people: People;
  readonly operators: readonly Process[];
  readonly perturbation: Perturbation;
  /** Names of topics and indices that others have made. */
  readonly foreign: Set<string>;
  /** Ends all processes: what listens to their signals would be kept in memory for ever. */
  end(): void;
}

/** A dead process is started again by its Deployment. */
const restartAfter = 2_000;
/** Longer than a group waits for a member. */
const longestPause = 20_000;

/** The disks of all servers at one moment. */
export interface Checkpoint {
  readonly wallTime: number;
  readonly store: KubeCheckpoint;
  readonly kafka: KafkaCheckpoint;
  readonly search: SearchCheckpoint;
}

export const checkpointOf = ({ clock, store, kafka, search }: Simulation): Checkpoint => ({
  wallTime: clock.now(),
  store: store.checkpoint(),
  kafka: kafka.checkpoint(),
  search: search.checkpoint(),
});

export interface SimulationOptions {
  /** What is there; an empty world without it. */
  readonly from?: Checkpoint;
  /** How the operators are broken on purpose. */
  readonly mutation?: Mutation | undefined;
  readonly logger?: Logger | undefined;
}

export function simulate(point: Point, { from, mutation, logger = silentLogger }: SimulationOptions = {}): Simulation {
  const perturbation = perturbations[point.perturbation];
  if (!perturbation) throw new Error(`there is no perturbation "${point.perturbation}"`);
  const clock = virtualClock(from?.wallTime);
  const store = kubeStore(clock.now);
  const choke = chokePoint(clock, point.fates, point.seed);
  const kafka = memoryKafka({ clock, onTheWay: () => choke.onTheWay() });
  const search = memorySearch({ clock, onTheWay: () => choke.onTheWay() });
  if (from) {
    store.restore(from.store);
    kafka.restore(from.kafka);
    search.restore(from.search);
  }
  const sql = simulatedSql();
  const operators: Process[] = [];
  const manners = perturbation.manners(point.seed);
  const elected = perturbation.elected ?? false;
  let incarnations = 0;

  const clockOf = (incarnation: number): Clock => {
    const { clockError } = perturbation;
    return clockError ? { ...clock, now: () => clock.now() + clockError(point.seed, incarnation, clock.monotonic()) } : clock;
  };

  function startOperator(): void {
    incarnations += 1;
    const process = startProcess(`operator-${incarnations}`, clockOf(incarnations), () => {
      clock.schedule(restartAfter, () => {
        choke.restarted();
        startOperator();
      });
    });
    operators.push(process);
    runSimulatedOperator({ store, kafka, search, sql, choke, manners, logger, seed: point.seed, elected, mutation }, process);
  }
  for (let replica = 0; replica < (perturbation.replicas ?? 1); replica++) startOperator();

  let worker: SimulatedWorker | undefined;
  let workers = 0;
  function startWorker(): void {
    workers += 1;
    const name = `worker-${workers}`;
    worker = simulatedWorker({ name, kube: storeApi(store), revisions: revisionsIn(store), kafka, search, clock, logger: logger.child({ process: name }) });
  }
  startWorker();
  choke.killWorker = () => {
    if (!worker) return;
    worker.kill();
    worker = undefined;
    clock.schedule(restartAfter, startWorker);
  };
  const end = (): void => {
    for (const process of operators) process.kill();
    worker?.kill();
  };
  for (const { at, what } of perturbation.badTimesOfWorkers?.(point.seed) ?? [])
    clock.schedule(at, () => (what === 'dies' ? choke.killWorker() : worker?.pause(longestPause)));
  return { clock, store, kafka, search, choke, people: peopleOf(store), operators, perturbation, foreign: new Set(), end };
}

function peopleOf(store: KubeStore): People {
  const find = <T extends KubeObject>(kind: Kind, name: string): T | undefined => {
    try {
      return store.get(kinds[kind], { namespace, name }) as T;
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return undefined;
      throw error;
    }
  };
  const put = (kind: Kind, name: string, spec: object): void => {
    store.apply(kinds[kind], { apiVersion, kind, metadata: { name, namespace }, spec: kinds[kind].spec.parse(spec) });
  };
  return {
    apply: put,
    edit: (kind, name, spec) => put(kind, name, { ...(find(kind, name)?.spec as object), ...spec }),
    annotate: (kind, name, annotations) => void store.merge(kinds[kind], { namespace, name }, { metadata: { annotations } }),
    remove: (kind, name) => store.remove(kinds[kind], { namespace, name }),
    migration: (name) => find<StreamMigration>('StreamMigration', name),
    revisions: () => store.list(kinds.Revision, namespace) as unknown as readonly Revision[],
  };
}
