import { GrueError } from '../../api/errors.ts';
import { kinds } from '../../api/kinds.ts';
import { parseRequest } from '../../api/requests.ts';
import type { Revision } from '../../api/revision.ts';
import type { StreamMigration } from '../../api/stream-migration.ts';
import { type KubeObject, refOf } from '../../controller/kube/api.ts';
import { find } from '../../controller/kube/find.ts';
import { digestOf } from '../../topology/fingerprint.ts';
import { keyOf, type NodeKey } from '../../topology/graph.ts';
import { revisionsByName } from '../../topology/live.ts';
import { keyOfResource, type TopologyFacts } from '../facts.ts';
import { lastsFor, noteLasting } from '../memory.ts';
import { isEnding } from '../namespace.ts';
import { logicalResources, observeLive, observeTopology } from '../observe-topology.ts';
import { rejectionId } from '../recovery/rejections.ts';
import { hasFlipped, isMadeBy } from '../references.ts';
import { rejectedOf } from '../topology/rejected.ts';
import { settledFor } from '../topology/settle.ts';
import type { World } from '../world.ts';
import { namedBy, territory } from './desired.ts';
import { observeProgress } from './progress.ts';
import { propose } from './propose.ts';
import type { Proposal, Rival, Snapshot, Unsettled } from './snapshot.ts';
import { observeSoak } from './soak.ts';
import { goesBack, hasFailed, isNewer } from './status.ts';
import { isProtected } from './steps/protection.ts';

/** Everything that one pass needs to know. Undefined when the migration is gone. */
export async function observe(key: string, world: World, signal: AbortSignal): Promise<Snapshot | undefined> {
  const cached = world.caches.migrations.get(key);
  if (!cached) return undefined;
  const migration = isSettled(cached) ? cached : await freshly(key, world, signal);
  if (!migration) return undefined;
  const status = migration.status ?? {};
  const now = world.clock.now();
  const moment = world.clock.monotonic();
  noteLasting(world.memory.flipped, migration.metadata.uid, hasFlipped(migration), moment);
  const quiet = {
    migration,
    status,
    now,
    request: requestOf(migration),
    unsettled: [],
    rivals: [],
    newer: undefined,
    proposal: undefined,
    revisions: new Map(),
    aliases: new Map(),
    progress: undefined,
    unreachable: undefined,
    soak: undefined,
    namespaceEnds: false,
    unremembered: hasUnremembered(migration, world),
    blockedMilliseconds: lastsFor(world.memory.blocked, migration.metadata.uid, moment),
    flippedMilliseconds: lastsFor(world.memory.flipped, migration.metadata.uid, moment),
    letGoMilliseconds: world.letGoMilliseconds,
  };
  const isDeleted = migration.metadata.deletionTimestamp !== undefined;
  if (isNewer(status)) return isDeleted ? { ...quiet, namespaceEnds: await isEnding(migration.metadata.namespace, world, signal) } : quiet;
  if (isDeleted) return observeDeleted(quiet, world, signal);
  if (status.outcome !== undefined && quiet.request === undefined) {
    const there = world.caches.revisions.list(migration.metadata.namespace);
    return { ...quiet, revisions: revisionsByName(there), newer: hasFailed(status) ? newerThan(migration, world) : undefined };
  }

  const facts = await observeTopology(migration.metadata.namespace, world, signal);
  const revisions = revisionsByName(facts.revisions);
  const platform = platformOf(migration, facts, revisions);
  const found = platform === undefined ? undefined : facts.platforms.get(platform);
  const servers = found?.servers;
  const planned = { ...quiet, revisions, aliases: facts.aliases, rivals: rivalsOf(migration, facts), unreachable: found?.error };
  const isOurs = (revision: Revision | undefined): boolean => revision !== undefined && isMadeBy(migration, revision);
  const frozen = status.plan?.steps.every(({ action, to }) => action !== 'Clone' || isOurs(revisions.get(to))) ?? false;
  if (!frozen && status.ending === undefined && status.flip === undefined) {
    const unsettled = status.plan === undefined ? unsettledInputs(migration, facts, world) : [];
    const proposal =
      unsettled.length === 0 && servers && platform !== undefined ? await propose(migration, facts, platform, servers, world, signal) : undefined;
    const behind = isAboutToBeKept(proposal, planned) ? await cachesBehind(migration, facts, world, signal) : undefined;
    return behind ? { ...planned, unsettled: [behind], proposal: undefined } : { ...planned, unsettled, proposal };
  }
  const progress = servers && frozen && !goesBack(status.plan?.steps ?? []) ? await observeProgress(migration, revisions, servers, world, signal) : undefined;
  const soak = servers && hasFlipped(migration) ? await observeSoak(migration, revisions, servers, world, signal) : undefined;
  return { ...planned, progress, soak };
}

