import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Registry } from 'prom-client';
import type { Connection } from './api/connection.ts';
import { kinds } from './api/kinds.ts';
import type { Pipeline } from './api/pipeline.ts';
import type { Platform } from './api/platform.ts';
import type { Revision } from './api/revision.ts';
import type { Stream } from './api/stream.ts';
import type { StreamMigration } from './api/stream-migration.ts';
import { systemClock } from './controller/clock.ts';
import { eventRecorder } from './controller/events.ts';
import type { KubeApi, KubeObject, ResourceType } from './controller/kube/api.ts';
import { kubeClient } from './controller/kube/client.ts';
import { currentNamespace, loadKubeConfig } from './controller/kube/config.ts';
import { type Reflector, reflector } from './controller/kube/reflector.ts';
import { leaderLease } from './controller/lease.ts';
import type { Logger } from './controller/logger.ts';
import { manager, runtimeChecks } from './controller/manager.ts';
import { runtimeMetrics } from './controller/metrics.ts';
import { ownWrites, remembering } from './controller/own-writes.ts';
import { httpServer } from './controller/server.ts';
import { statusWriter } from './controller/status-writer.ts';
import { elasticsearchCluster } from './drivers/elasticsearch/cluster.ts';
import { createSqlEngine } from './drivers/embedded/engine.ts';
import { openKafkaCluster } from './drivers/kafka/cluster.ts';
import { kafkaRegistry } from './drivers/kafka/registry.ts';
import { serverPool } from './platform/servers.ts';
import { emptyMemory } from './reconcilers/memory.ts';
import { ownsCondition } from './reconcilers/revision/report.ts';
import { fieldManager, type World } from './reconcilers/world.ts';
import { makeControllers, type Sources } from './watches.ts';

export interface OperatorOptions {
  readonly kubeconfig?: string | undefined;
  /** Watched namespace; all of them when absent. */
  readonly namespace?: string | undefined;
  /** Where the Lease lies; the namespace of the pod when absent. */
  readonly leaseNamespace?: string | undefined;
  /** Names this installation in markers, together with the uid of kube-system. */
  readonly installation: string;
  readonly settleMilliseconds: number;
  readonly listen: { readonly host: string; readonly port: number };
  readonly logger: Logger;
  readonly exit: (code: number) => void;
}

const version = '0.1.0';

/** Runs the operator until `stop` aborts: caches, election, controllers. @throws when a part of it fails */
export async function runOperator(options: OperatorOptions, stop: AbortSignal): Promise<void> {
  const { logger } = options;
  const clock = systemClock;
  const registry = new Registry();
  const metrics = runtimeMetrics(registry);
  const config = loadKubeConfig(options.kubeconfig);
  const kube = kubeClient({ config, clock, metrics, userAgent: `grue/${version}` });
  const selection = options.namespace === undefined ? {} : { namespace: options.namespace };
  const watch = <T extends KubeObject>(type: ResourceType): Reflector<T> => reflector<T>({ api: kube, type, clock, logger, metrics, selection });
  const sources = {
    platforms: watch<Platform>(kinds.Platform),
    streams: watch<Stream>(kinds.Stream),
    pipelines: watch<Pipeline>(kinds.Pipeline),
    connections: watch<Connection>(kinds.Connection),
    revisions: watch<Revision>(kinds.Revision),
    migrations: watch<StreamMigration>(kinds.StreamMigration),
  };
  const identity = `${hostname()}-${randomUUID().slice(0, 8)}`;
  const lease = leaderLease({
    api: kube,
    namespace: options.leaseNamespace ?? currentNamespace(config),
    name: 'grue-operator',
    identity,
    fieldManager,
    clock,
    logger,
    metrics,
  });
  const events = eventRecorder({
    api: kube,
    clock,
    logger,
    metrics,
    fieldManager,
    newId: () => randomUUID().slice(0, 12),
    reportingController: 'grue.dev/operator',
    reportingInstance: identity,
  });
  const installation = `${options.installation}/${await clusterUid(kube, stop)}`;
  const pool = serverPool({
    kube,
    clock,
    clientId: 'grue-operator',
    installation,
    openKafka: (settings, prefix) => {
      const kafka = openKafkaCluster(settings);
      return { kafka, registry: kafkaRegistry(kafka, prefix) };
    },
    openSearch: elasticsearchCluster,
  });
  const sql = createSqlEngine();
  const writers = statusWriters(kube, sources, clock);
  const world: World = {
    clock,
    log: logger,
    kube: remembering(kube, writers.writesOf),
    caches: mapValues(sources, ({ cache }) => cache) as unknown as World['caches'],
    sql,
    servers: pool.servers,
    writeStatus: async (object, status, signal) => {
      await writers.writerOf(object).write(object, status as object, signal);
    },
    tell: (about, { type, reason, message, quiet }) => {
      logger.info(message, { kind: about.kind, namespace: about.metadata.namespace, name: about.metadata.name, reason });
      if (!quiet) events.record(about, { type, reason, action: 'Reconcile', note: message });
    },
    mayAct: () => clock.monotonic() < lease.leaseValidUntil(),
    installation,
    settleMilliseconds: options.settleMilliseconds,
    memory: emptyMemory(),
  };
  const controllers = makeControllers(sources, world, metrics, writers, pool.doubt);
  const checks = runtimeChecks(Object.values(sources), controllers);
  const server = httpServer({ ...options.listen, ...checks, registry });
  try {
    await manager({ clock, logger, reflectors: Object.values(sources), controllers, servers: [server], lease, events, exit: options.exit }).run(stop);
  } finally {
    await Promise.allSettled([pool.close(), sql.close()]);
    kube.close();
  }
}

const mapValues = <T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Readonly<Record<string, U>> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));

/** The uid of kube-system stands for the cluster; an operator that may not read it goes by its own name alone. */
async function clusterUid(kube: KubeApi, signal: AbortSignal): Promise<string> {
  const namespaces: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
  return kube.get(namespaces, { name: 'kube-system' }, { signal }).then(
    ({ metadata }) => metadata.uid ?? 'unknown',
    () => 'unknown',
  );
}

function statusWriters(kube: KubeApi, sources: Sources, clock: typeof systemClock) {
  const writes = new Map(Object.values(sources).map(({ type, cache }) => [type.kind, ownWrites(cache, clock)]));
  const writers = new Map(
    Object.values(sources).map(({ type }) => {
      const own = writes.get(type.kind) as ReturnType<typeof ownWrites>;
      return [type.kind, statusWriter({ api: kube, type, fieldManager, writes: own, ...(type.kind === 'Revision' ? { ownsCondition } : {}) })];
    }),
  );
  return {
    writerOf: (object: KubeObject) => writers.get(object.kind) as ReturnType<typeof statusWriter>,
    writesOf: (kind: string) => writes.get(kind),
    isCurrent: (kind: string) => (key: string) => writes.get(kind)?.cacheIsCurrent(key) ?? true,
    isNamespaceCurrent: (namespace: string) => [...writes.values()].every((own) => own.namespaceIsCurrent(namespace)),
  };
}
