import type { Client } from '@elastic/elasticsearch';
import { GrueError } from '../../api/errors.ts';
import type { AliasTarget, IndexFacts, IndexSpec } from '../ports.ts';
import { readOnly } from './client.ts';
import { noFailedShard, reasonOf, request, serverError, statusOf } from './errors.ts';

/** Identity of an index and what points at it. */
export interface Placement {
  readonly uuid: string;
  readonly aliases: ReadonlyMap<string, Omit<AliasTarget, 'index' | 'uuid'>>;
}

/** Elasticsearch refuses a request line beyond 4096 bytes. */
const NAMES_IN_ONE_PATH = 3_000;

/**
 * The alias under which workers write. A bulk request to a name that does not exist makes an index of that name, with
 * guessed mappings; a request that must go through an alias cannot. So a worker that is late for the deletion of its index
 * writes nothing, instead of raising a ghost. Hidden, so that patterns of readers do not see it.
 */
export const writerAlias = (index: string): string => `${index}.writer`;

/** Placement of the indices that the names (of indices or aliases) lead to; names that lead nowhere are left out. */
export async function placements(client: Client, names: readonly string[], signal: AbortSignal): Promise<Map<string, Placement>> {
  const found = new Map<string, Placement>();
  for (const some of pathsOf(names)) {
    const answer = await request(`reading ${some.join(', ')}`, signal, () =>
      client.indices.get(
        { index: some, features: ['aliases', 'settings'], ignore_unavailable: true, filter_path: ['*.aliases', '*.settings.index.uuid'] },
        { ...readOnly, signal },
      ),
    );
    for (const [index, state] of Object.entries(answer))
      found.set(index, { uuid: uuidIn(state.settings), aliases: new Map(Object.entries(state.aliases ?? {}).map(fromWire)) });
  }
  return found;
}

interface WireAlias {
  readonly filter?: object;
  readonly index_routing?: string;
  readonly search_routing?: string;
  readonly is_write_index?: boolean;
  readonly is_hidden?: boolean;
}

function fromWire([name, wire]: [string, WireAlias]): [string, Omit<AliasTarget, 'index' | 'uuid'>] {
  return [
    name,
    {
      ...(wire.filter === undefined ? {} : { filter: wire.filter as Record<string, unknown> }),
      ...(wire.index_routing === undefined ? {} : { indexRouting: wire.index_routing }),
      ...(wire.search_routing === undefined ? {} : { searchRouting: wire.search_routing }),
      ...(wire.is_write_index === undefined ? {} : { isWriteIndex: wire.is_write_index }),
      ...(wire.is_hidden === undefined ? {} : { isHidden: wire.is_hidden }),
    },
  ];
}

/** Facts of those of the named concrete indices that exist. */
export async function indexFacts(client: Client, names: readonly string[], signal: AbortSignal): Promise<Map<string, IndexFacts>> {
  const facts = new Map<string, IndexFacts>();
  for (const some of pathsOf(names)) {
    const isAsked = new Set(some);
    for (const found of await factsOf(client, `reading ${some.join(', ')}`, some, (name) => isAsked.has(name), signal)) facts.set(found.name, found);
  }
  return facts;
}