/**
 * Of a migration that is deleted only its Revisions matter, and the aliases where it may have moved them. Nothing else is looked at: a server
 * that is gone, or a definition that is broken, must not hold it.
 */
async function observeDeleted(quiet: Snapshot, world: World, signal: AbortSignal): Promise<Snapshot> {
  const { migration, status } = quiet;
  const { namespace } = migration.metadata;
  const revisions = revisionsByName(world.caches.revisions.list(namespace));
  const known = { ...quiet, revisions, namespaceEnds: await isEnding(namespace, world, signal) };
  if (known.namespaceEnds || status.flip === undefined) return known;
  try {
    const { platforms, aliases } = await observeLive(namespace, world, signal);
    const platform = status.plan?.steps.flatMap(({ to }) => revisions.get(to)?.spec.platform.name ?? [])[0];
    return { ...known, aliases, unreachable: platforms.get(platform ?? '')?.error };
  } catch (error) {
    if (!(error instanceof GrueError)) throw error;
    return { ...known, unreachable: error };
  }
}

/** What a migration gave up is told from its status until the resources say it themselves; they outlive it. */
function hasUnremembered(migration: StreamMigration, world: World): boolean {
  return logicalResources(migration.metadata.namespace, world).some((resource) => {
    const said = new Set(resource.status?.rejected?.map(rejectionId));
    return rejectedOf(keyOfResource(resource), [], [migration]).some((entry) => !said.has(rejectionId(entry)));
  });
}

/** Nothing is asked of it, and nothing will happen to it: the cache is good enough, and costs no call. */
const isSettled = ({ status, metadata }: StreamMigration): boolean => status?.outcome !== undefined && metadata.deletionTimestamp === undefined;

/** Intents must be seen as they are stored: a cache may be older than the intent that an effect needs. */
const freshly = (key: string, { kube }: World, signal: AbortSignal): Promise<StreamMigration | undefined> =>
  find<StreamMigration>(kube, kinds.StreamMigration, refOf(key), signal);

function requestOf({ metadata, status }: StreamMigration): Snapshot['request'] {
  const annotations = metadata.annotations ?? {};
  try {
    const ask = parseRequest(annotations);
    return ask === undefined || answered(status, ask.id) ? undefined : { ask };
  } catch (error) {
    if (!(error instanceof GrueError)) throw error;
    const id = annotations['grue.dev/request-id'] ?? digestOf(annotations);
    return answered(status, id) ? undefined : { id, error };
  }
}

const answered = (status: StreamMigration['status'], id: string): boolean => status?.requests?.some((request) => request.id === id) ?? false;

/** The Platform of the plan, or of the named resources. */
function platformOf(migration: StreamMigration, facts: TopologyFacts, revisions: ReadonlyMap<string, Revision>): string | undefined {
  for (const step of migration.status?.plan?.steps ?? []) {
    const name = revisions.get(step.to)?.spec.platform.name;
    if (name !== undefined) return name;
  }
  for (const key of namedBy(migration)) {
    const name = facts.resources.get(key)?.spec.platformRef.name ?? facts.live.get(key)?.spec.platform.name;
    if (name !== undefined) return name;
  }
  return undefined;
}

function rivalsOf(migration: StreamMigration, facts: TopologyFacts): readonly Rival[] {
  const own = territory(migration, facts);
  const age = ({ metadata }: StreamMigration): string => `${metadata.creationTimestamp} ${metadata.name}`;
  return facts.migrations
    .filter((other) => other.metadata.uid !== migration.metadata.uid && other.status?.outcome === undefined && other.metadata.deletionTimestamp === undefined)
    .filter((other) => [...territory(other, facts)].some((key) => own.has(key)))
    .map((other) => ({
      name: other.metadata.name,
      newer: age(other) > age(migration),
      waitsForUs: other.status?.waitingFor === migration.metadata.name,
      planned: other.status?.plan !== undefined,
      flipped: hasFlipped(other) || other.status?.flip !== undefined,
      goesBack: goesBack(other.status?.plan?.steps ?? []),
    }));
}

