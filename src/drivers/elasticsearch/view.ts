import type { Client, estypes } from '@elastic/elasticsearch';
import { GrueError } from '../../api/errors.ts';
import type { IndexView, OriginRange } from '../ports.ts';
import { readOnly } from './client.ts';
import { allShards, request } from './errors.ts';
import { placements, sameIndex } from './indices.ts';

/**
 * From one search to the next. A view that an operator leaves open when it is killed stays so long, and a teardown waits for it, as for
 * anybody's search on blue; in between, at most what Kafka holds after a fence is read.
 */
const KEEP_ALIVE = '2m';
const RANGES_AT_ONCE = 500;
const IDS_AT_ONCE = 1_000;
const PARTITIONS_AT_ONCE = 500;
const EVERYTHING: Query = { match_all: {} };

type Query = NonNullable<estypes.QueryDslQueryContainer>;
type Origin = Awaited<ReturnType<IndexView['minimumOrigins']>>[number];

/**
 * Opens a view by point-in-time. The uuid is checked after opening: uuids are never used twice and a point-in-time stays with
 * the shards that it was opened on, so from then on all of it comes from that index, or fails when the index is deleted.
 */
export async function openView(client: Client, index: string, uuid: string, signal: AbortSignal): Promise<IndexView> {
  const all = await openPoint(client, index, undefined, signal);
  try {
    sameIndex(index, uuid, (await placements(client, [index], signal)).get(index));
  } catch (error) {
    await all.close();
    throw error;
  }
  return {
    index,
    uuid,
    count: (abort) => countMatching(all, EVERYTHING, abort),
    countForeign: (roots, abort) => countMatching(all, { bool: { must_not: [stampedFrom(roots)] } }, abort),
    countByOrigin: (ranges, abort) => inChunks(ranges, RANGES_AT_ONCE, (some) => countRanges(all, some, abort)),
    minimumOrigins: (abort) => minimumOrigins(all, abort),
    versions: async (ids, abort) => new Map(await inChunks(ids, IDS_AT_ONCE, (some) => versionsOf(all, some, abort))),
    countThrough: async (filter, routing, abort) => {
      if (routing === undefined) return countMatching(all, filter ?? EVERYTHING, abort);
      // routing chooses shards when a point-in-time is opened, not when it is searched: this number is of now
      const some = await openPoint(client, index, routing, abort);
      try {
        return await countMatching(some, filter ?? EVERYTHING, abort);
      } finally {
        await some.close();
      }
    },
    close: all.close,
  };
}

type SearchAnswer = estypes.SearchResponse<unknown, Record<string, unknown>>;

interface Point {
  search(body: estypes.SearchRequest, signal: AbortSignal): Promise<SearchAnswer>;
  close(): Promise<void>;
}

async function openPoint(client: Client, index: string, routing: string | undefined, signal: AbortSignal): Promise<Point> {
  const open = () =>
    client.openPointInTime(
      { index, keep_alive: KEEP_ALIVE, allow_partial_search_results: false, ...(routing === undefined ? {} : { routing }) },
      { ...readOnly, signal },
    );
  let { id } = await request(`opening a view of ${index}`, signal, open, { index_not_found_exception: 'GRUE-ES-005' });
  return {
    search: async (body, abort) => {
      const what = `searching ${index}`;
      const search = () =>
        client.search(
          { size: 0, track_total_hits: false, allow_partial_search_results: false, ...body, pit: { id, keep_alive: KEEP_ALIVE } },
          { ...readOnly, signal: abort },
        );
      const answer = await request(what, abort, search);
      id = answer.pit_id ?? id;
      allShards(what, answer._shards);
      if (answer.timed_out) throw new GrueError('GRUE-ES-006', `${what}: the server ran out of time and left documents out`);
      return answer as SearchAnswer;
    },
    // nothing depends on it: the server forgets the point-in-time by itself
    close: async () => void (await client.closePointInTime({ id }, { ignore: [404] }).catch(() => undefined)),
  };
}

