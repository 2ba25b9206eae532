import { expect, test } from 'vitest';
import { flights } from '../../demo/data.ts';

test('flights are numbered from 0 without a gap, and end after as many as were asked for', async () => {
  const records: unknown[] = [];
  for await (const chunk of flights(5_000)) records.push(...chunk.map((text) => JSON.parse(text) as unknown));
  expect(records).toHaveLength(5_000);
  expect(records.map((record) => (record as { number: number }).number)).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
  expect(records[0]).toEqual({ number: 0, date: '2001-01-01T00:01:00', origin: 'LAS', destination: 'PHL', distance: 2176, delay: 33 });
});
