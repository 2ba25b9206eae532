import type { Connection } from './api/connection.ts';
import { kinds } from './api/kinds.ts';
import type { Pipeline } from './api/pipeline.ts';
import type { Platform } from './api/platform.ts';
import type { Revision } from './api/revision.ts';
import type { Stream } from './api/stream.ts';
import type { StreamMigration } from './api/stream-migration.ts';
import type { Random } from './controller/backoff.ts';
import type { Clock } from './controller/clock.ts';
import type { Controller } from './controller/controller.ts';
import { type EventRecorder, eventRecorder } from './controller/events.ts';
import type { KubeApi, KubeObject, ResourceType, Selection } from './controller/kube/api.ts';
import { type Reflector, reflector } from './controller/kube/reflector.ts';
import type { LeaderLease } from './controller/lease.ts';
import type { Logger } from './controller/logger.ts';
import type { AnyReflector, Runnable } from './controller/manager.ts';
import type { RuntimeMetrics } from './controller/metrics.ts';
import { ownWrites, remembering } from './controller/own-writes.ts';
import { statusWriter } from './controller/status-writer.ts';
import type { SqlEngine } from './drivers/ports.ts';
import { emptyMemory } from './reconcilers/memory.ts';
import { ownsCondition } from './reconcilers/revision/report.ts';
import { fieldManager, type World } from './reconcilers/world.ts';
import { tellingRefusals } from './refusals.ts';
import { makeControllers, type Sources, watchEndings } from './watches.ts';

/** Everything that an operator is given from outside: a process gives it the real things, a simulation its own. */
export interface OperatorParts {
  readonly kube: KubeApi;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RuntimeMetrics;
  readonly sql: SqlEngine;
  /** Connects to the servers of Platforms; `doubt` is called when a pass has failed on them. */
  readonly pool: { readonly servers: World['servers']; readonly takeOver: World['takeOver']; doubt(): void };
  /** Held while it acts; an operator without one acts always. */
  readonly lease?: Pick<LeaderLease, 'leaseValidUntil'>;
  /** Which namespaces are watched; all of them when empty. */
  readonly selection: Selection;
  /** Unique per process. */
  readonly identity: string;
  /** Names this installation in markers and claims. */
  readonly installation: string;
  readonly settleMilliseconds: number;
  /** How long a deletion that the servers do not let happen holds its object. */
  readonly letGoMilliseconds: number;
  readonly newId: () => string;
  readonly random?: Random;
}

/** What a manager runs. */
export interface Operator {
  readonly reflectors: readonly AnyReflector[];
  readonly controllers: readonly Controller[];
  /** What needs no leadership. */
  readonly runnables: readonly Runnable[];
  readonly events: EventRecorder;
}

/** Joins caches, writers and reconcilers. Nothing runs yet. */
export function assembleOperator(parts: OperatorParts): Operator {
  const { kube, clock, logger, metrics, pool, sql, lease, installation, settleMilliseconds, newId } = parts;
  const random = parts.random ? { random: parts.random } : {};
  const watch = <T extends KubeObject>(type: ResourceType): Reflector<T> =>
    reflector<T>({ api: kube, type, clock, logger, metrics, selection: parts.selection, ...random });
  const sources = {
    platforms: watch<Platform>(kinds.Platform),
    streams: watch<Stream>(kinds.Stream),
    pipelines: watch<Pipeline>(kinds.Pipeline),
    connections: watch<Connection>(kinds.Connection),
    revisions: watch<Revision>(kinds.Revision),
    migrations: watch<StreamMigration>(kinds.StreamMigration),
  };
  const events = eventRecorder({
    api: kube,
    clock,
    logger,
    metrics,
    fieldManager,
    newId,
    reportingController: 'grue.dev/operator',
    reportingInstance: parts.identity,
  });
  const writers = statusWriters(kube, sources, clock);
  const world: World = {
    clock,
    log: logger,
    kube: tellingRefusals(remembering(kube, writers.writesOf)),
    caches: mapValues(sources, ({ cache }) => cache) as unknown as World['caches'],
    sql,
    servers: pool.servers,
    takeOver: pool.takeOver,
    writeStatus: async (object, status, signal) => {
      await writers.writerOf(object).write(object, status as object, signal);
    },
    tell: (about, { type, reason, message, quiet }) => {
      logger.info(message, { kind: about.kind, namespace: about.metadata.namespace, name: about.metadata.name, reason });
      if (!quiet) events.record(about, { type, reason, action: 'Reconcile', note: message });
    },
    mayAct: () => lease === undefined || clock.monotonic() < lease.leaseValidUntil(),
    installation,
    settleMilliseconds,
    letGoMilliseconds: parts.letGoMilliseconds,
    memory: emptyMemory(),
  };
  const controllers = makeControllers(sources, world, metrics, { currency: writers, doubt: () => pool.doubt(), newId, ...random });
  const endings = watchEndings(sources, world, metrics, { namespace: parts.selection.namespace, newId, ...random });
  return { reflectors: Object.values(sources), controllers, runnables: [endings], events };
}

const mapValues = <T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Readonly<Record<string, U>> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));

function statusWriters(kube: KubeApi, sources: Sources, clock: Clock) {
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
    isOurs: (object: KubeObject) => writes.get(object.kind)?.isOurs(object) ?? false,
    isNamespaceCurrent: (namespace: string) => [...writes.values()].every((own) => own.namespaceIsCurrent(namespace)),
  };
}