/** The library types all aggregations alike; this one is as we asked for it. */
const aggregation = <T>(name: string, { aggregations = {} }: SearchAnswer): T => aggregations[name] as T;

/** Partition by partition is asked in one request of many filters, and each filter counts exactly, whatever the size. */
async function countRanges(point: Point, ranges: readonly OriginRange[], signal: AbortSignal): Promise<number[]> {
  if (ranges.length === 0) return [];
  const aggs = { ranges: { filters: { filters: ranges.map(within) } } };
  const { buckets } = aggregation<{ buckets: { doc_count: number }[] }>('ranges', await point.search({ aggs }, signal));
  return buckets.map((bucket) => bucket.doc_count);
}

const within = ({ root, epoch, partition, from, to }: OriginRange): Query => ({
  bool: {
    filter: [
      { term: { 'grue.root': root } },
      { term: { 'grue.epoch': epoch } },
      { term: { 'grue.p': partition } },
      // bigint is not in the library's types; the serializer writes it as digits
      { range: { 'grue.o': { gte: from as unknown as number, lt: to as unknown as number } } },
    ],
  },
});

const stampedFrom = (roots: readonly string[]): Query => ({ bool: { filter: [{ terms: { 'grue.root': [...roots] } }, { exists: { field: 'grue.o' } }] } });

async function countMatching(point: Point, query: Query, signal: AbortSignal): Promise<number> {
  const { hits } = await point.search({ query, track_total_hits: true }, signal);
  return (hits.total as estypes.SearchTotalHits).value;
}

interface Partitions {
  readonly after_key?: Record<string, estypes.FieldValue>;
  readonly buckets: readonly {
    readonly key: Omit<Origin, 'offset'>;
    readonly first: { readonly hits: { readonly hits: readonly { readonly sort: readonly [number | bigint] }[] } };
  }[];
}

/** The first document of each partition instead of the aggregation `min`, which answers in floating point: a floor that is too high by one would hide a record. */
async function minimumOrigins(point: Point, signal: AbortSignal): Promise<Origin[]> {
  const origins: Origin[] = [];
  let after: Record<string, estypes.FieldValue> | undefined;
  do {
    const sources = [{ root: terms('grue.root') }, { epoch: terms('grue.epoch') }, { partition: terms('grue.p') }];
    const first = { top_hits: { size: 1, sort: [{ 'grue.o': 'asc' as const }], _source: false } };
    const composite = { size: PARTITIONS_AT_ONCE, sources, ...(after === undefined ? {} : { after }) };
    const aggs = { partitions: { composite, aggs: { first } } };
    const partitions = aggregation<Partitions>('partitions', await point.search({ query: { exists: { field: 'grue.o' } }, aggs }, signal));
    for (const { key, first } of partitions.buckets) {
      for (const { sort } of first.hits.hits) origins.push({ ...key, offset: BigInt(sort[0]) });
    }
    after = partitions.after_key;
  } while (after !== undefined);
  return origins;
}

const terms = (field: string) => ({ terms: { field } });

async function versionsOf(point: Point, ids: readonly string[], signal: AbortSignal): Promise<[string, { version: string; digest: string }][]> {
  const limbs = ['grue.h1', 'grue.h2', 'grue.h3', 'grue.h4'];
  const { hits } = await point.search(
    { query: { ids: { values: [...ids] } }, size: ids.length, version: true, _source: false, docvalue_fields: limbs },
    signal,
  );
  return hits.hits.map(({ _id, _version, fields }) => {
    const digest = fields === undefined ? '' : limbs.map((limb) => fields[limb]?.[0] ?? '').join('-');
    return [String(_id), { version: String(_version), digest }];
  });
}

async function inChunks<T, R>(items: readonly T[], size: number, ask: (some: readonly T[]) => Promise<readonly R[]>): Promise<R[]> {
  const answers: R[] = [];
  for (let start = 0; start < items.length; start += size) answers.push(...(await ask(items.slice(start, start + size))));
  return answers;
}
