import { expect } from 'vitest';
import { apiVersion } from '../../../src/api/common.ts';
import { type Kind, kinds } from '../../../src/api/kinds.ts';
import type { Platform } from '../../../src/api/platform.ts';
import type { Revision } from '../../../src/api/revision.ts';
import type { LogicalStatus } from '../../../src/api/stream.ts';
import type { StreamMigration } from '../../../src/api/stream-migration.ts';
import { assembleOperator } from '../../../src/assemble.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { isKubeError } from '../../../src/controller/kube/errors.ts';
import type { LeaderLease } from '../../../src/controller/lease.ts';
import { silentLogger } from '../../../src/controller/logger.ts';
import { manager } from '../../../src/controller/manager.ts';
import { runtimeMetrics } from '../../../src/controller/metrics.ts';
import { serverPool } from '../../../src/platform/servers.ts';
import { type MemoryKafka, memoryKafka } from '../../crash/world/kafka.ts';
import { type MemorySearch, memorySearch } from '../../crash/world/search.ts';
import { simulatedSql } from '../../crash/world/sql.ts';
import { revisionsIn, simulatedWorker } from '../../crash/world/worker.ts';
import { type KubeStore, kubeStore, storeApi } from '../../support/kube-store.ts';
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts';

export const namespace = 'shop';
export const alias = 'orders-found';
export const sinkOne = 'connection-orders-found-1';

/** Kafka and Elasticsearch, which outlive every Kubernetes cluster. */
export interface ServersOfAll {
  readonly clock: VirtualClock;
  readonly kafka: MemoryKafka;
  readonly search: MemorySearch;
}

/** A Kubernetes cluster with an operator and a worker in it. */
export interface Cluster {
  readonly store: KubeStore;
  apply(kind: Kind, name: string, spec: object): void;
  annotate(kind: Kind, name: string, annotations: Readonly<Record<string, string>>): void;
  find<T>(kind: Kind, name: string): T | undefined;
  revisions(): readonly Revision[];
  migration(name: string): StreamMigration | undefined;
  platform(): Platform | undefined;
  /** As `reason: message` of a condition of a logical resource. */
  condition(kind: 'Stream' | 'Pipeline' | 'Connection', name: string, type: string): string | undefined;
  /** Takes the whole status away, as a restore without statuses does. */
  loseStatus(kind: Kind, name?: string): void;
  /** Takes objects away without asking anybody: finalizers do not hold them. */
  lose(kind: Kind, name?: string): void;
  /** All that is stored, to be put back later. */
  backup(): readonly KubeObject[];
  restore(objects: readonly KubeObject[]): void;
  stop(): Promise<void>;
}

export function openServers(): ServersOfAll {
  const clock = virtualClock();
  return { clock, kafka: memoryKafka({ clock }), search: memorySearch({ clock }) };
}

let processes = 0;

/** An operator that is never the leader. */
const neverLeads = (): LeaderLease => ({
  acquire: () => new Promise(() => {}),
  leaseValidUntil: () => Number.NEGATIVE_INFINITY,
  lost: new AbortController().signal,
  release: async () => {},
});

interface ClusterOptions {
  /** What an earlier cluster has stored. */
  readonly store?: KubeStore;
  readonly isStandby?: boolean;
}

export function startCluster(
  servers: ServersOfAll,
  installation = 'grue/one',
  { store = kubeStore(servers.clock.now), isStandby }: ClusterOptions = {},
): Cluster {
  const { clock, kafka, search } = servers;
  const kube = storeApi(store);
  processes += 1;
  const name = `process-${processes}`;
  const pool = serverPool({
    kube,
    clock,
    clientId: name,
    installation,
    openKafka: (_settings, prefix) => ({ kafka: kafka.cluster, registry: kafka.registry(prefix) }),
    openSearch: () => search.cluster,
  });
  const metrics = runtimeMetrics();
  let ids = 0;
  const parts = assembleOperator({
    ...{ kube, clock, logger: silentLogger, metrics, sql: simulatedSql(), pool, selection: { namespace }, identity: name, installation },
    ...{ settleMilliseconds: 1_000, letGoMilliseconds: 600_000, newId: () => `${name}-${ids++}`, random: () => 0.5 },
  });
  const stop = new AbortController();
  const lease = isStandby ? { lease: neverLeads() } : {};
  const running = manager({ clock, logger: silentLogger, ...parts, ...lease, exit: () => {} }).run(stop.signal);
  const worker = simulatedWorker({ name, kube, revisions: revisionsIn(store), kafka, search, clock, logger: silentLogger });

  const find = <T>(kind: Kind, object: string): T | undefined => {
    try {
      return store.get(kinds[kind], { namespace, name: object }) as T;
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return undefined;
      throw error;
    }
  };
  const those = (kind: Kind, only: string | undefined) =>
    store.list(kinds[kind], namespace).filter(({ metadata }) => only === undefined || metadata.name === only);
  return {
    store,
    find,
    apply: (kind, object, spec) =>
      void store.apply(kinds[kind], { apiVersion, kind, metadata: { name: object, namespace }, spec: kinds[kind].spec.parse(spec) }),
    annotate: (kind, object, annotations) => void store.merge(kinds[kind], { namespace, name: object }, { metadata: { annotations } }),
    revisions: () => store.list(kinds.Revision, namespace) as unknown as readonly Revision[],
    migration: (object) => find<StreamMigration>('StreamMigration', object),
    platform: () => find<Platform>('Platform', 'default'),
    condition(kind, object, type) {
      const found = find<{ readonly status?: LogicalStatus }>(kind, object)?.status?.conditions?.find((condition) => condition.type === type);
      return found && `${found.reason}: ${found.message}`;
    },
    loseStatus(kind, only) {
      for (const { metadata } of those(kind, only)) store.merge(kinds[kind], metadata, { status: null });
    },
    lose(kind, only) {
      for (const { metadata } of those(kind, only)) {
        const ref = { namespace, name: metadata.name };
        store.merge(kinds[kind], ref, { metadata: { finalizers: null } });
        if (find(kind, metadata.name)) store.remove(kinds[kind], ref);
      }
    },
    backup: () => Object.values(kinds).flatMap((type) => store.list(type, namespace)),
    restore(objects) {
      for (const object of objects) {
        const { name: object_, labels, annotations, finalizers } = object.metadata;
        const type = kinds[object.kind as Kind];
        const metadata = {
          name: object_,
          namespace,
          ...(labels ? { labels } : {}),
          ...(annotations ? { annotations } : {}),
          ...(finalizers ? { finalizers } : {}),
        };
        store.create(type, { ...object, metadata });
      }
    },
    async stop() {
      stop.abort();
      worker.kill();
      await Promise.race([running, clock.advance(40_000)]);
    },
  };
}

