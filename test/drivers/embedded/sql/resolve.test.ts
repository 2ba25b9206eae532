import { describe, expect, test } from 'vitest';
import type { SqlStream } from '../../../../src/drivers/ports.ts';
import { analystForTests, refusal, streamOf } from '../support.ts';

const judge = analystForTests();

const flights = streamOf('flights', {
  date: 'TIMESTAMP(3)',
  delay: 'INT',
  distance: 'BIGINT',
  price: 'DECIMAL(10,2)',
  name: 'STRING',
  tags: 'ARRAY<STRING>',
  day: 'DATE',
  seen: 'TIMESTAMP_LTZ(3)',
  ratio: 'FLOAT',
  flag: 'BOOLEAN',
});
const check = (sql: string, output: SqlStream, inputs: readonly SqlStream[] = [flights]): Promise<string> =>
  refusal(judge().resolve(`INSERT INTO o ${sql}`, inputs, output));
const into = (types: Readonly<Record<string, string>>): SqlStream => streamOf('o', types);

describe('columns', () => {
  test.each([
    ['SELECT dealy AS a FROM flights', 'GRUE-SQL-003 at line 1, column 22: column "dealy" does not exist in stream flights (did you mean "delay"?)'],
    [
      'SELECT delay AS a\nFROM flights\nWHERE Delay > 1',
      'GRUE-SQL-003 at line 3, column 7: column "Delay" does not exist in stream flights (did you mean "delay"?)',
    ],
    ["SELECT concat('é', nmae) AS a FROM flights", 'GRUE-SQL-003 at line 1, column 34: column "nmae" does not exist in stream flights (did you mean "name"?)'],
    ['SELECT flights.delya AS a FROM flights', 'GRUE-SQL-003 at line 1, column 22: column "delya" does not exist in stream flights (did you mean "delay"?)'],
    [
      'SELECT f.delay AS a FROM flights',
      'GRUE-SQL-003 at line 1, column 22: f.delay does not exist here (the columns are those of flights; fields have no parts)',
    ],
    [
      'SELECT flights.delay AS a FROM flights f',
      'GRUE-SQL-003 at line 1, column 22: flights.delay does not exist here (the columns are those of f; fields have no parts)',
    ],
    ['SELECT delay AS a, a + 1 AS b FROM flights', expect.stringMatching(/^GRUE-SQL-003 at line 1, column 34: column "a" does not exist/)],
    ['SELECT * EXCLUDE (dealy) FROM flights', expect.stringMatching(/^GRUE-SQL-003 .*did you mean "delay"/)],
    [
      'SELECT current_timestamp AS a FROM flights',
      expect.stringMatching(/^GRUE-SQL-004 at line 1, column 22: current_timestamp gives another result every time/),
    ],
    ['SELECT zzz AS a FROM flights', expect.stringContaining('its fields are date, delay')],
  ])('%s', async (sql, line) => {
    expect(await check(sql, into({ a: 'INT', b: 'INT' }))).toEqual(line);
  });

  test('a stream that is not an input is named', async () => {
    expect(await check('SELECT a FROM trains', into({ a: 'INT' }))).toBe(
      'GRUE-SQL-005 at line 1, column 29: stream trains is not known (name a Stream of the same namespace)',
    );
  });

  test('fields that differ in case only cannot be told apart', async () => {
    expect(await check('SELECT a FROM s', into({ a: 'INT' }), [streamOf('s', { a: 'INT', A: 'INT' })])).toMatch(/^GRUE-SQL-004.*differ in case only/);
  });
});

