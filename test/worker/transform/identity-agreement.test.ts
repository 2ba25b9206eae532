import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf, formatDigest } from '../../../src/records/digest.ts';
import { documentIdOfKey, documentIdOfOrigin } from '../../../src/records/identity.ts';
import { partitionOf } from '../../../src/records/murmur2.ts';
import { bindingOf, engineForTests, operations, runPipeline, runSink } from './support.ts';

/** What the operator computes in JavaScript and the worker in SQL must be the same to the last byte. */
const engine = engineForTests();

const two = (n: number) => String(n).padStart(2, '0');
const dates = fc
  .record({ y: fc.integer({ min: 1, max: 9999 }), m: fc.integer({ min: 1, max: 12 }), d: fc.integer({ min: 1, max: 28 }) })
  .map(({ y, m, d }) => `${String(y).padStart(4, '0')}-${two(m)}-${two(d)}`);
const times = fc
  .record({
    h: fc.nat(23),
    m: fc.nat(59),
    s: fc.nat(59),
    f: fc.option(fc.stringMatching(/^\d{1,3}0{0,3}$/), { nil: undefined }),
  })
  .map(({ h, m, s, f }) => `${two(h)}:${two(m)}:${two(s)}${f === undefined ? '' : `.${f}`}`);
const timestamps = fc.tuple(dates, fc.constantFrom('T', ' '), times, fc.constantFrom('', 'Z')).map((parts) => parts.join(''));
const zoned = fc.tuple(dates, fc.constantFrom('T', ' '), times, fc.constantFrom('', 'Z', '+01:00', '-09:30', '+15:59')).map((parts) => parts.join(''));
const quoted = (values: fc.Arbitrary<string>) => values.map((value) => JSON.stringify(value));

/** JSON texts of key values per type: those that fit, and some that do not. */
const jsonOf: Readonly<Record<string, fc.Arbitrary<string>>> = {
  BOOLEAN: fc.constantFrom('true', 'false', '1', '"true"'),
  TINYINT: fc.integer({ min: -130, max: 130 }).map(String),
  INT: fc.oneof(fc.integer().map(String), fc.constantFrom('1.0', '1e3', '-0', '2147483648', '1.5', '"5"', 'true')),
  BIGINT: fc.oneof(
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }).map((n) => `"${n}"`),
    fc.constantFrom('1e3', '9007199254740993.0', '1e15', '1e17'),
  ),
  'DECIMAL(10,2)': fc.oneof(
    fc.integer().map((n) => String(n / 100)),
    fc.stringMatching(/^-?\d{1,9}\.\d{1,3}$/).map((text) => `"${text}"`),
    fc.constantFrom('1e2', '1e-2', '1e-7', '12345678.90', '0.1000000000000000055', '100000000', '"1e2"', '""'),
  ),
  'DECIMAL(38,10)': fc.stringMatching(/^-?(0|[1-9]\d{0,25})(\.\d{1,10})?$/),
  STRING: fc.oneof(
    quoted(fc.string()),
    quoted(fc.string({ unit: 'binary', maxLength: 50 })),
    fc.constantFrom('"\\u001f\\u001e\\n"', '"\\\\u001f"', '"\\u0000"', '5', '"\\u007f\\u2028"'),
  ),
  DATE: fc.oneof(quoted(dates), fc.constantFrom('"2021-02-29"', '"2020-1-1"', '"0000-01-01"', '20200101')),
  'TIMESTAMP(3)': fc.oneof(
    quoted(timestamps),
    fc.constantFrom(
      '"2020-01-01T24:00:00"',
      '"2020-01-01T10:15"',
      '"2020-01-01T10:15Z"',
      '"2020-01-01T00:00:00.1234"',
      '"2020-01-01T00:00:00+01:00"',
      '"2020-01-01"',
      '0',
    ),
  ),
  'TIMESTAMP_LTZ(6)': fc.oneof(
    quoted(zoned),
    fc.constantFrom('"2020-01-01T00:00:00.123456+01:00"', '"2020-01-01T00:00:00+16:00"', '"9999-12-31T23:59:59-01:00"', '"0001-01-01T00:00:00+01:00"'),
  ),
};

