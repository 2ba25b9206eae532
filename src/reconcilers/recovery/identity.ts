import { GrueError } from '../../api/errors.ts';
import type { Revision, Role } from '../../api/revision.ts';
import type { IndexFacts } from '../../drivers/ports.ts';
import { revisionsByName } from '../../topology/live.ts';
import { lineageOf } from '../lineage.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';
import { knownMark, type Mark, type MarkEntry, markOf } from './mark.ts';

/**
 * Before a Revision whose status is not there (new, or lost) takes what it finds under its names: is that what was there before? The registry
 * notes the topics that we made, and the marks of indices tell of all topics that fed them. Only what readers use had been made before for
 * sure: of anything else no mark is asked.
 * @returns the topics that the registry knows with their identity
 * @throws GrueError GRUE-KFK-004 when a topic that was there is gone, or is another one
 */
export async function refuseReplaced(
  { metadata, spec }: Revision,
  role: Role | undefined,
  { kafka, registry, search }: Servers,
  { caches }: World,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const names = [spec.physical.topic, spec.physical.deadLetters].flatMap((name) => name ?? []);
  if (names.length === 0) return new Set();
  const before = new Map<string, string>();
  const prefix = caches.platforms.get(`${metadata.namespace}/${spec.platform.name}`)?.spec.prefix;
  const marked = role === 'live' || role === 'blue' ? await search.marked(`${prefix}.${metadata.namespace}`, signal) : [];
  for (const { name, spec: of, topicId } of marked.flatMap(chainOf))
    if (name === metadata.name && of.fingerprint === spec.fingerprint && of.physical.topic !== undefined && topicId !== undefined)
      before.set(of.physical.topic, topicId);
  const noted = new Set<string>();
  for (const { kind, name, namespace, revision: maker, topicId } of await registry.entries(signal)) {
    if (kind !== 'topic' || topicId === undefined || namespace !== metadata.namespace || maker !== metadata.name) continue;
    before.set(name, topicId);
    noted.add(name);
  }
  const found = await kafka.topics(names, signal);
  for (const name of names) {
    const recorded = before.get(name);
    const id = found.get(name)?.id;
    if (recorded === undefined || recorded === id) continue;
    throw new GrueError(
      'GRUE-KFK-004',
      `topic ${name} ${id === undefined ? 'does not exist' : `has id ${id}`}, and it was ${recorded} when ${metadata.name} was made`,
      {
        fix: 'restore the topic, or start a migration of what is above it: nothing is made anew by guessing',
      },
    );
  }
  return noted;
}

const chainOf = ({ meta }: IndexFacts): readonly MarkEntry[] => knownMark(meta)?.chain ?? [];

/** What the index of a sink says of itself, with all that feeds it as it is now. */
export async function markFor(sink: Revision, { kafka }: Servers, { caches, installation }: World, signal: AbortSignal): Promise<Mark> {
  const byName = revisionsByName(caches.revisions.list(sink.metadata.namespace));
  const lineage = lineageOf([sink.metadata.name], byName.set(sink.metadata.name, sink));
  const topics = await kafka.topics(
    lineage.flatMap(({ spec }) => spec.physical.topic ?? []),
    signal,
  );
  const rejected = lineage.flatMap(({ spec: { of }, metadata: { namespace } }) => {
    const resources = { Stream: caches.streams, Pipeline: caches.pipelines, Connection: caches.connections }[of.kind];
    return (resources.get(`${namespace}/${of.name}`)?.status?.rejected ?? []).map((entry) => ({ of, ...entry }));
  });
  return markOf(lineage, new Map([...topics].map(([name, { id }]) => [name, id])), installation, rejected);
}