describe('the columns of the SELECT against the output', () => {
  test('are matched by name, whatever their order', async () => {
    const [branch] = await judge().resolve('INSERT INTO o SELECT delay + 1 AS b, name AS a FROM flights', [flights], into({ a: 'STRING', b: 'INT' }));
    expect(branch?.columns.map(({ field, text, source }) => [field.name, text, source])).toEqual([
      ['a', '"name"', 'name'],
      ['b', '("delay" + 1)', undefined],
    ]);
    expect(branch?.used).toEqual(['delay', 'name']);
  });

  test('a star stands for all fields but those that are excluded', async () => {
    const [branch] = await judge().resolve(
      'INSERT INTO o SELECT * EXCLUDE (b), 5 AS d FROM s',
      [streamOf('s', { a: 'INT', b: 'INT', c: 'INT' })],
      into({ a: 'INT', c: 'INT', d: 'INT' }),
    );
    expect(branch?.columns.map(({ text }) => text)).toEqual(['"a"', '"c"', '5']);
  });

  test.each([
    [
      'SELECT delay AS a FROM flights',
      'GRUE-SQL-006 at line 1, column 38: the SELECT lacks b of stream o (select a value for every field of the output, NULL where there is none)',
    ],
    [
      'SELECT delay AS a, delay AS b, delay AS c FROM flights',
      'GRUE-SQL-006 at line 1, column 46: stream o has no field c (leave the column out, or add the field to the stream)',
    ],
    ['SELECT delay AS a, delay AS bb FROM flights', 'GRUE-SQL-006 at line 1, column 34: stream o has no field bb (did you mean AS "b"?)'],
    ['SELECT delay AS a, delay + 1 FROM flights', 'GRUE-SQL-006 at line 1, column 34: column 2 has no name (name it with AS: columns are matched by name)'],
    ['SELECT delay AS a, 1 AS b, 2 AS b FROM flights', 'GRUE-SQL-006 at line 1, column 42: two columns are named b (give each its own name with AS)'],
    [
      'SELECT delay AS a, name AS b FROM flights',
      'GRUE-SQL-006 at line 1, column 34: column b is VARCHAR, but field b of stream o is INT (change the type of the field, or say with CAST what may be lost)',
    ],
    [
      'SELECT 1 AS a, 2 AS b FROM flights UNION ALL SELECT 1 FROM flights',
      'GRUE-SQL-006 at line 1, column 74: this SELECT has 1 columns, the first one has 2 (all parts of a UNION ALL have the same columns)',
    ],
    [
      'SELECT 1 AS a, 2 AS b FROM flights UNION ALL SELECT 1 AS b, 2 AS a FROM flights',
      expect.stringMatching(/^GRUE-SQL-006 .*column b stands in place 1, in the first SELECT in place 2/),
    ],
    ['SELECT 1 AS a, 2 AS b FROM flights UNION ALL SELECT 1, delay FROM flights', 'accepted'],
    ['SELECT NULL AS a, NULL AS b FROM flights', 'accepted'],
  ])('%s', async (sql, line) => {
    expect(await check(sql, into({ a: 'INT', b: 'INT' }))).toEqual(line);
  });

  test.each([
    ['delay', 'BIGINT', true],
    ['distance', 'INT', false],
    ['delay', 'DOUBLE', true],
    ['distance', 'DOUBLE', true],
    ['delay', 'FLOAT', false],
    ['delay', 'DECIMAL(12,2)', true],
    ['delay', 'DECIMAL(11,2)', false],
    ['price', 'DECIMAL(12,3)', true],
    ['price', 'DECIMAL(12,1)', false],
    ['price', 'DECIMAL(10,3)', false],
    ['price', 'DOUBLE', true],
    ['price', 'INT', false],
    ['ratio', 'DOUBLE', true],
    ['CAST(ratio AS DOUBLE)', 'FLOAT', false],
    ['delay * 1.5', 'DOUBLE', true],
    ['delay / 60', 'INT', false],
    ['delay // 60', 'INT', true],
    ['length(name)', 'INT', false],
    ['CAST(length(name) AS INT)', 'INT', true],
    ['7', 'TINYINT', true],
    ['-128', 'TINYINT', true],
    ['200', 'TINYINT', false],
    ['200', 'DECIMAL(3,0)', true],
    ['2000', 'DECIMAL(3,0)', false],
    ['name', 'STRING', true],
    ['delay', 'STRING', false],
    ['delay > 5', 'BOOLEAN', true],
    ['delay', 'BOOLEAN', false],
    ['day', 'TIMESTAMP(3)', true],
    ['date', 'DATE', false],
    ['date', 'TIMESTAMP_LTZ(3)', false],
    ['seen', 'TIMESTAMP(3)', false],
    ["date AT TIME ZONE 'Europe/Berlin'", 'TIMESTAMP_LTZ(3)', true],
    ['CAST(date AS TIMESTAMP(0))', 'TIMESTAMP(0)', true],
    ['date + INTERVAL 1 DAY', 'TIMESTAMP(3)', true],
    ["DATE '2020-01-01'", 'DATE', true],
    ['tags', 'ARRAY<STRING>', true],
    ["string_split(name, ',')", 'ARRAY<STRING>', true],
    ['tags[1]', 'STRING', true],
    ['tags', 'STRING', false],
    ['[1, 2]', 'ARRAY<BIGINT>', true],
    ['[distance]', 'ARRAY<INT>', false],
    ["json_extract_string(name, '$.a')", 'STRING', true],
    ["name ->> 'a'", 'STRING', true],
    ['CASE WHEN flag THEN 1 END', 'INT', true],
    ['NULL', 'ARRAY<DATE>', true],
    ['NULL', 'STRING', true],
    ['NULL', 'BOOLEAN', true],
    ['CASE WHEN flag THEN NULL END', 'INT', true],
  ])('%s into %s: %s', async (expression, type, fits) => {
    const line = await check(`SELECT ${expression} AS a FROM flights`, into({ a: type }));
    expect(line.slice(0, 12)).toBe(fits ? 'accepted' : 'GRUE-SQL-006');
  });

  test.each([
    ['SELECT lower(delay, 5) AS a FROM flights', /^GRUE-SQL-004 at line 1, column 22: No function matches/],
    ['SELECT 1 AS a FROM flights WHERE name + day', /^GRUE-SQL-004 at line 1, column 48: /],
    ['SELECT 1 AS a FROM flights WHERE delay', /^GRUE-SQL-004 at line 1, column 48: the condition after WHERE is INTEGER, not BOOLEAN/],
  ])('%s', async (sql, line) => {
    expect(await check(sql, into({ a: 'INT' }))).toMatch(line);
  });
});

