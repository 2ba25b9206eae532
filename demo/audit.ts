import type { Search } from './search.ts';

/** What the documents of one index say about the records below a number. */
export interface Scan {
  readonly index: string;
  /** Documents whose number is below, and those without a number: nobody knows what they are, so they are too many. */
  readonly documents: number;
  readonly missing: readonly number[];
  /** Numbers that stand in more than one document. */
  readonly doubled: readonly number[];
}

export interface AuditOptions {
  /** Concrete indices; each must hold every record. */
  readonly indices: readonly string[];
  /** Records below this number were acknowledged by Kafka. */
  readonly below: number;
  /** Numbers that Grue has put aside with a reason: they are accounted for. */
  readonly deadLettered: () => Promise<ReadonlySet<number>>;
  /** How long what is still on its way may take, in milliseconds. */
  readonly patience: number;
  readonly signal: AbortSignal;
}

export interface Audit {
  /** Per index, in the order given. */
  readonly documents: readonly number[];
  /** Numbers that Kafka has acknowledged and that are missing in an index, and not in the dead letters either. */
  readonly lost: ReadonlySet<number>;
  /** Numbers that stand in more than one document of an index. */
  readonly duplicated: ReadonlySet<number>;
}

/** Between two looks at what has not arrived yet, in milliseconds. */
const interval = 500;

/** Waits until every index holds every record, or patience is over; then tells what is missing and what is there twice. */
export async function runAudit(search: Search, { indices, below, deadLettered, patience, signal }: AuditOptions): Promise<Audit> {
  const end = performance.now() + patience;
  for (;;) {
    const arrived = await allArrived(search, indices, below);
    const late = performance.now() > end;
    if (arrived || late) {
      const scans: Scan[] = [];
      for (const index of indices) scans.push(await scan(search, index, below, signal));
      const isWhole = scans.every(({ missing }) => missing.length === 0);
      if (isWhole || late) return judge(scans, isWhole ? new Set() : await deadLettered());
    }
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}

function judge(scans: readonly Scan[], deadLettered: ReadonlySet<number>): Audit {
  const lost = new Set(scans.flatMap(({ missing }) => missing).filter((number) => !deadLettered.has(number)));
  const duplicated = new Set(scans.flatMap(({ doubled }) => doubled));
  return { documents: scans.map(({ documents }) => documents), lost, duplicated };
}

/** A cheap look, before the one that tells which. */
async function allArrived(search: Search, indices: readonly string[], below: number): Promise<boolean> {
  for (const index of indices) {
    await search.must('POST', `/${index}/_refresh`);
    const query = { query: { range: { number: { lt: below } } } };
    const { count, _shards } = await search.must<{ count: number; _shards: { failed: number } }>('POST', `/${index}/_count`, query);
    if (_shards.failed > 0 || count < below) return false;
  }
  return true;
}

interface Page {
  readonly timed_out: boolean;
  readonly pit_id: string;
  readonly _shards: { readonly failed: number };
  readonly hits?: { readonly hits?: readonly { readonly fields?: { readonly number?: readonly number[] }; readonly sort: readonly unknown[] }[] };
}

const pageSize = 10_000;
const pageParts = ['timed_out', 'pit_id', '_shards.failed', 'hits.hits.fields', 'hits.hits.sort'].join();

/** Looks at every document of an index, in one point in time. @throws Error when a part of the index did not answer */
export async function scan(search: Search, index: string, below: number, signal: AbortSignal): Promise<Scan> {
  const { id } = await search.must<{ id: string }>('POST', `/${index}/_pit?keep_alive=2m`);
  const seen = new Uint8Array(below);
  let documents = 0;
  let pit = id;
  try {
    for (let after: readonly unknown[] | undefined; ; ) {
      signal.throwIfAborted();
      const page = await search.must<Page>('POST', `/_search?filter_path=${pageParts}`, {
        size: pageSize,
        pit: { id: pit, keep_alive: '2m' },
        sort: [{ _shard_doc: 'asc' }],
        stored_fields: '_none_',
        docvalue_fields: ['number'],
        track_total_hits: false,
        ...(after && { search_after: after }),
      });
      if (page.timed_out || page._shards.failed > 0) throw new Error(`a part of ${index} did not answer`);
      const hits = page.hits?.hits ?? [];
      pit = page.pit_id;
      for (const { fields } of hits) {
        const number = fields?.number?.[0];
        if (number !== undefined && number >= below) continue;
        documents += 1;
        if (number !== undefined) seen[number] = Math.min(2, (seen[number] ?? 0) + 1);
      }
      after = hits.at(-1)?.sort;
      if (hits.length < pageSize) break;
    }
  } finally {
    await search.ask('DELETE', '/_pit', { id: pit });
  }
  return { index, documents, missing: numbersSeen(seen, 0), doubled: numbersSeen(seen, 2) };
}

function numbersSeen(seen: Uint8Array, times: number): readonly number[] {
  const found: number[] = [];
  for (let number = seen.indexOf(times); number >= 0; number = seen.indexOf(times, number + 1)) found.push(number);
  return found;
}
