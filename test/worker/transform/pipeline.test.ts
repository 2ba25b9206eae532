import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bindingOf, engineForTests, record, runPipeline } from './support.ts';

const engine = engineForTests();

const flights = bindingOf({ stream: 'flights', types: { n: 'BIGINT', delay: 'INT', distance: 'INT', date: 'TIMESTAMP(3)' } });
const delays = bindingOf({ stream: 'delays', root: false, types: { n: 'BIGINT', hours: 'DOUBLE' } });
const orders = bindingOf({ stream: 'orders', root: false, types: { id: 'BIGINT', status: 'STRING', total: 'INT' }, type: 'Change', keys: { primary: ['id'] } });
const open = bindingOf({ stream: 'open', root: false, types: { order_id: 'BIGINT', total: 'INT' }, type: 'Change', keys: { primary: ['order_id'] } });
const stamp = (o: number) => `customers|1|2|${o}|x|pipeline-a-1`;

describe('a pipeline over an Append stream', () => {
  const sql = 'INSERT INTO delays SELECT n, delay / 60.0 AS hours FROM flights WHERE delay > 15';

  test('writes what matches, in the order of the input, stamped with its origin and this Revision', async () => {
    const { records, bad } = await runPipeline(engine(), sql, flights, delays, [
      { value: { n: 1, delay: 30 } },
      { value: { n: 2, delay: 5 } },
      { value: { n: 3, delay: null } },
      { value: { n: 4, delay: 90 } },
    ]);
    expect(bad).toEqual([]);
    expect(records).toMatchObject([
      { index: 0, key: null, value: '{"n":1,"hours":0.5}', headers: { grue: 'flights|0|0|0||pipeline-p-1' } },
      { index: 3, key: null, value: '{"n":4,"hours":1.5}', headers: { grue: 'flights|0|0|3||pipeline-p-1' } },
    ]);
  });

  test('copies the origin of a record that has one', async () => {
    const behind = { ...flights, root: false };
    const { records } = await runPipeline(engine(), sql, behind, delays, [{ value: { n: 1, delay: 30 }, stamp: stamp(77) }]);
    expect(records[0]?.headers.grue).toBe('customers|1|2|77|x|pipeline-p-1');
  });

  test.each([undefined, 'nonsense', ''])('a record of another stage with the stamp %j is bad', async (strange) => {
    const behind = { ...flights, root: false };
    const { records, bad } = await runPipeline(engine(), sql, behind, delays, [
      { value: { n: 1, delay: 30 }, ...(strange === undefined ? {} : { stamp: strange }) },
    ]);
    expect(records).toEqual([]);
    expect(bad).toMatchObject([{ code: 'GRUE-REC-002', origin: undefined, identity: 'flights|0|0' }]);
  });

  test('a key that is made of the result may not be null', async () => {
    const keyed = bindingOf({ stream: 'delays', root: false, types: { n: 'BIGINT', hours: 'DOUBLE' }, keys: { primary: ['n'] } });
    const { records, bad } = await runPipeline(engine(), sql, flights, keyed, [{ value: { delay: 30 } }, { value: { n: 2, delay: 30 } }]);
    expect(records).toMatchObject([{ index: 1, key: '{"n":2}' }]);
    expect(bad).toMatchObject([{ index: 0, code: 'GRUE-REC-003', reason: 'the key field n of the result is null' }]);
  });

  test('a declared partition key places records, also where it is null', async () => {
    const placed = bindingOf({ stream: 'delays', root: false, types: { n: 'BIGINT', hours: 'DOUBLE' }, keys: { partition: ['n'] } });
    const given = [{ value: { n: 7, delay: 30 } }, { value: { n: 7, delay: 31 } }, { value: { delay: 32 } }];
    const { records, bad } = await runPipeline(engine(), sql, flights, placed, given, 1000);
    expect(bad).toEqual([]);
    expect(records.map(({ key }) => key)).toEqual([null, null, null]);
    expect(records[0]?.partition).toBe(records[1]?.partition);
  });

  test('batches that are given at once are worked off one after another', async () => {
    const stage = await engine().pipeline({ engine: 'embedded', sql, reads: [flights], writes: delays, path: '' }, 'pipeline-p-1');
    const results = await Promise.all(
      Array.from({ length: 5 }, (_, n) => stage.transform({ topic: 'flights', partition: n, records: [record({ value: { n, delay: 60 } })] }, 3)),
    );
    expect(results.map(({ records }) => records[0]?.value)).toEqual([0, 1, 2, 3, 4].map((n) => `{"n":${n},"hours":1.0}`));
    await expect(stage.transform({ topic: 'other', partition: 0, records: [] }, 3)).rejects.toMatchObject({ code: 'GRUE-KFK-004' });
    stage.close();
  });

  test('SQL that the checker would refuse is refused', async () => {
    await expect(runPipeline(engine(), 'INSERT INTO delays SELECT n, sum(delay) AS hours FROM flights', flights, delays, [])).rejects.toMatchObject({
      code: 'GRUE-SQL-004',
    });
  });

  test('fields may be named like anything', async () => {
    const names = [
      'i',
      'v',
      'k',
      's',
      'x',
      'y',
      'w',
      'r',
      'c0',
      'c1',
      'flawed',
      'bad',
      'failure',
      'problem',
      'line',
      'raw',
      'typed',
      'named',
      'misfit',
      'kept',
      'select_',
      '_',
    ];
    const types = Object.fromEntries(names.map((name) => [name, 'INT']));
    const sqlOfAll = `INSERT INTO o SELECT ${names.map((name) => `"${name}"`).join(', ')} FROM s WHERE i >= 0 AND c0 >= 0`;
    const value = Object.fromEntries(names.map((name, n) => [name, n]));
    const { records, bad } = await runPipeline(engine(), sqlOfAll, bindingOf({ stream: 's', types }), bindingOf({ stream: 'o', root: false, types }), [
      { value },
    ]);
    expect(bad).toEqual([]);
    expect(JSON.parse(records[0]?.value ?? '')).toEqual(value);
  });
});

