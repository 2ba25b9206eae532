import { systemClock } from '../src/controller/clock.ts';
import { type Read, type ReadLog, readLog } from './read-log.ts';
import type { Search } from './search.ts';

/** How many documents each search is for: with two or more, one response could mix indices. */
const documentsPerRead = 4;
const readers = 2;
const patience = 10_000;
export interface ReadersOptions {
  /** Searches in one request. */
  readonly readsPerRequest?: number;
  /** A reader begins a request at most this often: faster readers would take the processors from what they are to watch. */
  readonly paceMilliseconds?: number;
}

export interface Readers {
  readonly log: ReadLog;
  /** Resolves when the last answer is in. */
  stop(): Promise<void>;
}

/** What a search is answered with: only what is needed to judge it. */
const wanted = ['status', 'error', 'timed_out', '_shards.failed', 'hits.hits._index'].map((path) => `responses.${path}`).join();

interface MultiSearchAnswer {
  readonly responses: readonly {
    readonly status: number;
    readonly error?: { readonly type: string; readonly reason?: string };
    readonly timed_out?: boolean;
    readonly _shards?: { readonly failed: number };
    readonly hits?: { readonly hits: readonly { readonly _index: string }[] };
  }[];
}

/**
 * Readers who know nothing but an alias, and search it all the time: each asks again when it has its answer. They search for records
 * that are certainly there (numbers below `visibleBelow`), so a document that is not found is one that a user would miss. They begin as soon as there is something.
 */
export function startReaders(
  search: Search,
  alias: string,
  visibleBelow: () => number,
  complain: (what: string) => void,
  signal: AbortSignal,
  { readsPerRequest = 50, paceMilliseconds = 40 }: ReadersOptions = {},
): Readers {
  const log = readLog(documentsPerRead, complain);
  const stopped = new AbortController();
  const over = AbortSignal.any([signal, stopped.signal]);

  async function read(reader: number): Promise<void> {
    while (!over.aborted) {
      if (visibleBelow() < documentsPerRead) {
        await systemClock.sleep(paceMilliseconds, over).catch(() => {});
        continue;
      }
      const from = Array.from({ length: readsPerRequest }, () => Math.floor(Math.random() * (visibleBelow() - documentsPerRead + 1)));
      const askedAt = performance.now();
      const reads = await multiSearch(search, alias, from);
      if (signal.aborted) return; // what the end of the run has torn off is nobody's failure
      log.note(reader, askedAt, performance.now(), reads);
      await systemClock.sleep(askedAt + paceMilliseconds - performance.now(), over).catch(() => {});
    }
  }

  const running = Promise.all(Array.from({ length: readers }, (_, reader) => read(reader)));
  return {
    log,
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

async function multiSearch(search: Search, alias: string, from: readonly number[]): Promise<readonly Read[]> {
  const lines = from.flatMap((number) => [
    {},
    { size: documentsPerRead, stored_fields: '_none_', track_total_hits: false, query: { range: { number: { gte: number, lt: number + documentsPerRead } } } },
  ]);
  try {
    const { status, text } = await search.ask('POST', `/${alias}/_msearch?filter_path=${wanted}`, lines, patience);
    if (status !== 200) return from.map(() => ({ failure: `HTTP ${status}: ${text.slice(0, 200)}` }));
    const { responses } = JSON.parse(text) as MultiSearchAnswer;
    return from.map((_, i) => judge(responses[i]));
  } catch (error) {
    return from.map(() => ({ failure: (error as Error).message }));
  }
}

function judge(response: MultiSearchAnswer['responses'][number] | undefined): Read {
  if (response === undefined) return { failure: 'no response' };
  if (response.error !== undefined) return { failure: `${response.error.type}: ${response.error.reason ?? ''}` };
  if (response.status !== 200 || response.timed_out !== false) return { failure: `status ${response.status}, timed out: ${response.timed_out}` };
  if (response._shards?.failed !== 0) return { failure: `${response._shards?.failed} shards failed` };
  return { indices: (response.hits?.hits ?? []).map(({ _index }) => _index) };
}
