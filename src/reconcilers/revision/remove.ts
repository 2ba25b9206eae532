import { GrueError } from '../../api/errors.ts';
import type { Revision } from '../../api/revision.ts';
import { foreignName } from '../../topology/names.ts';
import { audited, type DestructiveCall } from '../audit.ts';
import { readsOf } from '../lineage.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';

/** What a Revision may take with it, each with the identity that it has to have. */
interface Belongings {
  readonly index?: { readonly name: string; readonly uuid: string } | undefined;
  readonly group?: string | undefined;
  readonly topics: readonly { readonly name: string; readonly id: string }[];
}

/** Does the index carry the mark that this Revision gave it? */
export function isMarkedFor({ spec, metadata }: Revision, meta: Readonly<Record<string, unknown>> | undefined): boolean {
  const mark = (meta?.['grue'] ?? {}) as Readonly<Record<string, unknown>>;
  return mark['namespace'] === metadata.namespace && mark['revision'] === metadata.name && mark['fingerprint'] === spec.fingerprint;
}

/**
 * Takes away what the Revision realised: sink first, then the group, then topics, so that nothing is removed that something still feeds. Only
 * what has a recorded identity; of a Revision that was killed before it could record any, what provably was never used.
 * @returns what is left behind, because it cannot be told whose it is; undefined when nothing is
 * @throws GrueError GRUE-KFK-007 when somebody reads with the group: it is tried again
 */
export async function remove(revision: Revision, why: string, servers: Servers, world: World, signal: AbortSignal): Promise<string | undefined> {
  const foreign = foreignName(revision.metadata.namespace, revision.spec);
  if (foreign !== undefined) return `${foreign} is not a name that was chosen for ${revision.metadata.name}`;
  const belongings = revision.status?.uuids === undefined ? await unrecorded(revision, servers, signal) : recorded(revision);
  if ('unclear' in belongings) return belongings.unclear;
  const { kafka, search, registry } = servers;
  const call = (verb: DestructiveCall['verb'], object: string, identity: string): DestructiveCall => ({
    ...{ verb, object, identity, why },
    ...{ namespace: revision.metadata.namespace, revision: revision.metadata.name },
  });
  const { index, group, topics } = belongings;
  if (index) await audited(call('DeleteIndex', index.name, index.uuid), world, () => search.deleteIndex(index.name, index.uuid, signal));
  if (group !== undefined) {
    const result = await audited(call('DeleteGroup', group, `its name, which nobody else chooses`), world, () => kafka.deleteGroup(group, signal));
    if (result === 'Active') throw new GrueError('GRUE-KFK-007', `somebody reads with group ${group}, so it cannot be removed`, { fix: 'stop the reader' });
    await registry.forget('group', group, signal);
  }
  for (const { name, id } of topics) {
    await audited(call('DeleteTopic', name, id), world, () => kafka.deleteTopic(name, id, signal));
    await registry.forget('topic', name, signal);
  }
  return undefined;
}

const ownTopics = ({ spec }: Revision): readonly string[] =>
  [spec.physical.deadLetters, spec.stream?.external === false ? spec.physical.topic : undefined].flatMap((name) => name ?? []);

function recorded({ spec, status }: Revision): Belongings {
  const { topic, deadLetters, index, group } = spec.physical;
  const { index: uuid, topicId, deadLettersId } = status?.uuids ?? {};
  const topics = [
    { name: deadLetters, id: deadLettersId },
    { name: spec.stream?.external === false ? topic : undefined, id: topicId },
  ];
  return {
    index: index !== undefined && uuid !== undefined ? { name: index, uuid } : undefined,
    group,
    topics: topics.flatMap(({ name, id }) => (name === undefined || id === undefined ? [] : [{ name, id }])),
  };
}

/**
 * Nothing runs before identities are recorded. So what a pass made that was killed before it could record them bears the random suffix of
 * this Revision, and nothing has ever been written to it. Anything else under these names has a history that nobody has told us: a status
 * that was lost, or somebody who made the topic anew.
 */
async function unrecorded(revision: Revision, { kafka, search, registry }: Servers, signal: AbortSignal): Promise<Belongings | { readonly unclear: string }> {
  const { index, group } = revision.spec.physical;
  const unclear = (what: string) => ({ unclear: `${what}, and the identity of what ${revision.metadata.name} made is not recorded` });
  const found = await kafka.topics(ownTopics(revision), signal);
  const names = [...found.keys()];
  const noted = new Set((await registry.entries(signal)).map(({ name, revision: maker }) => `${maker} ${name}`));
  const unknown = names.find((name) => !noted.has(`${revision.metadata.name} ${name}`));
  if (unknown !== undefined) return unclear(`topic ${unknown} is not noted as ours, and we note a topic before we make it`);
  const [starts, ends] = await Promise.all([kafka.offsets(names, 'Earliest', signal), kafka.offsets(names, 'HighWatermark', signal)]);
  const written = names.find((name) => [...(starts.get(name) ?? [undefined]), ...(ends.get(name) ?? [])].some((offset) => offset !== 0n));
  if (written !== undefined) return unclear(`topic ${written} holds records`);
  const facts = index === undefined ? undefined : (await search.indices([index], signal)).get(index);
  if (facts && !isMarkedFor(revision, facts.meta)) return unclear(`index ${facts.name} does not carry our mark`);
  if (facts && (await countOf(facts, search, signal)) > 0) return unclear(`index ${facts.name} holds documents`);
  if (group !== undefined && (await hasMoved(group, revision, kafka, signal))) return unclear(`group ${group} has read records`);
  return { index: facts, group, topics: [...found.values()] };
}

async function countOf({ name, uuid }: { readonly name: string; readonly uuid: string }, search: Servers['search'], signal: AbortSignal): Promise<number> {
  await search.refresh([name], signal);
  const view = await search.view(name, uuid, signal);
  try {
    return await view.count(signal);
  } finally {
    await view.close();
  }
}

/** Is the group anywhere but where it was to start? Retention only moves the start forward, beyond a commit that was made there. */
async function hasMoved(group: string, revision: Revision, kafka: Servers['kafka'], signal: AbortSignal): Promise<boolean> {
  const reads = [...new Set(readsOf(revision).map(({ topic }) => topic))];
  const [committed, starts] = await Promise.all([kafka.committed(group, reads, signal), kafka.offsets(reads, 'Earliest', signal)]);
  return reads.some((topic) => (committed.get(topic) ?? []).some((offset, at) => offset !== undefined && offset > (starts.get(topic)?.[at] ?? 0n)));
}