describe('identity', () => {
  const orders = streamOf(
    'orders',
    { id: 'BIGINT', region: 'STRING', total: 'INT' },
    { type: 'Change', primaryKey: ['id', 'region'], partitionKey: ['id', 'region'] },
  );
  const clicks = streamOf('clicks', { user: 'BIGINT', page: 'STRING', at_: 'TIMESTAMP(3)' }, { partitionKey: ['user'] });
  const change = (types: Readonly<Record<string, string>>, primaryKey: readonly string[], more: Partial<SqlStream> = {}) =>
    streamOf('o', types, { type: 'Change', primaryKey, partitionKey: primaryKey, ...more });
  const key = { k: 'BIGINT', r: 'STRING' };

  test.each<[string, string, SqlStream, SqlStream, string | RegExp]>([
    ['a renamed key', 'SELECT id AS k, region AS r FROM orders', orders, change(key, ['r', 'k']), 'accepted'],
    ['a computed key', 'SELECT id + 1 AS k, region AS r FROM orders', orders, change(key, ['k', 'r']), /key field k of the Change stream o is computed/],
    ['part of the key', 'SELECT id AS k, region AS r FROM orders', orders, change(key, ['k']), /the key of stream o leaves out region/],
    [
      'a key with another field in it',
      'SELECT id AS k, region AS r, total FROM orders',
      orders,
      change({ ...key, total: 'INT' }, ['k', 'r', 'total']),
      /total is not part of the primary key of stream orders/,
    ],
    [
      'a key of another type',
      'SELECT CAST(id AS BIGINT) AS k, region AS r FROM orders',
      orders,
      change(key, ['k', 'r']),
      /key field k of the Change stream o is computed/,
    ],
    [
      'a wider key',
      'SELECT id AS k, region AS r FROM s',
      { ...orders, name: 's', fields: orders.fields.map((f) => (f.name === 'id' ? { ...f, type: 'INT' } : f)) },
      change(key, ['k', 'r']),
      /key field k is INT in stream s and BIGINT in stream o/,
    ],
    [
      'a partition key outside the key',
      'SELECT id AS k, region AS r, total FROM orders',
      orders,
      change({ ...key, total: 'INT' }, ['k', 'r'], { partitionKey: ['total'] }),
      /partition key field total of the Change stream o is not part of its primary key/,
    ],
    [
      'a Change stream into an Append stream',
      'SELECT id AS k, region AS r FROM orders',
      orders,
      streamOf('o', key),
      /its deletions would be lost in the Append stream o/,
    ],
    [
      'two SELECTs over Change',
      'SELECT id AS k, region AS r FROM orders UNION ALL SELECT id, region FROM orders',
      orders,
      change(key, ['k', 'r']),
      /several SELECTs write the Change stream o/,
    ],
    [
      'WHERE with a declared order',
      'SELECT id AS k, region AS r, total FROM orders WHERE total > 1',
      orders,
      change({ ...key, total: 'INT' }, ['k', 'r'], { orderingField: 'total' }),
      /a deletion has no total to order it by/,
    ],
    ['Append, partitioned by the key', 'SELECT user AS u FROM clicks', clicks, change({ u: 'BIGINT' }, ['u']), 'accepted'],
    [
      'Append, partitioned by a part of the key',
      'SELECT user AS u, page AS p FROM clicks',
      clicks,
      change({ u: 'BIGINT', p: 'STRING' }, ['p', 'u']),
      'accepted',
    ],
    [
      'Append, partitioned by something else',
      'SELECT page AS p FROM clicks',
      clicks,
      change({ p: 'STRING' }, ['p']),
      /the key of o leaves out user, the partition key of clicks/,
    ],
    [
      'Append without a partition key',
      'SELECT user AS u FROM clicks',
      { ...clicks, partitionKey: [] },
      change({ u: 'BIGINT' }, ['u']),
      /stream clicks declares no partition key/,
    ],
    [
      'Append with a declared order',
      'SELECT page AS p, at_ FROM clicks',
      clicks,
      change({ p: 'STRING', at_: 'TIMESTAMP(3)' }, ['p'], { orderingField: 'at_' }),
      'accepted',
    ],
    [
      'a floating key',
      'SELECT 1e0 AS k FROM clicks',
      clicks,
      streamOf('o', { k: 'DOUBLE' }, { primaryKey: ['k'] }),
      /field k of stream o is DOUBLE, which cannot be part of a key/,
    ],
    ['Append with a key of its own', 'SELECT lower(page) AS p FROM clicks', clicks, streamOf('o', { p: 'STRING' }, { primaryKey: ['p'] }), 'accepted'],
  ])('%s', async (_, sql, input, output, expected) => {
    // "user" is a reserved word, so it stands between quotes
    const line = await check(sql.replaceAll('user', '"user"'), output, [input]);
    if (typeof expected === 'string') expect(line).toBe(expected);
    else expect(line).toMatch(new RegExp(`^GRUE-SQL-007.*${expected.source}`));
  });
});