/** Lets time pass until it holds. @throws with what was seen last */
export async function until({ clock }: ServersOfAll, what: string, holds: () => boolean, seen: () => unknown = () => '', seconds = 240): Promise<void> {
  const end = clock.monotonic() + seconds * 1_000;
  while (!holds()) {
    if (clock.monotonic() > end) throw new Error(`not within ${seconds} s: ${what}; last seen: ${JSON.stringify(seen(), undefined, 1)}`);
    await clock.advance(250);
  }
}

export const pass = ({ clock }: ServersOfAll, seconds: number): Promise<void> => clock.advance(seconds * 1_000);

const platformRef = { name: 'default' };
const fields = [
  { name: 'id', type: 'STRING' },
  { name: 'amount', type: 'INT' },
];
export const clean = 'INSERT INTO cleaned SELECT id, amount FROM orders';
export const doubled = 'INSERT INTO cleaned SELECT id, amount + amount AS amount FROM orders';

/** orders -> clean -> cleaned -> index behind `orders-found` */
export function applyShop(cluster: Cluster, sql = clean): void {
  cluster.apply('Platform', 'default', { kafka: { bootstrapServers: ['kafka:9092'] }, elasticsearch: { url: 'http://search:9200' } });
  cluster.apply('Stream', 'orders', { platformRef, external: { topic: 'orders' }, type: 'Append', schema: { fields } });
  cluster.apply('Pipeline', 'clean', { platformRef, sql });
  cluster.apply('Stream', 'cleaned', { platformRef, type: 'Append', partitions: 2, schema: { fields } });
  cluster.apply('Connection', alias, { platformRef, type: 'Sink', connector: 'elasticsearch', stream: 'cleaned', destination: { alias } });
}

let produced = 0;
export function produce({ kafka }: ServersOfAll, count = 10): void {
  for (let left = count; left > 0; left--) {
    produced += 1;
    kafka.append('orders', produced % 2, [{ value: JSON.stringify({ id: `o-${produced}`, amount: produced }) }]);
  }
}

export const documents = ({ search }: ServersOfAll): number => {
  try {
    return search.read(alias).length;
  } catch {
    return -1;
  }
};

/** Physical names of all that Grue has made, with what makes each the one it is. */
export function physical({ kafka, search }: ServersOfAll): readonly string[] {
  const { topics } = kafka.snapshot();
  const { indices } = search.snapshot();
  return [
    ...Object.entries(topics).map(([name, { id }]) => `topic ${name} ${id}`),
    ...Object.entries(indices).map(([name, { uuid }]) => `index ${name} ${uuid}`),
  ].sort();
}

/** What a Revision is, without what the API server chooses. */
export const identities = (cluster: Cluster) =>
  Object.fromEntries(
    cluster.revisions().map(({ metadata, spec, status }) => [metadata.name, { spec, uuids: status?.uuids, bound: status?.bound, role: status?.role }]),
  );

export const isSettled = (cluster: Cluster): boolean =>
  cluster.revisions().length >= 4 &&
  cluster.revisions().every(({ status }) => status?.state === 'Running' && status.role === 'live' && status.uuids !== undefined);

/** Servers with a topic of others, and a cluster on which the shop has come to rest. */
export async function openShop(): Promise<{ readonly servers: ServersOfAll; readonly cluster: Cluster }> {
  const servers = openServers();
  servers.kafka.createTopic({ name: 'orders', partitions: 2, config: {} });
  produce(servers);
  const cluster = startCluster(servers);
  applyShop(cluster);
  await until(
    servers,
    'the first install',
    () => isSettled(cluster) && documents(servers) === 10,
    () => cluster.revisions(),
  );
  return { servers, cluster };
}

/** Everything produced arrives once, whatever was lost. */
export async function flowsOn(servers: ServersOfAll, before: number): Promise<void> {
  produce(servers);
  await until(
    servers,
    'new records arrive',
    () => documents(servers) >= before + 10,
    () => documents(servers),
  );
  expect(documents(servers)).toBe(before + 10);
}
