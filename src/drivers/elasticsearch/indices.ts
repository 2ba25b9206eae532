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
    const what = `reading ${some.join(', ')}`;
    const states = await request(what, signal, () =>
      client.indices.get(
        { index: some, features: ['mappings', 'settings'], ignore_unavailable: true, filter_path: ['*.mappings._meta', '*.settings.index'] },
        { ...readOnly, signal },
      ),
    );
    const present = some.filter((name) => name in states);
    if (present.length === 0) continue;
    const health = await request(what, signal, () =>
      client.cluster.health({ index: present, level: 'indices', timeout: '0s', filter_path: ['indices.*.status'] }, { ...readOnly, signal, ignore: [408] }),
    );
    for (const name of present) {
      const { settings, mappings } = states[name] ?? {};
      const state = health.indices?.[name]?.status;
      // deleted between the two requests
      if (state === undefined) continue;
      const index = settings?.index;
      facts.set(name, {
        name,
        uuid: uuidIn(settings),
        meta: mappings?._meta,
        replicas: Number(index?.number_of_replicas ?? 0),
        refreshInterval: index?.refresh_interval === undefined ? undefined : String(index.refresh_interval),
        health: state.toLowerCase() as IndexFacts['health'],
      });
    }
  }
  return facts;
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
export function sameIndex(index: string, uuid: string, found: Placement | undefined): void {
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
