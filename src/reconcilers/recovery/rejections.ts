import { GrueError } from '../../api/errors.ts';
import type { LogicalStatus } from '../../api/stream.ts';
import type { IndexFacts } from '../../drivers/ports.ts';
import { keyOf, type NodeKey } from '../../topology/graph.ts';
import { revisionsByName } from '../../topology/live.ts';
import type { LiveFacts } from '../facts.ts';
import { lineageOf } from '../lineage.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';
import { knownMark, type MarkedRejection, mostRejections, readMark } from './mark.ts';

type Rejected = NonNullable<LogicalStatus['rejected']>;
export type Rejections = ReadonlyMap<NodeKey, Rejected>;

/** A live index, with what feeds it. */
interface LiveIndex {
  readonly servers: Servers;
  readonly index: IndexFacts;
  readonly feeds: ReadonlySet<NodeKey>;
}

/** What the marks of live indices say was given up, by resource: it outlives every object in Kubernetes. */
export async function markedRejections(facts: LiveFacts, signal: AbortSignal): Promise<Rejections> {
  const found = new Map<NodeKey, Map<string, Rejected[number]>>();
  for (const { index } of await liveIndices(facts, signal))
    for (const { of, ...entry } of rejectedIn(index)) {
      const key = keyOf(of);
      found.set(key, (found.get(key) ?? new Map()).set(rejectionId(entry), entry));
    }
  return new Map([...found].map(([key, entries]) => [key, [...entries.values()]]));
}

/**
 * Writes what has just been given up into the marks of the live indices that the resource feeds. It stands there before it stands in a
 * status, so that a pass that is lost in between writes both again.
 */
export async function markRejections(news: Rejections, facts: LiveFacts, world: World, signal: AbortSignal): Promise<void> {
  if (news.size === 0) return;
  for (const { servers, index, feeds } of await liveIndices(facts, signal)) {
    const known = rejectedIn(index);
    const all = new Map(known.map((entry) => [`${keyOf(entry.of)} ${rejectionId(entry)}`, entry]));
    for (const [key, entries] of news) {
      const of = facts.live.get(key)?.spec.of;
      if (of === undefined || !feeds.has(key)) continue;
      for (const entry of entries) all.set(`${key} ${rejectionId(entry)}`, { ...entry, of });
    }
    if (all.size === known.length) continue;
    const rejected = [...all.values()].sort((a, b) => (a.time < b.time ? -1 : 1)).slice(-mostRejections);
    const about = { namespace: facts.namespace, index: index.name, rejected: rejected.length };
    try {
      await servers.search.remark(index.name, index.uuid, { ...(index.meta?.['grue'] as object), rejected }, signal);
      world.log.info('marked what was given up', about);
    } catch (error) {
      // An index whose metadata may not be written must not hold up a whole namespace: the status remembers it as well.
      if (!(error instanceof GrueError)) throw error;
      world.log.warn('what was given up could not be marked', { ...about, error });
    }
  }
}

/** Of a definition that a migration gave up. */
export const rejectionId = ({ migration, fingerprint }: Pick<MarkedRejection, 'migration' | 'fingerprint'>): string => `${migration}/${fingerprint}`;

const rejectedIn = ({ meta }: IndexFacts): readonly MarkedRejection[] => knownMark(meta)?.rejected ?? [];

async function liveIndices({ live, revisions, platforms }: LiveFacts, signal: AbortSignal): Promise<readonly LiveIndex[]> {
  const byName = revisionsByName(revisions);
  const found: LiveIndex[] = [];
  for (const [name, { servers }] of platforms) {
    if (!servers) continue;
    const sinks = [...live.values()].filter(({ spec }) => spec.physical.index !== undefined && spec.platform.name === name);
    if (sinks.length === 0) continue;
    const indices = await servers.search.indices(
      sinks.flatMap(({ spec }) => spec.physical.index ?? []),
      signal,
    );
    for (const { spec, metadata } of sinks) {
      const index = indices.get(spec.physical.index ?? '');
      const feeds = new Set(lineageOf([metadata.name], byName).map(({ spec: { of } }) => keyOf(of)));
      if (index && readMark(index.meta)) found.push({ servers, index, feeds });
    }
  }
  return found;
}
