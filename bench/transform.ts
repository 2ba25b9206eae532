import { openTransformEngine } from '../src/worker/transform/engine.ts';
import type { TransformEngine } from '../src/worker/transform/ports.ts';
import { flight, flightFields } from './flights.ts';

/**
 * Microseconds of processor time per record that the transformation takes by itself: without Kafka, without HTTP. Run it pinned to one core:
 * `taskset -c 0 node bench/transform.ts [records per batch] [seconds per case]`.
 */
const batchSize = Number(process.argv[2] ?? 10_000);
const seconds = Number(process.argv[3] ?? 3);

type Keys = { primary: string[] };
const stream = (name: string, root: boolean, keys?: Keys) => ({
  stream: name,
  revision: `stream-${name}-1`,
  topic: name,
  root,
  epoch: 0,
  type: keys === undefined ? ('Append' as const) : ('Change' as const),
  fields: flightFields,
  ...(keys === undefined ? {} : { keys }),
});

const records = Array.from({ length: batchSize }, (_, n) => ({
  offset: String(1_000_000 + n),
  key: Buffer.from(JSON.stringify({ n })),
  value: Buffer.from(JSON.stringify(flight(n))),
  headers: { grue: Buffer.from(`flights|0|2|${1_000_000 + n}||pipeline-delays-1`) },
}));

interface Case {
  readonly name: string;
  prepare(engine: TransformEngine): Promise<() => Promise<{ readonly out: number; readonly bytes: number }>>;
}

const sink = (name: string, root: boolean, keys?: Keys): Case => ({
  name,
  async prepare(engine) {
    const stage = await engine.sink(
      { connector: 'elasticsearch', destination: { alias: 'flights' }, keepVersions: 1, reads: stream('flights', root, keys) },
      'connection-flights-index-1',
    );
    return async () => {
      const { bodies } = await stage.transform({ topic: 'flights', partition: 0, records }, 8 * 1024 * 1024);
      return { out: bodies.reduce((sum, { count }) => sum + count, 0), bytes: bodies.reduce((sum, { bytes }) => sum + bytes.length, 0) };
    };
  },
});

const pipeline = (name: string, sql: string, keys?: Keys): Case => ({
  name,
  async prepare(engine) {
    const definition = { engine: 'embedded' as const, sql, reads: [stream('flights', true, keys)], writes: stream('delays', false, keys), path: '' };
    const stage = await engine.pipeline(definition, 'pipeline-delays-1');
    return async () => {
      const { records: out } = await stage.transform({ topic: 'flights', partition: 0, records }, 3);
      return { out: out.length, bytes: out.reduce((sum, { value }) => sum + (value?.length ?? 0), 0) };
    };
  },
});

const everything = 'date, delay, distance, origin, destination, carrier, n';
const cases: readonly Case[] = [
  pipeline('pipeline, Append, filter and projection', `INSERT INTO delays SELECT ${everything} FROM flights WHERE delay > 15`),
  pipeline(
    'pipeline, Append, all records, an expression',
    "INSERT INTO delays SELECT date, delay, distance, upper(origin) AS origin, destination, carrier || '-' || destination AS carrier, n FROM flights",
  ),
  pipeline('pipeline, Change, filter with deletions', `INSERT INTO delays SELECT ${everything} FROM flights WHERE delay > 15`, { primary: ['n'] }),
  sink('sink, Append, on a root', true),
  sink('sink, Append, behind a pipeline', false),
  sink('sink, Change, behind a pipeline', false, { primary: ['n'] }),
];

const engine = await openTransformEngine();
console.log(`${batchSize} records per batch, ${Math.round(records.reduce((sum, { value }) => sum + value.length, 0) / batchSize)} bytes each`);
for (const { name, prepare } of cases) {
  const run = await prepare(engine);
  for (let i = 0; i < 5; i++) await run();
  const start = performance.now();
  const costs: number[] = [];
  let result = { out: 0, bytes: 0 };
  while (performance.now() - start < seconds * 1000) {
    const before = process.cpuUsage();
    result = await run();
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / batchSize);
  }
  costs.sort((a, b) => a - b);
  // On a busy machine the best is the honest figure: others take the caches and the other half of the core.
  const best = costs[0] ?? 0;
  const median = costs[costs.length >> 1] ?? 0;
  console.log(
    `${name.padEnd(48)} best ${best.toFixed(2)} us, median ${median.toFixed(2)} us of processor per record (${Math.round(1e6 / best).toLocaleString('en')}/s); out ${result.out} records, ${Math.round(result.bytes / 1024)} KiB`,
  );
}
engine.close();
