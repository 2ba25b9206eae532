import { expect, test } from 'vitest';
import { lineagesOf, rate, sampleSides } from '../../demo/samples.ts';
import type { Search } from '../../demo/search.ts';
import type { Revision, Role } from '../../src/api/revision.ts';
import type { KafkaCluster, Offsets } from '../../src/drivers/ports.ts';

const revision = (name: string, role: Role | undefined, inputs: readonly string[], spec: object): Revision =>
  ({ metadata: { name, namespace: 'flights' }, spec: { inputs, ...spec }, status: { role } }) as unknown as Revision;

const side = (number: number, role: Role | undefined): readonly Revision[] => [
  revision(`pipeline-delays-${number}`, role, ['stream-flights-1'], {
    pipeline: { reads: [{ topic: 'flights' }] },
    physical: { group: `sql.${number}` },
  }),
  revision(`stream-delays-${number}`, role, [`pipeline-delays-${number}`], { stream: {}, physical: { topic: `delays.${number}` } }),
  revision(`connection-delays-index-${number}`, role, [`stream-delays-${number}`], {
    connection: { reads: { topic: `delays.${number}` } },
    physical: { group: `sink.${number}`, index: `index.${number}` },
  }),
];

test('each sink that runs is shown with the pipeline above it, what readers see first', () => {
  const found = lineagesOf([...side(2, 'green'), ...side(1, 'live'), ...side(0, 'retired'), ...side(3, undefined)]);
  expect(found).toEqual([
    { role: 'live', index: 'index.1', sql: { group: 'sql.1', topics: ['flights'] }, sink: { group: 'sink.1', topics: ['delays.1'] } },
    { role: 'green', index: 'index.2', sql: { group: 'sql.2', topics: ['flights'] }, sink: { group: 'sink.2', topics: ['delays.2'] } },
  ]);
});

test('a stage is behind by the committed offsets in Kafka, and unknown while a partition has none', async () => {
  const ends: Readonly<Record<string, Offsets>> = { flights: [10n, 20n], 'delays.1': [5n, 5n] };
  const positions: Readonly<Record<string, Offsets>> = { 'sql.1': [10n, 13n], 'sink.1': [5n, undefined] };
  const kafka = {
    offsets: async (topics: readonly string[]) => new Map(topics.map((topic) => [topic, ends[topic] ?? []])),
    committed: async (group: string, topics: readonly string[]) => new Map(topics.map((topic) => [topic, positions[group] ?? []])),
  } as unknown as KafkaCluster;
  const search = {
    ask: async () => ({ status: 200, text: '' }),
    must: async () => ({ indices: { 'index.1': { primaries: { docs: { count: 8 } } } } }),
  } as unknown as Search;
  const sides = await sampleSides(side(1, 'live'), kafka, search, new AbortController().signal);
  expect(sides).toEqual([{ role: 'live', index: 'index.1', behindInSql: 7, behindInSink: undefined, documents: 8 }]);
});

test('a rate is that of the last seconds, and 0 while there is too little to tell', () => {
  const records = rate();
  expect(records.value()).toBe(0);
  records.add(0, 0);
  expect(records.value()).toBe(0);
  for (let second = 1; second <= 20; second++) records.add(second <= 10 ? second * 1_000 : 10_000, second);
  expect(records.value()).toBe(0);
  records.add(10_500, 21);
  expect(records.value()).toBe(100);
});
