import type { Scene } from './scene.ts';

/** What readers met, by their own log. */
export interface Reads {
  readonly total: number;
  /** No answer, an error, or a failed shard. */
  readonly failed: number;
  readonly empty: number;
  /** Answers that were put together from more than one version. */
  readonly mixed: number;
  readonly examples: readonly string[];
}

interface Answer {
  readonly error?: unknown;
  readonly timed_out?: boolean;
  readonly _shards?: { readonly failed: number };
  readonly aggregations?: { readonly indices: { readonly buckets: readonly { readonly key: string; readonly doc_count: number }[] } };
}

/**
 * Starts readers who ask for all of the aliases in one search, again and again, and look at which indices the answer comes from.
 * @param versionOf names the version that an index belongs to; one answer must know of only one version, and of as many indices as aliases
 */
export function startReaders(scene: Scene, aliases: readonly string[], versionOf: (index: string) => string = (index) => index, readers = 2) {
  const log = { total: 0, failed: 0, empty: 0, mixed: 0 };
  const examples: string[] = [];
  let going = true;
  const note = (what: 'failed' | 'empty' | 'mixed', example: unknown): void => {
    log[what] += 1;
    if (examples.length < 5) examples.push(`${what}: ${JSON.stringify(example)}`);
  };
  const body = JSON.stringify({ size: 0, aggs: { indices: { terms: { field: '_index', size: 100 } } } });
  const read = async (): Promise<void> => {
    const answer = (await scene.search(`${aliases.join(',')}/_search`, { method: 'POST', body })) as Answer;
    if (answer.error !== undefined || answer.timed_out === true || (answer._shards?.failed ?? 1) > 0) return note('failed', answer);
    const indices = (answer.aggregations?.indices.buckets ?? []).map(({ key }) => key);
    if (indices.length < aliases.length) note('empty', indices);
    else if (indices.length > aliases.length || new Set(indices.map(versionOf)).size > 1) note('mixed', indices);
  };
  const loop = async (): Promise<void> => {
    while (going) {
      log.total += 1;
      await read().catch((error: unknown) => note('failed', String(error)));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const loops = Array.from({ length: readers }, loop);
  return {
    async stop(): Promise<Reads> {
      going = false;
      await Promise.all(loops);
      return { ...log, examples };
    },
  };
}
