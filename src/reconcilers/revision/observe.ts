import { GrueError } from '../../api/errors.ts';
import type { Revision } from '../../api/revision.ts';
import { lagOf } from '../../parity/fence.ts';
import type { LiveFacts } from '../facts.ts';
import { readsOf } from '../lineage.ts';
import { lastsFor, noteLasting, rateOf, remember } from '../memory.ts';
import { isEnding } from '../namespace.ts';
import { observeLive } from '../observe-topology.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';
import { readersOf, resourceOf } from './released.ts';
import type { PhysicalFacts, Snapshot } from './snapshot.ts';

/** How often the numbers of a stage are renewed: each time is a write. A stage that is watched for less has none; the migration tells its lag at once. */
const columnsEvery = 10_000;

/** How long the view of a namespace may serve passes over its Revisions. A removal always looks anew, from the decision on. */
const viewMilliseconds = 500;

export async function observe(key: string, world: World, signal: AbortSignal): Promise<Snapshot | undefined> {
  const revision = world.caches.revisions.get(key);
  if (!revision) return undefined;
  const { uid, namespace, deletionTimestamp } = revision.metadata;
  const isDeleted = deletionTimestamp !== undefined;
  const resource = resourceOf(revision, { Stream: world.caches.streams, Pipeline: world.caches.pipelines, Connection: world.caches.connections });
  const moment = world.clock.monotonic();
  noteLasting(world.memory.gone, uid, resource === undefined, moment);
  const known = {
    revision,
    now: world.clock.now(),
    role: undefined,
    unreachable: undefined,
    watched: false,
    otherServers: undefined,
    physical: undefined,
    resource,
    goneMilliseconds: lastsFor(world.memory.gone, uid, moment),
    readers: [],
    namespaceEnds: isDeleted && (await isEnding(namespace, world, signal)),
    blockedMilliseconds: lastsFor(world.memory.blocked, uid, moment),
    letGoMilliseconds: world.letGoMilliseconds,
  };
  if (known.namespaceEnds) return known;
  try {
    return { ...known, ...(await observeServers(revision, world, signal)) };
  } catch (error) {
    // Servers that answer at first and then fail, pass after pass, must not hold what is deleted for ever.
    if (!isDeleted || !(error instanceof GrueError)) throw error;
    return { ...known, unreachable: error };
  }
}

/** What only the servers can tell. */
async function observeServers(
  revision: Revision,
  world: World,
  signal: AbortSignal,
): Promise<Pick<Snapshot, 'role' | 'unreachable' | 'watched' | 'otherServers' | 'physical' | 'readers'>> {
  const facts = await viewOf(revision, world, signal);
  const { spec, metadata } = revision;
  const { servers, error } = facts.platforms.get(spec.platform.name) ?? {};
  const otherServers = servers && describeOtherServers(revision, servers);
  return {
    role: error === undefined ? facts.roles.get(metadata.name) : undefined,
    unreachable: error,
    watched: isWatched(revision, facts),
    otherServers,
    physical: servers && otherServers === undefined ? await observePhysical(revision, facts, servers, world, signal) : undefined,
    readers: readersOf(revision, facts),
  };
}

/** Passes over the Revisions of one namespace come in bursts: they share one view of it. */
async function viewOf(revision: Revision, world: World, signal: AbortSignal): Promise<LiveFacts> {
  const { namespace } = revision.metadata;
  const now = world.clock.monotonic();
  const kept = world.memory.views.get(namespace);
  const { revisions, migrations, platforms } = world.caches;
  const versions = [revisions, migrations, platforms].map((cache) => cache.resourceVersion()).join('/');
  const usable =
    kept?.versions === versions &&
    now - kept.at < viewMilliseconds &&
    revision.metadata.deletionTimestamp === undefined &&
    revision.status?.reclaimedAt === undefined;
  if (usable) return kept.facts;
  const facts = await observeLive(namespace, world, signal);
  world.memory.views.set(namespace, { at: now, versions, facts });
  return facts;
}

