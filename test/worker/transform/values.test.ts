import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bindingOf, engineForTests, operations, runPipeline, runSink } from './support.ts';

const engine = engineForTests();

/** What a value of a type becomes in the next topic: its JSON text, or the reason why it is bad. */
async function through(type: string, json: string): Promise<string> {
  const { records, bad } = await runPipeline(
    engine(),
    'INSERT INTO o SELECT v FROM s',
    bindingOf({ stream: 's', types: { v: type } }),
    bindingOf({ stream: 'o', root: false, types: { v: type } }),
    [{ value: `{"v":${json}}` }],
  );
  return records[0]?.value?.slice('{"v":'.length, -1) ?? `${bad[0]?.code}: ${bad[0]?.reason}`;
}

describe('values that come through unchanged', () => {
  test.each([
    ['BOOLEAN', 'true', 'true'],
    ['INT', '-5', '-5'],
    ['INT', '1e3', '1000'],
    ['BIGINT', '9223372036854775807', '9223372036854775807'],
    ['BIGINT', '-9223372036854775808', '-9223372036854775808'],
    ['BIGINT', '"9007199254740993"', '9007199254740993'],
    ['FLOAT', '0.1', '0.1'],
    ['DOUBLE', '0.1', '0.1'],
    ['DOUBLE', '1e-300', '1e-300'],
    ['DOUBLE', '5', '5.0'],
    ['DECIMAL(10,2)', '12.5', '12.5'],
    ['DECIMAL(10,2)', '"12.50"', '12.5'],
    ['DECIMAL(15,0)', '123456789012345', '123456789012345'],
    ['DECIMAL(38,10)', '1234567890123456789012345678.0123456789', '"1234567890123456789012345678.0123456789"'],
    ['STRING', '"a\\"b\\\\c\\u001e\\u0000é\\ud83d\\ude00"', '"a\\"b\\\\c\\u001E\\u0000é😀"'],
    ['STRING', '""', '""'],
    ['DATE', '"2020-02-29"', '"2020-02-29"'],
    ['TIMESTAMP(3)', '"2020-01-01 00:00:00.120"', '"2020-01-01T00:00:00.12"'],
    ['TIMESTAMP(6)', '"2020-01-01T23:59:59.123456Z"', '"2020-01-01T23:59:59.123456"'],
    ['TIMESTAMP_LTZ(3)', '"2020-01-01T00:00:00+01:00"', '"2019-12-31T23:00:00Z"'],
    ['ARRAY<INT>', '[1, null, 3]', '[1,null,3]'],
    ['ARRAY<STRING>', '["a,b","\\"]"]', '["a,b","\\"]"]'],
    ['ARRAY<STRING>', '[]', '[]'],
    ['ARRAY<DECIMAL(20,10)>', '[1.0123456789, 1234567890.0123456789]', '["1.0123456789","1234567890.0123456789"]'],
    ['ARRAY<TIMESTAMP(0)>', '["2020-01-01 00:00:00"]', '["2020-01-01T00:00:00"]'],
    ['INT', 'null', 'null'],
  ])('%s %s', async (type, json, expected) => {
    expect(await through(type, json)).toBe(expected);
  });

  test('what a stage writes, the next one reads as the same', async () => {
    const values: Readonly<Record<string, fc.Arbitrary<string>>> = {
      BIGINT: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      DOUBLE: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
      FLOAT: fc.float({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
      'DECIMAL(38,18)': fc.stringMatching(/^-?(0|[1-9]\d{0,19})(\.\d{1,18})?$/),
      'DECIMAL(12,4)': fc.stringMatching(/^-?(0|[1-9]\d{0,7})(\.\d{1,4})?$/),
      STRING: fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
    };
    const types = Object.fromEntries(Object.keys(values).map((type, n) => [`f${n}`, type]));
    const rows = fc.tuple(...Object.values(values)).map((row) => `{${row.map((json, n) => `"f${n}":${json}`).join(',')}}`);
    const sql = `INSERT INTO o SELECT ${Object.keys(types).join(', ')} FROM s`;
    const run = (given: readonly string[]) =>
      runPipeline(
        engine(),
        sql,
        bindingOf({ stream: 's', types }),
        bindingOf({ stream: 'o', root: false, types }),
        given.map((value) => ({ value })),
      );
    await fc.assert(
      fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 10 }), async (given) => {
        const once = await run(given);
        expect(once.bad).toEqual([]);
        const twice = await run(once.records.map(({ value }) => value ?? ''));
        expect(twice.records.map(({ value }) => value)).toEqual(once.records.map(({ value }) => value));
        once.records.forEach(({ value }, n) => {
          const [written, read] = [JSON.parse(value ?? ''), JSON.parse(given[n]!)] as Record<string, unknown>[];
          expect(written!['f1']).toBe(Object.is(read!['f1'], -0) ? expect.anything() : read!['f1']);
          expect(written!['f5']).toBe(read!['f5']);
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe('values that do not fit make the record bad, never a silent NULL', () => {
  test.each([
    ['INT', '"abc"', 'field v is the string "abc", not a whole number of 32 bits (INT)'],
    ['INT', '1.7', 'field v is the number 1.7, not a whole number of 32 bits (INT)'],
    ['INT', '2147483648', 'field v is the number 2147483648, not a whole number of 32 bits (INT)'],
    ['INT', '"5"', 'field v is the string "5", not a whole number of 32 bits (INT)'],
    ['INT', '{"a":1}', 'field v is the object {"a":1}, not a whole number of 32 bits (INT)'],
    ['TINYINT', '[1]', 'field v is the array [1], not a whole number from -128 to 127 (TINYINT)'],
    ['BIGINT', '9223372036854775808', 'field v is the number 9223372036854775808, not a whole number of 64 bits, or a string of its digits (BIGINT)'],
    ['BOOLEAN', '"true"', 'field v is the string "true", not true or false (BOOLEAN)'],
    ['BOOLEAN', '1', 'field v is the number 1, not true or false (BOOLEAN)'],
    ['STRING', '5', 'field v is the number 5, not a string (STRING)'],
    ['STRING', 'true', 'field v is true, not a string (STRING)'],
    ['DOUBLE', '1e400', 'field v is the number 1e400, not a finite number (DOUBLE)'],
    ['DOUBLE', '"1.5"', 'field v is the string "1.5", not a finite number (DOUBLE)'],
    ['FLOAT', '1e39', expect.stringContaining('not a finite number (FLOAT)')],
  ])('%s %s', async (type, json, reason) => {
    expect((await through(type, json)).replace('GRUE-REC-002: ', '')).toEqual(reason);
  });

  test.each([
    ['DECIMAL(10,2)', '1.505'],
    ['DECIMAL(4,2)', '123'],
    ['DECIMAL(10,2)', '0.1000000000000000055'],
    ['DECIMAL(38,2)', '12345678901234567890.123'],
    ['DATE', '"2021-02-29"'],
    ['DATE', '"2020-01-01T00:00:00"'],
    ['DATE', '18262'],
    ['TIMESTAMP(3)', '"2020-01-01 00:00:00.1234"'],
    ['TIMESTAMP(3)', '"2020-01-01T00:00:00+01:00"'],
    ['TIMESTAMP(3)', '1577836800000'],
    ['ARRAY<INT>', '[1,"x"]'],
    ['ARRAY<INT>', '"[1]"'],
    ['ARRAY<INT>', '[[1]]'],
    ['ARRAY<STRING>', '[5]'],
  ])('%s %s', async (type, json) => {
    expect(await through(type, json)).toMatch(/^GRUE-REC-002: field v is .*, not /);
  });

  test('a long value is cut short in the reason', async () => {
    expect((await through('INT', JSON.stringify('x'.repeat(5_000)))).length).toBeLessThan(200);
  });

  test('a missing field is NULL, an unknown one is ignored, and one that the SQL does not use is not judged', async () => {
    const { records, bad } = await runPipeline(
      engine(),
      'INSERT INTO o SELECT a FROM s',
      bindingOf({ stream: 's', types: { a: 'INT', b: 'INT' } }),
      bindingOf({ stream: 'o', root: false, types: { a: 'INT' } }),
      [{ value: { b: 'wrong', c: 1 } }],
    );
    expect(bad).toEqual([]);
    expect(records[0]?.value).toBe('{"a":null}');
  });

  test('one bad field among others is found in a sink too', async () => {
    const { bad } = await runSink(engine(), bindingOf({ stream: 's', types: { a: 'INT', b: 'STRING', c: 'DATE' } }), [{ value: { a: 1, b: 'x', c: 'soon' } }]);
    expect(bad).toMatchObject([{ code: 'GRUE-REC-002', reason: expect.stringContaining('field c is the string "soon"') }]);
  });
});

describe('records that are no JSON', () => {
  test.each([
    ['nojson', 'the value is not valid JSON: nojson'],
    ['', 'the value is empty'],
    ['[1]', 'the value is not a JSON object: [1]'],
    ['5', 'the value is not a JSON object: 5'],
    ['{"v":"\\ud800"}', 'the value is not valid JSON: {"v":"\\ud800"}'],
    ['{"v":1', 'the value is not valid JSON: {"v":1'],
    ['{"v":"\u001e"}', 'the value is not valid JSON: it holds a raw control character'],
    ['{"v":"\u001f"}', expect.stringContaining('the value is not valid JSON')],
    ['{"v":"\u0000"}', expect.stringContaining('the value is not valid JSON')],
  ])('%j', async (value, reason) => {
    const { bad, bodies } = await runSink(engine(), bindingOf({ stream: 's', types: { v: 'INT' } }), [
      { value: { v: 1 } },
      { value: value === '' ? Buffer.alloc(0) : value },
      { value: { v: 3 } },
    ]);
    expect(bad).toMatchObject([{ index: 1, code: 'GRUE-REC-001', reason }]);
    expect(bodies[0]?.count).toBe(2);
  });

  test('bytes that are no text', async () => {
    const { bad, bodies } = await runSink(engine(), bindingOf({ stream: 's', types: { v: 'STRING' } }), [
      { value: { v: 'a' } },
      { value: Buffer.from('{"v":"\xff"}', 'latin1') },
      { value: { v: 'b' } },
    ]);
    expect(bad).toMatchObject([{ index: 1, code: 'GRUE-REC-001', reason: 'the value is not UTF-8, so it is no JSON' }]);
    expect(bodies[0]?.count).toBe(2);
  });

  test('whatever the bytes, each record is either an operation or bad, and its neighbours are not touched', async () => {
    const reads = bindingOf({ stream: 's', types: { v: 'STRING' } });
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
            fc.json().map((json) => Buffer.from(json)),
            fc.constant(Buffer.from('{"v":"good"}')),
          ),
          { minLength: 1, maxLength: 60 },
        ),
        async (values) => {
          const output = await runSink(
            engine(),
            reads,
            values.map((value) => ({ value })),
          );
          const all = operations(output);
          expect([...all.map(({ item }) => item.index), ...output.bad.map(({ index }) => index)].sort((a, b) => a - b)).toEqual(values.map((_, n) => n));
          const good = values.flatMap((value, n) => (value.toString() === '{"v":"good"}' ? [n] : []));
          for (const n of good) expect(all.find(({ item }) => item.index === n)?.document).toMatchObject({ v: 'good' });
        },
      ),
      { numRuns: 60 },
    );
  });
});
