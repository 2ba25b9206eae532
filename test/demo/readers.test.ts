import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startReaders } from '../../demo/readers.ts';
import type { Answer, Search } from '../../demo/search.ts';

const good = { status: 200, timed_out: false, _shards: { failed: 0 }, hits: { hits: Array.from({ length: 4 }, () => ({ _index: 'blue' })) } };

/** A cluster that answers every part of a `_msearch` alike. */
function cluster(part: object, status = 200) {
  const asked: string[][] = [];
  const ask = async (_: string, __: string, body: unknown): Promise<Answer> => {
    asked.push((body as readonly object[]).map((line) => JSON.stringify(line)));
    return { status, text: JSON.stringify({ responses: (body as readonly object[]).filter((_line, i) => i % 2 === 0).map(() => part) }) };
  };
  return { asked, search: { ask } as unknown as Search };
}

async function readOnce(part: object, status = 200) {
  const { search, asked } = cluster(part, status);
  const readers = startReaders(
    search,
    'delays',
    () => 100,
    () => {},
    new AbortController().signal,
  );
  while (asked.length < 2) await sleep(1);
  await readers.stop();
  const { total, ...faults } = readers.log.counts();
  expect(total).toBe(asked.length * 50);
  return Object.fromEntries(Object.entries(faults).map(([name, count]) => [name, count / total]));
}

test('every part of a request is a read, and a good answer is no fault', async () => {
  expect(await readOnce(good)).toEqual({ failed: 0, empty: 0, mixed: 0 });
});

test.each([
  ['an HTTP error', good, 503],
  ['an error of a part', { error: { type: 'search_phase_execution_exception' }, status: 503 }, 200],
  ['a failed shard', { ...good, _shards: { failed: 1 } }, 200],
  ['a search that timed out', { ...good, timed_out: true }, 200],
  ['an answer that says nothing', {}, 200],
])('%s is a failed read', async (_, part, status) => {
  expect(await readOnce(part, status)).toEqual({ failed: 1, empty: 0, mixed: 0 });
});

test('no connection is a failed read, and the readers go on', async () => {
  let asked = 0;
  const search = {
    ask: async () => {
      asked += 1;
      throw new Error('connect ECONNREFUSED');
    },
  } as unknown as Search;
  const readers = startReaders(
    search,
    'delays',
    () => 100,
    () => {},
    new AbortController().signal,
  );
  while (asked < 4) await sleep(1);
  await readers.stop();
  expect(readers.log.counts()).toEqual({ total: asked * 50, failed: asked * 50, empty: 0, mixed: 0 });
});

test('fewer hits than there are documents is an empty read, hits of two indices a mixed one', async () => {
  expect(await readOnce({ ...good, hits: { hits: good.hits.hits.slice(1) } })).toEqual({ failed: 0, empty: 1, mixed: 0 });
  expect(await readOnce({ ...good, hits: undefined })).toEqual({ failed: 0, empty: 1, mixed: 0 });
  expect(await readOnce({ ...good, hits: { hits: [...good.hits.hits.slice(1), { _index: 'green' }] } })).toEqual({ failed: 0, empty: 0, mixed: 1 });
});

test('readers wait until something can be found, and ask only for what can be found', async () => {
  const { search, asked } = cluster(good);
  let visible = 0;
  const readers = startReaders(
    search,
    'delays',
    () => visible,
    () => {},
    new AbortController().signal,
  );
  await sleep(100);
  expect(asked).toEqual([]);
  visible = 5;
  while (asked.length < 2) await sleep(1);
  await readers.stop();
  const ranges = asked.flat().flatMap((line) => (JSON.parse(line) as { query?: { range: { number: { gte: number; lt: number } } } }).query?.range.number ?? []);
  expect(Math.min(...ranges.map(({ gte }) => gte))).toBe(0);
  expect(Math.max(...ranges.map(({ lt }) => lt))).toBe(5);
});