function describeOtherServers({ spec }: Revision, servers: Servers): string | undefined {
  const { kafkaClusterId, elasticsearchUuid } = spec.platform;
  if (servers.kafkaClusterId !== kafkaClusterId) return `GRUE-PLT-007: Kafka is cluster ${servers.kafkaClusterId}, and this was made on ${kafkaClusterId}`;
  if (servers.elasticsearchUuid !== elasticsearchUuid)
    return `GRUE-PLT-007: Elasticsearch is cluster ${servers.elasticsearchUuid}, and this was made on ${elasticsearchUuid}`;
  return undefined;
}

/** While green catches up with blue, people look at both. Afterwards the migration says whether blue is still fed, and metrics say the rest. */
const isWatched = ({ metadata }: Revision, { migrations }: LiveFacts): boolean =>
  migrations.some(
    ({ status }) =>
      status?.outcome === undefined &&
      status?.flip?.result !== 'Moved' &&
      (status?.plan?.steps ?? []).some(({ from, to }) => from === metadata.name || to === metadata.name),
  );

async function observePhysical(revision: Revision, facts: LiveFacts, { kafka }: Servers, world: World, signal: AbortSignal): Promise<PhysicalFacts> {
  const { spec, status, metadata } = revision;
  const reads = [...new Set(readsOf(revision).map(({ topic }) => topic))];
  const own = [spec.physical.topic, spec.physical.deadLetters].flatMap((name) => name ?? []);
  const topics = await kafka.topics([...reads, ...own, ...(spec.pipeline ? [spec.pipeline.writes.topic] : [])], signal);
  const needed = spec.pipeline ? [...reads, spec.pipeline.writes.topic] : reads;
  const { group } = spec.physical;
  const watched = isWatched(revision, facts) && group !== undefined && status?.wanted === 'Running' && metadata.deletionTimestamp === undefined;
  if (!watched) world.memory.columns.delete(metadata.uid);
  return {
    members: group === undefined ? undefined : (await kafka.group(group, signal)).members,
    missingInputs: metadata.deletionTimestamp === undefined ? needed.filter((topic) => !topics.has(topic)) : [],
    aliasTargets: (facts.aliases.get(spec.connection?.destination.alias ?? '') ?? []).map(({ index }) => index),
    replaced: describeReplaced(revision, facts, topics),
    columns: watched ? await observeColumns(revision, group, reads, kafka, world, signal) : undefined,
  };
}

/** A topic that was deleted and made again under its name starts at offset 0: origins would repeat, so whoever reads it stops. */
function describeReplaced(
  { spec, status, metadata }: Revision,
  { revisions }: LiveFacts,
  topics: ReadonlyMap<string, { readonly id: string }>,
): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return undefined;
  const own = { topic: spec.physical.topic, recorded: status?.uuids?.topicId };
  const inputs = revisions
    .filter((input) => spec.inputs.includes(input.metadata.name))
    .map((input) => ({ topic: input.spec.physical.topic, recorded: input.status?.uuids?.topicId }));
  for (const { topic, recorded } of [own, ...inputs]) {
    if (topic === undefined || recorded === undefined) continue;
    const found = topics.get(topic);
    if (found?.id !== recorded) return `GRUE-KFK-004: topic ${topic} ${found ? `has id ${found.id}` : 'does not exist'}, and ${recorded} was recorded`;
  }
  return undefined;
}

async function observeColumns(
  { metadata }: Revision,
  group: string,
  reads: readonly string[],
  kafka: Servers['kafka'],
  world: World,
  signal: AbortSignal,
): Promise<PhysicalFacts['columns']> {
  const now = world.clock.monotonic();
  const renewedAt = world.memory.columns.get(metadata.uid) ?? now;
  const isDue = now - renewedAt >= columnsEvery;
  world.memory.columns.set(metadata.uid, isDue ? now : renewedAt);
  const committed = await kafka.committed(group, reads, signal);
  const [ends, starts] = await Promise.all([kafka.offsets(reads, 'HighWatermark', signal), kafka.offsets(reads, 'Earliest', signal)]);
  const done = [...committed.values()].flat().reduce<bigint>((sum, offset) => sum + (offset ?? 0n), 0n);
  const samples = remember(world.memory.samples.get(metadata.uid), { at: now, done });
  world.memory.samples.set(metadata.uid, samples);
  if (!isDue) return 'AsBefore';
  return { lag: lagOf({ revision: metadata.name, reads, committed }, ends, starts), rate: rateOf(samples) };
}
