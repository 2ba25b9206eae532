import type { Platform, PlatformStatus } from '../../api/platform.ts';
import { isPhysicalName } from '../../topology/names.ts';
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
    .map(({ index, mark }): Found => ({ kind: 'Index', name: index.name, why: whyOf(mark?.revision, mark?.migration) ?? 'its mark cannot be read' }));
  const notes = new Map((await registry.entries(signal)).map((entry) => [`${entry.kind} ${entry.name}`, entry.revision]));
  const { topics, groups } = await kafka.namesUnder(`${platform.spec.prefix}.${namespace}.`, signal);
  // By their names, and not by our notes of them: a request that came late has made what was forgotten before.
  const others = [...topics.map((name) => ({ kind: 'Topic', name }) as const), ...groups.map((name) => ({ kind: 'Group', name }) as const)]
    .filter(({ name }) => !known.has(name) && isPhysicalName(name, platform.spec.prefix, namespace))
    .map(({ kind, name }): Found => ({ kind, name, why: whyOf(notes.get(`${kind.toLowerCase()} ${name}`)) ?? 'nothing tells what it was made for' }));
  return [...indices, ...others].sort((a, b) => (`${a.name} ${a.kind}` < `${b.name} ${b.kind}` ? -1 : 1));
}

function whyOf(revision: string | undefined, migration?: string): string | undefined {
  if (revision === undefined) return undefined;
  return `there is no Revision ${revision}, which it was made for${migration ? ` by migration ${migration}` : ''}`;
}

/** As they stand in the status: what was known before keeps its time. */
export function listed(found: readonly Found[], before: readonly Orphan[], now: string): Pick<PlatformStatus, 'orphans' | 'orphanCount'> {
  if (found.length === 0) return {};
  const since = new Map(before.map((orphan) => [`${orphan.kind} ${orphan.name}`, orphan.since]));
  const orphans = found.slice(0, mostListed).map((orphan) => ({ ...orphan, since: since.get(`${orphan.kind} ${orphan.name}`) ?? now }));
  return { orphans, orphanCount: found.length };
}