/** Facts of all indices under a prefix that carry a mark of ours, by name. */
export async function markedIndices(client: Client, prefix: string, signal: AbortSignal): Promise<readonly IndexFacts[]> {
  // a pattern also finds what has an alias of such a name
  const found = await factsOf(client, `looking for indices ${prefix}.*`, [`${prefix}.*`], (name) => name.startsWith(`${prefix}.`), signal);
  return found.filter(({ meta }) => meta !== undefined && 'grue' in meta).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Puts another mark into the place of ours. A new `_meta` replaces the old one whole, so the rest of it is sent with it. */
export async function remark(client: Client, index: string, uuid: string, mark: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void> {
  const found = (await indexFacts(client, [index], signal)).get(index);
  sameIndex(index, uuid, found);
  const mapping = { _meta: { ...found?.meta, grue: mark } };
  await request(`marking index ${index}`, signal, () => client.indices.putMapping({ index, ...mapping }, { signal }), GONE);
}

/** @param names concrete names, or patterns: hidden and closed indices belong to what they find */
async function factsOf(client: Client, what: string, names: string[], isWanted: (name: string) => boolean, signal: AbortSignal): Promise<IndexFacts[]> {
  const those = { index: names, expand_wildcards: 'all' } as const;
  const states = await request(what, signal, () =>
    client.indices.get(
      { ...those, features: ['mappings', 'settings'], ignore_unavailable: true, filter_path: ['*.mappings._meta', '*.settings.index'] },
      { ...readOnly, signal },
    ),
  );
  const present = Object.keys(states).filter(isWanted);
  if (present.length === 0) return [];
  const health = await request(what, signal, () =>
    client.cluster.health({ ...those, level: 'indices', timeout: '0s', filter_path: ['indices.*.status'] }, { ...readOnly, signal, ignore: [408] }),
  );
  return present.flatMap((name) => {
    const { settings, mappings } = states[name] ?? {};
    const state = health.indices?.[name]?.status;
    // deleted between the two requests
    if (state === undefined) return [];
    const index = settings?.index;
    return [
      {
        name,
        uuid: uuidIn(settings),
        meta: mappings?._meta,
        replicas: Number(index?.number_of_replicas ?? 0),
        refreshInterval: index?.refresh_interval === undefined ? undefined : String(index.refresh_interval),
        health: state.toLowerCase() as IndexFacts['health'],
      },
    ];
  });
}

/** @throws GrueError GRUE-ES-002 with the server's reason when it refuses mappings or settings */
export async function createIndex(client: Client, { name, mappings, settings }: IndexSpec, signal: AbortSignal): Promise<'Created' | 'Exists'> {
  const what = `creating index ${name}`;
  return request(what, signal, async () => {
    try {
      await client.indices.create({ index: name, mappings, settings, aliases: { [writerAlias(name)]: { is_hidden: true } } }, { signal });
      return 'Created';
    } catch (error) {
      const said = serverError(error);
      if (said?.type === 'resource_already_exists_exception') return 'Exists';
      if (said === undefined || statusOf(error) !== 400 || said.type === 'invalid_index_name_exception') throw error;
      const reason = reasonOf(said);
      const place = /(field|setting|mapper) \[([^\]]+)\]/.exec(reason);
      throw new GrueError('GRUE-ES-002', `${what}: ${reason}`, place === null ? {} : { at: `${place[1] === 'setting' ? 'setting' : 'field'} ${place[2]}` });
    }
  });
}

/** Deletes the index only if it still is the one of this uuid. */
export async function deleteIndex(client: Client, name: string, uuid: string, signal: AbortSignal): Promise<'Deleted' | 'Absent' | 'OtherIdentity'> {
  const found = (await placements(client, [name], signal)).get(name);
  if (found === undefined) return 'Absent';
  if (found.uuid !== uuid) return 'OtherIdentity';
  return request(`deleting index ${name}`, signal, async () => {
    try {
      await client.indices.delete({ index: name }, { signal });
      return 'Deleted';
    } catch (error) {
      if (serverError(error)?.type === 'index_not_found_exception') return 'Absent';
      throw error;
    }
  });
}

const GONE = { index_not_found_exception: 'GRUE-ES-005' } as const;

/** Makes everything written so far visible to searches. @throws GrueError GRUE-ES-005 when an index is not there, GRUE-ES-006 when a shard fails */
export async function refresh(client: Client, indices: readonly string[], signal: AbortSignal): Promise<void> {
  for (const some of pathsOf(indices)) {
    const what = `refreshing ${some.join(', ')}`;
    const { _shards } = await request(what, signal, () => client.indices.refresh({ index: some }, { ...readOnly, signal }), GONE);
    if (_shards !== undefined) noFailedShard(what, _shards);
  }
}

/** Open search contexts (scrolls and points in time) of an index, and how many queries its shards have answered since they started. */
export async function searchActivity(client: Client, index: string, signal: AbortSignal): Promise<{ openContexts: number; queries: number }> {
  const what = `reading search statistics of ${index}`;
  const { _shards, _all } = await request(
    what,
    signal,
    () =>
      client.indices.stats(
        { index, metric: 'search', filter_path: ['_shards', '_all.total.search.open_contexts', '_all.total.search.query_total'] },
        { ...readOnly, signal },
      ),
    GONE,
  );
  noFailedShard(what, _shards);
  const search = _all.total?.search;
  return { openContexts: search?.open_contexts ?? 0, queries: search?.query_total ?? 0 };
}

/** @throws GrueError GRUE-ES-005 unless the index exists with this uuid */
export function sameIndex(index: string, uuid: string, found: Pick<Placement, 'uuid'> | undefined): void {
  if (found?.uuid === uuid) return;
  throw new GrueError(
    'GRUE-ES-005',
    found === undefined ? `index ${index} does not exist` : `index ${index} has the uuid ${found.uuid}, not ${uuid}: it was deleted and made anew`,
  );
}

const uuidIn = (settings: { readonly index?: { readonly uuid?: string } } | undefined): string => settings?.index?.uuid ?? '';

function pathsOf(names: readonly string[]): string[][] {
  const paths: string[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const name of new Set(names)) {
    length += encodeURIComponent(name).length + 3;
    if (length > NAMES_IN_ONE_PATH) {
      paths.push([]);
      length = encodeURIComponent(name).length + 3;
    }
    paths.at(-1)?.push(name);
  }
  return paths;
}