describe('identity in JavaScript and in SQL', () => {
  test.each(Object.keys(jsonOf))('a key of type %s gives the same document id, or none on both sides', async (type) => {
    const reads = bindingOf({ stream: 's', types: { id: type }, type: 'Change', keys: { primary: ['id'] } });
    await fc.assert(
      fc.asyncProperty(fc.array(jsonOf[type]!, { minLength: 1, maxLength: 40 }), async (values) => {
        const given = values.map((json) => ({ key: `{"id":${json}}`, value: `{"id":${json}}` }));
        const output = await runSink(engine(), reads, given);
        const ids = new Map(operations(output).map(({ item }) => [item.index, item.id]));
        values.forEach((json, n) => {
          const expected = documentIdOfKey(Buffer.from(`{"id":${json}}`), reads);
          expect({ json, id: ids.get(n) }).toEqual({ json, id: expected });
        });
        expect(output.bad.every(({ code }) => code === 'GRUE-REC-002' || code === 'GRUE-REC-003')).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('a pipeline writes the key under which a deletion of the same record goes on', async () => {
    const types = { a: 'STRING', b: 'BIGINT', c: 'TIMESTAMP_LTZ(6)', d: 'DECIMAL(38,10)' };
    const reads = bindingOf({ stream: 's', types, type: 'Change', keys: { primary: ['a', 'b', 'c', 'd'] } });
    const writes = bindingOf({
      stream: 'o',
      root: false,
      types: { d: 'DECIMAL(38,10)', x: 'STRING', b: 'BIGINT', c: 'TIMESTAMP_LTZ(6)' },
      type: 'Change',
      keys: { primary: ['d', 'x', 'b', 'c'], partition: ['c', 'x'] },
    });
    const values = fc.record({
      a: quoted(fc.oneof(fc.string(), fc.string({ unit: 'binary' }))),
      b: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      c: quoted(fc.tuple(fc.constant('2020-02-29T'), times, fc.constantFrom('', 'Z', '+01:00', '-09:30')).map((parts) => parts.join(''))),
      d: fc.stringMatching(/^-?(0|[1-9]\d{0,25})(\.\d{1,10})?$/),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 20 }), async (rows) => {
        const jsons = rows.map(({ a, b, c, d }) => `{"a":${a},"b":${b},"c":${c},"d":${d}}`);
        const given = jsons.flatMap((json) => [
          { key: json, value: json },
          { key: json, value: null },
        ]);
        const { records, bad } = await runPipeline(engine(), 'INSERT INTO o SELECT a AS x, b, c, d FROM s', reads, writes, given, 64);
        expect(bad).toEqual([]);
        expect(records).toHaveLength(given.length);
        for (let n = 0; n < records.length; n += 2) {
          const [update, deletion] = [records[n]!, records[n + 1]!];
          expect(deletion).toMatchObject({ key: update.key, partition: update.partition, value: null });
          expect(update.value).not.toBeNull();
        }
      }),
      { numRuns: 40 },
    );
  });

  test('the digest and the id of a document are those that JavaScript computes', async () => {
    const reads = bindingOf({ stream: 's', types: { b: 'STRING', a: 'DOUBLE', c: 'ARRAY<INT>' } });
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            a: fc.double({ noNaN: true, noDefaultInfinity: true }),
            b: fc.string({ unit: 'binary' }),
            c: fc.array(fc.integer({ min: -1000, max: 1000 })),
          }),
          { minLength: 1, maxLength: 20 },
        ),
        async (rows) => {
          const output = await runSink(
            engine(),
            reads,
            rows.map((value) => ({ value })),
          );
          const all = operations(output);
          expect(all).toHaveLength(rows.length);
          for (const { item } of all) {
            const json = item.text.split('\n')[1]!.replace(/^\{"grue":\{[^}]*\},/, '{');
            expect(item.id).toBe(documentIdOfOrigin({ root: 's', epoch: 0, p: 0, o: BigInt(item.index), path: '' }));
            expect(item.digest).toBe(formatDigest(digestOf(item.id, json)));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('records without a key are spread by their origin, the same each time', async () => {
    const reads = bindingOf({ stream: 's', types: { a: 'INT' } });
    const writes = bindingOf({ stream: 'o', root: false, types: { a: 'INT' } });
    const given = Array.from({ length: 50 }, (_, a) => ({ value: { a } }));
    const { records } = await runPipeline(engine(), 'INSERT INTO o SELECT a FROM s', reads, writes, given, 7);
    expect(records.map(({ partition }) => partition)).toEqual(given.map((_, n) => partitionOf(`s|0|0|${n}|`, 7)));
    expect(new Set(records.map(({ partition }) => partition)).size).toBe(7);
  });
});
