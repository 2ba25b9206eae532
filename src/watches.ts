import { GrueError } from './api/errors.ts';
import type { Revision } from './api/revision.ts';
import type { StreamMigration } from './api/stream-migration.ts';
import type { Random } from './controller/backoff.ts';
import { type Controller, controller, type PassContext } from './controller/controller.ts';
import { type KubeObject, refOf } from './controller/kube/api.ts';
import type { Reflector } from './controller/kube/reflector.ts';
import type { Runnable } from './controller/manager.ts';
import type { RuntimeMetrics } from './controller/metrics.ts';
import { letGoOfEnding } from './reconcilers/ending.ts';
import type { LogicalResource } from './reconcilers/facts.ts';
import { lineageOf } from './reconcilers/lineage.ts';
import { reconcileMigration } from './reconcilers/migration/reconcile.ts';
import { hasFailed } from './reconcilers/migration/status.ts';
import { reconcilePlatform } from './reconcilers/platform/reconcile.ts';
import { reconcileRevision } from './reconcilers/revision/reconcile.ts';
import { reconcileTopology } from './reconcilers/topology/reconcile.ts';
import type { Caches, Requeue, World } from './reconcilers/world.ts';
import { revisionsByName } from './topology/live.ts';

const namespaced = ({ metadata }: KubeObject): string => metadata.namespace ?? '';
const keyIn = (object: KubeObject, name: string): string => `${namespaced(object)}/${name}`;

/** Was anything but a status changed: the spec, a request, a finalizer, the beginning of the end? Or was a status lost, which we only write? */
const asked = (before: KubeObject, after: KubeObject): boolean =>
  (before.status !== undefined && after.status === undefined) ||
  before.metadata.generation !== after.metadata.generation ||
  before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
  JSON.stringify(before.metadata.annotations) !== JSON.stringify(after.metadata.annotations);

/** What others depend on in a Revision's status; its columns are not among it. */
const revisionMoved = (before: Revision, after: Revision): boolean => {
  const facts = ({ status }: Revision) =>
    JSON.stringify([
      status?.state,
      status?.role,
      status?.wanted,
      status?.uuids,
      status?.bound,
      status?.conditions?.map(({ type, status: truth }) => [type, truth]),
    ]);
  return asked(before, after) || facts(before) !== facts(after);
};

/** What a logical resource says of its own deletion. */
const reclaimMoved = (before: LogicalResource, after: LogicalResource): boolean =>
  before.spec.reclaimPolicy !== after.spec.reclaimPolicy ||
  before.spec.reclaimAfter !== after.spec.reclaimAfter ||
  before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp;

/** What others depend on in a migration's status. */
const migrationMoved = (before: StreamMigration, after: StreamMigration): boolean => {
  const facts = ({ status }: StreamMigration) =>
    JSON.stringify([status?.plan?.hash, status?.outcome, status?.ending?.way, status?.flip, status?.pointOfNoReturn]);
  return asked(before, after) || facts(before) !== facts(after);
};

/** Whether the caches have heard of our own last writes. */
export interface Currency {
  isCurrent(kind: string): (key: string) => boolean;
  isNamespaceCurrent(namespace: string): boolean;
  /** Is this what our own write has made of it? */
  isOurs(object: KubeObject): boolean;
}

export type Sources = { readonly [Name in keyof Caches]: Reflector<NonNullable<ReturnType<Caches[Name]['get']>>> };

interface ControllerParts {
  readonly currency: Currency;
  /** Called when servers failed in the middle of a pass: the next one is to find out what is wrong, and say it. */
  readonly doubt: () => void;
  /** Names a pass in the log. */
  readonly newId: () => string;
  readonly random?: Random;
}

/**
 * What runs on every replica, whoever leads: the passes over namespaces that are being deleted. A process that is told to stop looks once more
 * at the namespace that it watches: it may be stopped because of that deletion, before it has heard of any other.
 */
export function watchEndings(
  { revisions, migrations }: Sources,
  world: World,
  metrics: Pick<RuntimeMetrics, 'controller'>,
  { namespace, newId, random }: { readonly namespace: string | undefined; readonly newId: () => string; readonly random?: Random },
): Runnable {
  const name = 'ending';
  const { clock, log: logger } = world;
  const passes = controller({
    ...{ name, clock, logger, metrics, newId, ...(random ? { random } : {}) },
    reconcile: (key, { signal, logger: log }) => letGoOfEnding(key, { ...world, log }, signal),
  });
  const ofDeleted = (object: KubeObject) => (object.metadata.deletionTimestamp === undefined ? [] : [namespaced(object)]);
  passes.watch(revisions, { keysOf: ofDeleted });
  passes.watch(migrations, { keysOf: ofDeleted });
  return {
    name,
    async run(stop) {
      await passes.run(stop, new AbortController().signal);
      if (namespace === undefined) return;
      await letGoOfEnding(namespace, world, AbortSignal.timeout(lastLookMilliseconds)).catch((error: unknown) =>
        logger.warn('whether the namespace is being deleted is not known', { namespace, error }),
      );
    },
  };
}

const lastLookMilliseconds = 3_000;

