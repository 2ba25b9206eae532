import type { Platform, PlatformStatus } from '../../api/platform.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';
import { knownMark } from './mark.ts';

export type Orphan = NonNullable<PlatformStatus['orphans']>[number];

/** What a status has room for; the number of all is told beside it. */
export const mostListed = 50;

type Found = Omit<Orphan, 'since'>;

/**
 * What was made for this namespace and no Revision knows: left behind by a deletion that could not be carried out, or by what Kubernetes has
 * lost. It is listed for people and never removed by itself: only they can tell whether somebody still reads it.
 */
export async function observeOrphans(
  platform: Platform,
  { kafka, registry, search }: Servers,
  { caches }: World,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const { namespace } = platform.metadata;
  const revisions = caches.revisions.list(namespace);
  const known = new Set(revisions.flatMap(({ spec }) => Object.values(spec.physical)));
  const marked = (await search.marked(`${platform.spec.prefix}.${namespace}`, signal)).map((index) => ({ index, mark: knownMark(index.meta) }));
  const aliases = [
    ...caches.connections.list(namespace).flatMap(({ spec }) => spec.destination?.alias ?? []),
    ...revisions.flatMap(({ spec }) => spec.connection?.destination.alias ?? []),
  ];
  const targets = await search.aliases([...new Set(aliases)], signal);
  const inUse = new Set([...targets.values()].flat().map(({ index }) => index));
  // What readers use is found again by itself in a moment.
  for (const { index, mark } of marked)
    if (inUse.has(index.name)) for (const { spec } of mark?.chain ?? []) for (const name of Object.values(spec.physical)) known.add(name);
  const indices = marked
    .filter(({ index }) => !known.has(index.name) && !inUse.has(index.name))
    .map(({ index, mark }): Found => ({ kind: 'Index', name: index.name, why: whyOf(mark?.revision, mark?.migration) }));
  const noted = (await registry.entries(signal)).filter((entry) => entry.namespace === namespace && !known.has(entry.name));
  const topics = await kafka.topics(
    noted.flatMap(({ kind, name }) => (kind === 'topic' ? name : [])),
    signal,
  );
  const others: Found[] = [];
  for (const { kind, name, revision } of noted) {
    const isThere = kind === 'topic' ? topics.has(name) : others.length < mostListed && (await kafka.group(name, signal)).state !== 'Absent';
    if (isThere) others.push({ kind: kind === 'topic' ? 'Topic' : 'Group', name, why: whyOf(revision, undefined) });
  }
  return [...indices, ...others].sort((a, b) => (`${a.name} ${a.kind}` < `${b.name} ${b.kind}` ? -1 : 1));
}

function whyOf(revision: string | undefined, migration: string | undefined): string {
  if (revision === undefined) return 'its mark cannot be read';
  return `there is no Revision ${revision}, which it was made for${migration ? ` by migration ${migration}` : ''}`;
}

/** As they stand in the status: what was known before keeps its time. */
export function listed(found: readonly Found[], before: readonly Orphan[], now: string): Pick<PlatformStatus, 'orphans' | 'orphanCount'> {
  if (found.length === 0) return {};
  const since = new Map(before.map((orphan) => [`${orphan.kind} ${orphan.name}`, orphan.since]));
  const orphans = found.slice(0, mostListed).map((orphan) => ({ ...orphan, since: since.get(`${orphan.kind} ${orphan.name}`) ?? now }));
  return { orphans, orphanCount: found.length };
}