describe('expressions that fail on a record', () => {
  const failing = (expression: string, where = '') => `INSERT INTO delays SELECT n, ${expression} AS hours FROM flights ${where}`;
  const given = [{ value: { n: 1, delay: 10, distance: 5 } }, { value: { n: 2, delay: 10, distance: 0 } }, { value: { n: 3, delay: 10, distance: 2 } }];

  test.each([
    ['delay // distance', 'the expression for field hours fails on the record'],
    ['delay % distance', 'the expression for field hours fails on the record'],
    ['mod(delay, distance)', 'the expression for field hours fails on the record'],
    ['delay / distance', 'the result for field hours cannot be written as DOUBLE'],
    ['ln(distance)', 'the expression for field hours fails on the record'],
    ["CAST(CASE WHEN distance = 0 THEN 'x' ELSE '1' END AS INT)", 'the expression for field hours fails on the record'],
    ['CAST(2147483647 - distance + 1 AS INT) * CASE WHEN distance = 0 THEN 2147483647 ELSE 0 END', 'the expression for field hours fails on the record'],
  ])('%s makes that record bad and no other', async (expression, reason) => {
    const { records, bad } = await runPipeline(engine(), failing(expression), flights, delays, given);
    expect(records.map(({ index }) => index)).toEqual([0, 2]);
    expect(bad).toMatchObject([{ index: 1, code: 'GRUE-REC-005', reason: expect.stringContaining(reason) }]);
  });

  test('an expression is not tried where WHERE keeps the record away from it', async () => {
    const { records, bad } = await runPipeline(engine(), failing('delay // distance', 'WHERE distance <> 0'), flights, delays, given);
    expect(records.map(({ index }) => index)).toEqual([0, 2]);
    expect(bad).toEqual([]);
  });

  test('a condition that fails makes the record bad', async () => {
    const { bad } = await runPipeline(engine(), failing('1e0', 'WHERE delay // distance > 1'), flights, delays, given);
    expect(bad).toMatchObject([{ index: 1, code: 'GRUE-REC-005', reason: expect.stringContaining('the condition after WHERE fails') }]);
  });

  test('a time that is too precise for its field is not cut silently', async () => {
    const writes = bindingOf({ stream: 'delays', root: false, types: { date: 'TIMESTAMP(0)' } });
    const { records, bad } = await runPipeline(engine(), 'INSERT INTO delays SELECT date FROM flights', flights, writes, [
      { value: { date: '2020-01-01T00:00:00.5' } },
      { value: { date: '2020-01-01T00:00:00.0' } },
    ]);
    expect(bad).toMatchObject([{ index: 0, code: 'GRUE-REC-005' }]);
    expect(records.map(({ value }) => value)).toEqual(['{"date":"2020-01-01T00:00:00"}']);
  });
});