/** Which object concerns which pass. */
export function makeControllers(
  sources: Sources,
  world: World,
  metrics: Pick<RuntimeMetrics, 'controller'>,
  { currency: { isCurrent, isNamespaceCurrent, isOurs }, doubt, newId, random }: ControllerParts,
): readonly Controller[] {
  const { platforms, streams, pipelines, connections, revisions, migrations } = sources;
  const make = (
    name: string,
    reconcile: (key: string, world: World, signal: AbortSignal) => Promise<Requeue>,
    isCurrentFor: (key: string) => boolean,
    concurrency = 4,
  ): Controller =>
    controller({
      name,
      reconcile: async (key, { signal, logger }: PassContext) => {
        try {
          return await reconcile(key, { ...world, log: logger }, signal);
        } catch (error) {
          if (error instanceof GrueError && error.code.startsWith('GRUE-PLT-')) doubt();
          throw error;
        }
      },
      clock: world.clock,
      logger: world.log,
      metrics,
      newId,
      ...(random ? { random } : {}),
      concurrency,
      isCurrent: isCurrentFor,
    });
  const platform = make('platform', reconcilePlatform, isCurrent('Platform'));
  platform.watch(platforms, { relevant: asked });

  const topology = make('topology', reconcileTopology, isNamespaceCurrent);
  const ofNamespace = (object: KubeObject) => [namespaced(object)];
  // A status that others have written is put right: a person, or a write of ours that was given up and came late.
  const askedOrOverwritten = (before: KubeObject, after: KubeObject): boolean =>
    asked(before, after) || (JSON.stringify(before.status) !== JSON.stringify(after.status) && !isOurs(after));
  topology.watch(platforms, { keysOf: ofNamespace, relevant: asked });
  for (const source of [streams, pipelines, connections])
    topology.watch(source as Reflector<KubeObject>, { keysOf: ofNamespace, relevant: askedOrOverwritten });
  topology.watch(revisions, { keysOf: ofNamespace, relevant: revisionMoved });
  topology.watch(migrations, { keysOf: ofNamespace, relevant: migrationMoved });

  const revision = make('revision', reconcileRevision, isCurrent('Revision'), 8);
  // All that is above a sink is live with it, at any distance: one in between that has been told already passes nothing on.
  const withLineage = (object: Revision): readonly string[] => {
    const byName = revisionsByName(revisions.cache.list(namespaced(object)));
    return [object.metadata.name, ...lineageOf(object.spec.inputs, byName).map(({ metadata }) => metadata.name)].map((name) => keyIn(object, name));
  };
  revision.watch(revisions, { keysOf: withLineage, relevant: revisionMoved });
  const planned = (object: StreamMigration) =>
    (object.status?.plan?.steps ?? []).flatMap(({ from, to }) => (from === undefined ? [to] : [from, to])).map((name) => keyIn(object, name));
  revision.watch(migrations, { keysOf: planned, relevant: migrationMoved });
  // Whether its logical resource is there, and what that says of its deletion, is told in the status of a Revision; so is whether its Platform is.
  const revisionsOf = (namespace: string, isMeant: (one: Revision) => boolean): readonly string[] =>
    revisions.cache.list(namespace).flatMap((one) => (isMeant(one) ? [keyIn(one, one.metadata.name)] : []));
  for (const source of [streams, pipelines, connections])
    revision.watch(source as Reflector<LogicalResource>, {
      keysOf: ({ kind, metadata: { namespace, name } }) => revisionsOf(namespace, ({ spec }) => spec.of.kind === kind && spec.of.name === name),
      relevant: reclaimMoved,
    });
  revision.watch(platforms, {
    keysOf: ({ metadata: { namespace, name } }) => revisionsOf(namespace, ({ spec }) => spec.platform.name === name),
    relevant: asked,
  });

  const migration = make('migration', reconcileMigration, (key) => isNamespaceCurrent(refOf(key).namespace ?? ''));
  migration.watch(migrations, { relevant: asked });
  // A rival that begins to wait, or ends, concerns all that are under way beside it.
  const peers = (object: StreamMigration) =>
    migrations.cache.list(namespaced(object)).flatMap((peer) => (peer.status?.outcome === undefined ? [keyIn(peer, peer.metadata.name)] : []));
  migration.watch(migrations, {
    keysOf: peers,
    relevant: (before, after) => before.status?.waitingFor !== after.status?.waitingFor || before.status?.outcome !== after.status?.outcome,
  });
  // One that has failed is the newest over its resources until another has a plan.
  const failed = (object: StreamMigration) =>
    migrations.cache
      .list(namespaced(object))
      .flatMap(({ metadata, status }) =>
        status !== undefined && hasFailed(status) && status.supersededBy === undefined ? [keyIn(object, metadata.name)] : [],
      );
  migration.watch(migrations, {
    keysOf: failed,
    relevant: ({ status: before }, { status: after }) => before?.plan?.hash !== after?.plan?.hash || before?.outcome !== after?.outcome,
  });
  migration.watch(revisions, { keysOf: (object) => (object.spec.migration === '' ? [] : [keyIn(object, object.spec.migration)]), relevant: revisionMoved });
  return [platform, topology, revision, migration];
}
