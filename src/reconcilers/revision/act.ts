import { GrueError } from '../../api/errors.ts';
import type { Revision, RevisionStatus } from '../../api/revision.ts';
import type { Offset, Offsets } from '../../drivers/ports.ts';
import { decodeOffsets, encodeOffsets } from '../../parity/offsets.ts';
import { indexDefinition } from '../../topology/index-definition.ts';
import { foreignName } from '../../topology/names.ts';
import { readsOf } from '../lineage.ts';
import { markFor, refuseReplaced } from '../recovery/identity.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';
import { deleteReclaimed, letGo, renew } from './leave.ts';
import type { Decision, Effect } from './plan.ts';
import { isMarkedFor, remove } from './remove.ts';
import type { Snapshot } from './snapshot.ts';
import { streamConfig } from './stream-config.ts';

export type Outcome =
  | { readonly kind: 'Done'; readonly learned?: Pick<RevisionStatus, 'uuids' | 'startOffsets' | 'bound'> }
  /** The object is gone, or about to go: there is nobody left to report to. What is left behind on the servers, and why. */
  | { readonly kind: 'Gone'; readonly leftBehind?: string | undefined }
  | { readonly kind: 'Refused'; readonly error: GrueError };

export async function act(decision: Decision, snapshot: Snapshot, world: World, signal: AbortSignal): Promise<Outcome> {
  if (decision.effect === undefined) return { kind: 'Done' };
  try {
    return await carryOut(decision.effect, snapshot, world, signal);
  } catch (error) {
    if (error instanceof GrueError) return { kind: 'Refused', error };
    throw error;
  }
}

async function carryOut(effect: Effect, { revision, role }: Snapshot, world: World, signal: AbortSignal): Promise<Outcome> {
  switch (effect.kind) {
    case 'LetGo':
      await letGo(revision, world, signal);
      return { kind: 'Gone', leftBehind: effect.why };
    case 'Renew':
      await renew(revision, world, signal);
      return { kind: 'Gone' };
    case 'Reclaim':
      return (await deleteReclaimed(revision, world, signal)) ? { kind: 'Gone' } : { kind: 'Done' };
    case 'Realise':
      return { kind: 'Done', learned: await realise(revision, role, await serversOf(revision, world, signal), world, signal) };
    case 'Restart':
      await restart(revision, await serversOf(revision, world, signal), signal);
      return { kind: 'Done' };
    case 'BindAlias':
      await bindAlias(revision, await serversOf(revision, world, signal), world, signal);
      return { kind: 'Done', learned: { bound: true } };
    case 'Remove': {
      const leftBehind = await remove(revision, effect.why, await serversOf(revision, world, signal), world, signal);
      await letGo(revision, world, signal);
      return { kind: 'Gone', leftBehind };
    }
  }
}

async function serversOf({ metadata, spec }: Revision, world: World, signal: AbortSignal): Promise<Servers> {
  const platform = world.caches.platforms.get(`${metadata.namespace}/${spec.platform.name}`);
  if (!platform) throw new GrueError('GRUE-PLT-001', `there is no Platform ${spec.platform.name}`);
  return world.servers(platform, signal);
}