describe('UNION ALL', () => {
  const ints = (stream: string) => bindingOf({ stream, types: { a: 'INT' } });
  const out = bindingOf({ stream: 'o', root: false, types: { a: 'INT' } });

  test('two SELECTs over one stream make two records with different identities', async () => {
    const { records } = await runPipeline(engine(), 'INSERT INTO o SELECT a FROM s UNION ALL SELECT a + 1 FROM s WHERE a > 1', ints('s'), out, [
      { value: { a: 1 } },
      { value: { a: 5 } },
    ]);
    expect(records.map(({ value, headers }) => [value, headers.grue])).toEqual([
      ['{"a":1}', 's|0|0|0|s|pipeline-p-1'],
      ['{"a":5}', 's|0|0|1|s|pipeline-p-1'],
      ['{"a":6}', 's|0|0|1|s#2|pipeline-p-1'],
    ]);
  });

  test('the path of a record does not depend on the order of the inputs', async () => {
    const sql = (...streams: string[]) => `INSERT INTO o ${streams.map((stream) => `SELECT a FROM ${stream}`).join(' UNION ALL ')}`;
    const one = await runPipeline(engine(), sql('s', 't'), [ints('s'), ints('t')], out, [{ value: { a: 1 } }]);
    const two = await runPipeline(engine(), sql('t', 's'), [ints('s'), ints('t')], out, [{ value: { a: 1 } }]);
    expect(one.records[0]?.headers.grue).toBe('s|0|0|0|s|pipeline-p-1');
    expect(two.records[0]?.headers.grue).toBe(one.records[0]?.headers.grue);
  });

  test('a record that is bad for one SELECT makes no record at all', async () => {
    const { records, bad } = await runPipeline(engine(), 'INSERT INTO o SELECT a FROM s UNION ALL SELECT 10 // a FROM s', ints('s'), out, [
      { value: { a: 0 } },
      { value: { a: 5 } },
    ]);
    expect(records.map(({ index, value }) => [index, value])).toEqual([
      [1, '{"a":5}'],
      [1, '{"a":2}'],
    ]);
    expect(bad).toMatchObject([{ index: 0, code: 'GRUE-REC-005' }]);
  });

  test('of several pipelines that write one stream each has its own path', async () => {
    const stage = await engine().pipeline(
      { engine: 'embedded', sql: 'INSERT INTO o SELECT a FROM s', reads: [ints('s')], writes: out, path: 'first' },
      'pipeline-first-1',
    );
    const { records } = await stage.transform({ topic: 's', partition: 0, records: [record({ value: { a: 1 } })] }, 1);
    expect(records[0]?.headers.grue).toBe('s|0|0|0|first|pipeline-first-1');
    stage.close();
  });
});

describe('a pipeline from Change to Change', () => {
  const sql = "INSERT INTO open SELECT id AS order_id, total FROM orders WHERE status = 'open'";

  test('a record that does not match any more deletes what it was, and deletions go on', async () => {
    const { records, bad } = await runPipeline(engine(), sql, orders, open, [
      { key: { id: 1 }, value: { id: 1, status: 'open', total: 5 }, stamp: stamp(1) },
      { key: { id: 1 }, value: { id: 1, status: 'closed', total: 5 }, stamp: stamp(2) },
      { key: { id: 2 }, value: { id: 2 }, stamp: stamp(3) },
      { key: { id: 1 }, value: null, stamp: stamp(4) },
    ]);
    expect(bad).toEqual([]);
    expect(records.map(({ index, key, value, headers }) => [index, key, value, headers.grue])).toEqual([
      [0, '{"order_id":1}', '{"order_id":1,"total":5}', 'customers|1|2|1|x|pipeline-p-1'],
      [1, '{"order_id":1}', null, 'customers|1|2|2|x|pipeline-p-1'],
      [2, '{"order_id":2}', null, 'customers|1|2|3|x|pipeline-p-1'],
      [3, '{"order_id":1}', null, 'customers|1|2|4|x|pipeline-p-1'],
    ]);
    expect(new Set(records.filter(({ key }) => key === '{"order_id":1}').map(({ partition }) => partition)).size).toBe(1);
  });

  test('a record that does not match is not judged by the expressions of its other fields', async () => {
    const risky = "INSERT INTO open SELECT id AS order_id, 10 // total AS total FROM orders WHERE status = 'open'";
    const { records, bad } = await runPipeline(engine(), risky, orders, open, [
      { key: { id: 1 }, value: { id: 1, status: 'closed', total: 0 }, stamp: stamp(1) },
    ]);
    expect(bad).toEqual([]);
    expect(records).toMatchObject([{ key: '{"order_id":1}', value: null }]);
  });

  test('the key of a record and its value say the same, or the record is bad', async () => {
    const { records, bad } = await runPipeline(engine(), sql, orders, open, [
      { key: { id: 2 }, value: { id: 1, status: 'open' }, stamp: stamp(1) },
      { value: { id: 1, status: 'open' }, stamp: stamp(2) },
      { value: null, stamp: stamp(3) },
      { key: { id: 'x' }, value: null, stamp: stamp(4) },
    ]);
    expect(records).toEqual([]);
    expect(bad.map(({ index, code }) => [index, code])).toEqual([
      [0, 'GRUE-REC-003'],
      [1, 'GRUE-REC-003'],
      [2, 'GRUE-REC-003'],
      [3, 'GRUE-REC-003'],
    ]);
  });

  test('deletions stay in place among updates', async () => {
    const everything = 'INSERT INTO open SELECT id AS order_id, total FROM orders';
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ id: fc.nat(3), total: fc.option(fc.nat(9)) }), { minLength: 1, maxLength: 50 }), async (changes) => {
        const given = changes.map(({ id, total }, n) => ({ key: { id }, value: total === null ? null : { id, total }, stamp: stamp(n) }));
        const { records } = await runPipeline(engine(), everything, orders, open, given);
        expect(records.map(({ index, value }) => [index, value])).toEqual(
          changes.map(({ id, total }, n) => [n, total === null ? null : `{"order_id":${id},"total":${total}}`]),
        );
      }),
      { numRuns: 30 },
    );
  });
});