/** Told by names and plans alone: of one that has ended nothing else is looked at. */
function newerThan(migration: StreamMigration, { caches }: World): string | undefined {
  const own = new Set(touchedBy(migration));
  const start = ({ metadata, status }: StreamMigration): string => `${status?.startedAt ?? metadata.creationTimestamp} ${metadata.name}`;
  return caches.migrations
    .list(migration.metadata.namespace)
    .filter((other) => (other.status?.plan ?? other.status?.outcome) !== undefined && start(other) > start(migration))
    .toSorted((a, b) => (start(a) < start(b) ? -1 : 1))
    .find((other) => touchedBy(other).some((key) => own.has(key)))?.metadata.name;
}

const touchedBy = (migration: StreamMigration): readonly NodeKey[] => [
  ...namedBy(migration),
  ...(migration.status?.plan?.steps ?? []).filter(({ action }) => action !== 'Share').map(({ of }) => keyOf(of)),
];

/** Planning waits until everything named is there, sound, as the digest says, and unchanged for a while: a sync applies its files in any order. */
function unsettledInputs(migration: StreamMigration, facts: TopologyFacts, world: World): readonly Unsettled[] {
  const waiting = (message: string): Unsettled => ({ reason: 'WaitingForInputs', message });
  const found: Unsettled[] = [];
  for (const { kind, name, digest } of migration.spec.resources ?? []) {
    const resource = facts.resources.get(`${kind}/${name}`);
    if (!resource) found.push(waiting(`GRUE-API-002 at spec.resources: ${kind}/${name} does not exist`));
    else if (digest !== undefined && digestOf(resource.spec) !== digest) found.push(waiting(`${kind}/${name} has not the digest that spec.resources names`));
  }
  for (const { kind, name, base } of migration.spec.changes ?? []) {
    const live = facts.live.get(`${kind}/${name}`)?.spec.fingerprint;
    if (live !== base)
      found.push({ reason: 'WaitingForBase', message: `GRUE-MIG-008: ${kind}/${name} is live as ${live ?? 'nothing'}, and the change starts from ${base}` });
  }
  const members = territory(migration, facts);
  for (const key of members) for (const { line } of facts.problems.get(key) ?? []) found.push(waiting(`${key}: ${line}`));
  if (found.length > 0) return found;
  const unchangedFor = settledFor(facts, world);
  const moving = [...members].filter((key) => unchangedFor(key) < world.settleMilliseconds);
  return moving.length === 0 ? [] : [{ reason: 'Settling', message: `${moving.join(', ')} changed less than ${world.settleMilliseconds / 1_000} s ago` }];
}

/** A plan is written down once its migration is protected; that there is nothing to do, at once. */
const isAboutToBeKept = (proposal: Proposal | undefined, { migration, status }: Snapshot): boolean =>
  status.plan === undefined && proposal !== undefined && ('nothingToDo' in proposal || ('plan' in proposal && isProtected({ migration })));

/** Each kind comes to the caches by a way of its own: the migration may be there before the edit that it is about. So what is planned is read once more. */
async function cachesBehind(migration: StreamMigration, facts: TopologyFacts, world: World, signal: AbortSignal): Promise<Unsettled | undefined> {
  const members = [...territory(migration, facts)].flatMap((key) => facts.resources.get(key) ?? []);
  const { namespace } = facts;
  const lists = [...new Set(members.map(({ kind }) => kind))].map((kind) => world.kube.list<KubeObject>(kinds[kind], { namespace, signal }));
  const stored = new Map(
    (await Promise.all(lists)).flatMap(({ items }) => items.map((item) => [`${item.kind}/${item.metadata.name}`, item.metadata] as const)),
  );
  const behind = members.map(keyOfResource).find((key) => {
    const [known, now] = [facts.resources.get(key)?.metadata, stored.get(key)];
    return now?.uid !== known?.uid || now?.generation !== known?.generation;
  });
  return behind === undefined ? undefined : { reason: 'Settling', message: `${behind} was changed a moment ago` };
}
