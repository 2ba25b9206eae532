import { GrueError } from '../../api/errors.ts';
import { kinds } from '../../api/kinds.ts';
import type { Revision, RevisionStatus } from '../../api/revision.ts';
import { isKubeError } from '../../controller/kube/errors.ts';
import type { Offset, Offsets } from '../../drivers/ports.ts';
import { decodeOffsets, encodeOffsets } from '../../parity/offsets.ts';
import { indexDefinition } from '../../topology/index-definition.ts';
import { readsOf } from '../lineage.ts';
import type { Servers } from '../servers.ts';
import { fieldManager, type World } from '../world.ts';
import { revisionFinalizer } from './create.ts';
import type { Decision } from './plan.ts';
import type { Snapshot } from './snapshot.ts';
import { streamConfig } from './stream-config.ts';

export type Outcome =
  | { readonly kind: 'Done'; readonly learned?: Pick<RevisionStatus, 'uuids' | 'startOffsets' | 'bound'> }
  /** The object has been let go: there is nobody left to report to. */
  | { readonly kind: 'Released' }
  | { readonly kind: 'Refused'; readonly error: GrueError };

export async function act(decision: Decision, snapshot: Snapshot, world: World, signal: AbortSignal): Promise<Outcome> {
  if (decision.effect === undefined) return { kind: 'Done' };
  const { revision } = snapshot;
  try {
    const platform = world.caches.platforms.get(`${revision.metadata.namespace}/${revision.spec.platform.name}`);
    if (!platform) throw new GrueError('GRUE-PLT-001', `there is no Platform ${revision.spec.platform.name}`);
    const servers = await world.servers(platform, signal);
    switch (decision.effect.kind) {
      case 'Realise':
        return { kind: 'Done', learned: await realise(revision, servers, world, signal) };
      case 'Restart':
        await restart(revision, servers, signal);
        return { kind: 'Done' };
      case 'BindAlias':
        await bindAlias(revision, servers, world, signal);
        return { kind: 'Done', learned: { bound: true } };
      case 'Remove':
        await remove(revision, servers, world, signal);
        return { kind: 'Released' };
    }
  } catch (error) {
    if (error instanceof GrueError) return { kind: 'Refused', error };
    throw error;
  }
}

/** Creates what is not there under the names that the spec has chosen. Their random suffix makes what is found there ours, from a pass that was lost. */
async function realise(revision: Revision, servers: Servers, world: World, signal: AbortSignal): Promise<Pick<RevisionStatus, 'uuids' | 'startOffsets'>> {
  const { spec } = revision;
  const { kafka, search } = servers;
  const { topic, deadLetters, index } = spec.physical;
  if (topic !== undefined && spec.stream !== undefined && !spec.stream.external)
    await kafka.createTopic({ name: topic, partitions: spec.stream.partitions, config: await streamConfig(revision, servers, world, signal) }, signal);
  if (deadLetters !== undefined) await kafka.createTopic({ name: deadLetters, partitions: 1, config: { 'cleanup.policy': 'compact' } }, signal);
  if (index !== undefined && spec.connection !== undefined) {
    const marker = {
      installation: world.installation,
      revision: revision.metadata.name,
      namespace: revision.metadata.namespace,
      fingerprint: spec.fingerprint,
      migration: spec.migration,
      spec,
    };
    await search.createIndex({ name: index, ...indexDefinition(spec.connection.reads, spec.connection.destination, marker) }, signal);
  }
  const topics = await kafka.topics(
    [topic, deadLetters].flatMap((name) => name ?? []),
    signal,
  );
  const indexUuid = index === undefined ? undefined : (await search.indices([index], signal)).get(index)?.uuid;
  const topicId = topics.get(topic ?? '')?.id;
  const deadLettersId = topics.get(deadLetters ?? '')?.id;
  const note = { installation: world.installation, namespace: revision.metadata.namespace, revision: revision.metadata.name };
  if (topic !== undefined && spec.stream?.external === false) await servers.registry.record({ ...note, kind: 'topic', name: topic, topicId }, signal);
  if (deadLetters !== undefined) await servers.registry.record({ ...note, kind: 'topic', name: deadLetters, topicId: deadLettersId }, signal);
  if (spec.physical.group !== undefined) await servers.registry.record({ ...note, kind: 'group', name: spec.physical.group }, signal);
  const uuids = { ...(topicId ? { topicId } : {}), ...(deadLettersId ? { deadLettersId } : {}), ...(indexUuid ? { index: indexUuid } : {}) };
  const reads = [...new Set(readsOf(revision).map((read) => read.topic))];
  return reads.length === 0 ? { uuids } : { uuids, startOffsets: await commitFloor(spec.physical.group ?? '', reads, servers, signal) };
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

/** Sink first, then the group, then topics: nothing is removed that something still feeds. Only recorded identities are touched. */
async function remove({ spec, status, metadata }: Revision, { kafka, search, registry }: Servers, world: World, signal: AbortSignal): Promise<void> {
  if (!world.mayAct()) throw new Error(`the lease is in doubt: ${metadata.name} is not removed now`);
  const { topic, deadLetters, index, group } = spec.physical;
  const log = (what: string, name: string, result: string): void =>
    world.log.info('removed', { namespace: metadata.namespace, revision: metadata.name, what, object: name, result });
  if (index !== undefined && status?.uuids?.index !== undefined) log('index', index, await search.deleteIndex(index, status.uuids.index, signal));
  if (group !== undefined) {
    log('group', group, await kafka.deleteGroup(group, signal));
    await registry.forget('group', group, signal);
  }
  const topics = [
    { name: deadLetters, id: status?.uuids?.deadLettersId },
    { name: spec.stream?.external === false ? topic : undefined, id: status?.uuids?.topicId },
  ];
  for (const { name, id } of topics) {
    if (name === undefined || id === undefined) continue;
    log('topic', name, await kafka.deleteTopic(name, id, signal));
    await registry.forget('topic', name, signal);
  }
  const finalizers = (metadata.finalizers ?? []).filter((entry) => entry !== revisionFinalizer);
  try {
    await world.kube.mergePatch(kinds.Revision, metadata, { metadata: { resourceVersion: metadata.resourceVersion, finalizers } }, { fieldManager, signal });
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
  }
}