/** Creates what is not there under the names that the spec has chosen. Their random suffix makes what is found there ours, from a pass that was lost. */
async function realise(
  revision: Revision,
  role: Snapshot['role'],
  servers: Servers,
  world: World,
  signal: AbortSignal,
): Promise<Pick<RevisionStatus, 'uuids' | 'startOffsets'>> {
  const { spec } = revision;
  const foreign = foreignName(revision.metadata.namespace, revision.spec);
  if (foreign !== undefined)
    throw new GrueError('GRUE-KFK-002', `${foreign} is not a name that the operator would choose for ${revision.metadata.name}`, {
      at: 'spec.physical',
      fix: 'Revisions are made by the operator only: delete this one',
    });
  const { kafka, search } = servers;
  const { topic, deadLetters, index, group } = spec.physical;
  const note = { installation: world.installation, namespace: revision.metadata.namespace, revision: revision.metadata.name };
  const topicsMade = [spec.stream?.external === false ? topic : undefined, deadLetters].flatMap((name) => name ?? []);
  const noted = await refuseReplaced(revision, role, servers, world, signal);
  // Noted before it is made: a call that is never answered may still be carried out, and somebody has to know whose it is. An identity that
  // is noted already stays.
  for (const name of topicsMade) if (!noted.has(name)) await servers.registry.record({ ...note, kind: 'topic', name }, signal);
  if (group !== undefined) await servers.registry.record({ ...note, kind: 'group', name: group }, signal);
  if (topic !== undefined && spec.stream !== undefined && !spec.stream.external)
    await kafka.createTopic({ name: topic, partitions: spec.stream.partitions, config: await streamConfig(revision, servers, world, signal) }, signal);
  if (deadLetters !== undefined) await kafka.createTopic({ name: deadLetters, partitions: 1, config: { 'cleanup.policy': 'compact' } }, signal);
  if (index !== undefined && spec.connection !== undefined) {
    const marker = await markFor(revision, servers, world, signal);
    await search.createIndex({ name: index, ...indexDefinition(spec.connection.reads, spec.connection.destination, marker) }, signal);
  }
  const topics = await kafka.topics(
    [topic, deadLetters].flatMap((name) => name ?? []),
    signal,
  );
  const indexFacts = index === undefined ? undefined : (await search.indices([index], signal)).get(index);
  if (indexFacts && !isMarkedFor(revision, indexFacts.meta))
    throw new GrueError('GRUE-KFK-002', `index ${index} exists and does not carry our mark`, { fix: 'remove or rename it' });
  const indexUuid = indexFacts?.uuid;
  const topicId = topics.get(topic ?? '')?.id;
  const deadLettersId = topics.get(deadLetters ?? '')?.id;
  for (const name of topicsMade) await servers.registry.record({ ...note, kind: 'topic', name, topicId: topics.get(name)?.id }, signal);
  const uuids = { ...(topicId ? { topicId } : {}), ...(deadLettersId ? { deadLettersId } : {}), ...(indexUuid ? { index: indexUuid } : {}) };
  const reads = [...new Set(readsOf(revision).map((read) => read.topic))];
  return reads.length === 0 ? { uuids } : { uuids, startOffsets: await commitFloor(group ?? '', reads, servers, signal) };
}

/**
 * Lets a new group start at the beginning of what is kept. The commit comes first and is read back, because nothing is committed where
 * something is already: a pass that was lost in between, while retention went on, has set the floor. Nobody runs before it stands in the status.
 */
async function commitFloor(group: string, topics: readonly string[], { kafka }: Servers, signal: AbortSignal): Promise<RevisionStatus['startOffsets']> {
  const earliest = await kafka.offsets(topics, 'Earliest', signal);
  await kafka.commitStart(group, new Map(topics.map((topic) => [topic, known(topic, earliest.get(topic))])), signal);
  const committed = await kafka.committed(group, topics, signal);
  return topics.map((topic) => ({ topic, offsets: encodeOffsets(known(topic, committed.get(topic))) }));
}

/** Positions expire in a group that nobody uses. What is still committed stays. */
async function restart({ spec, status }: Revision, { kafka }: Servers, signal: AbortSignal): Promise<void> {
  const floor = (status?.startOffsets ?? []).map(({ topic, offsets }) => [topic, known(topic, decodeOffsets(offsets))] as const);
  await kafka.commitStart(spec.physical.group ?? '', new Map(floor), signal);
}

function known(topic: string, offsets: Offsets = []): readonly Offset[] {
  return offsets.map((offset) => {
    if (offset === undefined) throw new GrueError('GRUE-KFK-006', `the start of topic ${topic} is not known`);
    return offset;
  });
}

async function bindAlias({ spec, status, metadata }: Revision, { search }: Servers, world: World, signal: AbortSignal): Promise<void> {
  const alias = spec.connection?.destination.alias ?? '';
  if (await search.isConcrete(alias, signal))
    throw new GrueError('GRUE-ES-001', `${alias} is an index and cannot become an alias`, {
      at: 'spec.destination.alias',
      fix: 'name another alias, or rename the index',
    });
  if (!world.mayAct()) throw new Error(`the lease is in doubt: alias ${alias} is not bound now`);
  await search.bindAlias(alias, spec.physical.index ?? '', status?.uuids?.index ?? '', signal);
  world.memory.views.delete(metadata.namespace);
  world.log.info('bound an alias', { namespace: metadata.namespace, revision: metadata.name, alias, index: spec.physical.index });
}
