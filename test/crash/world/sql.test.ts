import { describe, expect, test } from 'vitest';
import type { SqlStream } from '../../../src/drivers/ports.ts';
import { analystForTests } from '../../drivers/embedded/support.ts';
import { simulatedSql } from './sql.ts';

/** The simulation is worth as much as it agrees with the engine that it stands for. */
const real = analystForTests();
const simulated = simulatedSql();
const signal = new AbortController().signal;

const statements = [
  'INSERT INTO o SELECT * FROM s',
  'INSERT INTO o SELECT a, b + 1 AS c FROM s WHERE s.b > 1',
  "INSERT INTO o SELECT a || 'x' AS a FROM s UNION ALL SELECT b AS a FROM t UNION ALL SELECT * FROM s",
];

test.each(statements)('the outline is that of the real engine: %s', async (sql) => {
  const [one, other] = [await simulated.outline(sql, signal), await real().outline(sql)];
  expect({ ...one, canonical: '' }).toEqual({ ...other, canonical: '' });
});

test('layout, comments and quotes mean nothing, and everything else does', async () => {
  const canonical = async (sql: string): Promise<string> => (await simulated.outline(sql, signal)).canonical;
  const plain = await canonical('INSERT INTO o SELECT a, b + 1 AS c FROM s');
  expect(await canonical('-- x\ninsert into "o"\n select a AS a, (b+1) as c /* y */ from s;')).toBe(plain);
  expect(await canonical('INSERT INTO o SELECT a, b + 2 AS c FROM s')).not.toBe(plain);
  expect(await canonical('INSERT INTO o SELECT a, b + 1 AS d FROM s')).not.toBe(plain);
});

describe('what the real engine refuses is refused under the same code', () => {
  const stream = (name: string, more: Partial<SqlStream> = {}): SqlStream => ({
    name,
    type: 'Append',
    fields: [
      { name: 'a', type: 'STRING' },
      { name: 'b', type: 'INT' },
    ],
    primaryKey: [],
    partitionKey: [],
    ...more,
  });
  const codeOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'accepted',
      (error: { code?: unknown }) => error.code,
    );
  const change = { type: 'Change', primaryKey: ['a'], partitionKey: ['a'] } as const;
  const cases: readonly [sql: string, input: SqlStream, output: SqlStream][] = [
    ['INSERT INTO o SELECT a, b FROM s', stream('s'), stream('o')],
    ['INSERT INTO o SELEC a FROM s', stream('s'), stream('o')],
    ['SELECT a FROM s', stream('s'), stream('o')],
    ['INSERT INTO o SELECT a, zzz AS b FROM s', stream('s'), stream('o')],
    ['INSERT INTO o SELECT a, b FROM other', stream('s'), stream('o')],
    ['INSERT INTO o SELECT a FROM s', stream('s'), stream('o')],
    ['INSERT INTO o SELECT a, b, 1 AS c FROM s', stream('s'), stream('o')],
    ['INSERT INTO o SELECT a, a AS b FROM s', stream('s'), stream('o')],
    ['INSERT INTO o SELECT a, b FROM s', stream('s', change), stream('o')],
    ['INSERT INTO o SELECT a, b FROM s', stream('s', change), stream('o', change)],
    ["INSERT INTO o SELECT a || 'x' AS a, b FROM s", stream('s', change), stream('o', change)],
  ];
  test.each(cases)('%s', async (sql, input, output) => {
    expect(await codeOf(simulated.check(sql, [input], output, signal))).toBe(await codeOf(real().resolve(sql, [input], output)));
  });
});
