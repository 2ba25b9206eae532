import { describe, expect, test } from 'vitest';
import { bindingOf, engineForTests, operations, runPipeline, runSink } from './support.ts';

const engine = engineForTests({ memoryMiB: 384 });
const narrow = engineForTests({ memoryMiB: 64, recordBytes: 12 * 1024 * 1024 });

const texts = bindingOf({ stream: 's', types: { n: 'INT', v: 'STRING' } });
const out = bindingOf({ stream: 'o', root: false, types: { n: 'INT', v: 'STRING' } });
const small = (n: number) => ({ value: { n, v: 'x' } });
const large = (n: number, bytes: number) => ({ value: { n, v: 'x'.repeat(bytes) } });
const tenMegabytes = 10 * 1024 * 1024;

describe('large records', () => {
  test('a record of 10 MB is written, in a body of its own', async () => {
    const output = await runSink(engine(), texts, [small(0), large(1, tenMegabytes), small(2)], 1_000_000);
    expect(output.bad).toEqual([]);
    expect(operations(output).map(({ document }) => document?.['n'])).toEqual([0, 1, 2]);
    expect(output.bodies.some(({ count, bytes }) => count === 1 && bytes.length > tenMegabytes)).toBe(true);
  });

  test('a record of 10 MB goes through a pipeline', async () => {
    const { records, bad } = await runPipeline(engine(), "INSERT INTO o SELECT n, v || '!' AS v FROM s", texts, out, [
      small(0),
      large(1, tenMegabytes),
      small(2),
    ]);
    expect(bad).toEqual([]);
    expect(records.map(({ value }) => value?.length)).toEqual([1, tenMegabytes, 1].map((length) => length + '{"n":0,"v":"!"}'.length));
  });

  test('a record beyond the bound is bad, and its neighbours are not touched', async () => {
    const output = await runSink(narrow(), texts, [small(0), large(1, 13 * 1024 * 1024), small(2)]);
    expect(operations(output).map(({ item }) => item.index)).toEqual([0, 2]);
    expect(output.bad).toMatchObject([{ index: 1, code: 'GRUE-REC-004', reason: expect.stringMatching(/^the record has \d+ bytes, the bound is 12582912$/) }]);
  });

  test('a record that needs more memory than there is, is bad, and its neighbours are not touched', async () => {
    const doubling = 'INSERT INTO o SELECT n, v || v || v || v || v || v || v || v AS v FROM s';
    const { records, bad } = await runPipeline(narrow(), doubling, texts, out, [small(0), large(1, tenMegabytes), small(2), small(3)]);
    expect(records.map(({ index }) => index)).toEqual([0, 2, 3]);
    expect(bad).toMatchObject([{ index: 1, code: 'GRUE-REC-004', reason: 'processing the record takes more memory than the stage may use' }]);
    // and the engine is as good as new
    expect((await runPipeline(narrow(), doubling, texts, out, [small(0)])).records).toHaveLength(1);
  });
});

describe('large batches', () => {
  test('are cut into micro-batches, and the answer is one', async () => {
    const given = Array.from({ length: 40_000 }, (_, n) => small(n));
    const output = await runSink(engine(), texts, given, 100_000_000);
    expect(output.bodies.length).toBeGreaterThan(1);
    expect(output.bodies.reduce((sum, { count }) => sum + count, 0)).toBe(40_000);
    const { records } = await runPipeline(engine(), 'INSERT INTO o SELECT n, v FROM s', texts, out, given);
    expect(records.map(({ index }) => index)).toEqual(given.map((_, n) => n));
  });

  test('with many bad records take no more than one statement each', async () => {
    const given = Array.from({ length: 10_000 }, (_, n) => (n % 2 === 0 ? small(n) : { value: 'bad' }));
    const output = await runSink(engine(), texts, given);
    expect(output.bad).toHaveLength(5_000);
    expect(output.bad.every(({ index, code }) => index % 2 === 1 && code === 'GRUE-REC-001')).toBe(true);
  });
});
