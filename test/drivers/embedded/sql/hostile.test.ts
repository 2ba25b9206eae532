import { describe, expect, test } from 'vitest';
import { analystForTests, refusal } from '../support.ts';

const judge = analystForTests();
const outline = (rest: string): Promise<string> => refusal(judge().outline(`INSERT INTO o ${rest}`));

describe('SQL that reaches outside', () => {
  test.each([
    "SELECT a FROM '/etc/passwd'",
    "SELECT a FROM 'https://example.com/x.csv'",
    "SELECT a FROM read_csv('/etc/passwd')",
    "SELECT a FROM read_text('/proc/self/environ')",
    "SELECT a FROM read_parquet(['s3://x/y'])",
    "SELECT a FROM glob('/*')",
    'SELECT a FROM duckdb_settings()',
    'SELECT a FROM pragma_version()',
    'SELECT a FROM information_schema.tables',
    'SELECT a FROM main.s',
    'SELECT a FROM "S3"',
    "SELECT a FROM query('SELECT 1')",
    'SELECT a FROM range(10)',
    'SELECT a FROM unnest([1, 2])',
    'VALUES (1)',
    'SELECT 1 AS a',
  ])('GRUE-SQL-005: %s', async (sql) => {
    expect(await outline(sql)).toMatch(/^GRUE-SQL-005/);
  });

  test.each([
    "SELECT getenv('HOME') AS a FROM s",
    "SELECT current_setting('memory_limit') AS a FROM s",
    'SELECT current_user() AS a FROM s',
    "SELECT (SELECT content FROM read_text('/etc/passwd')) AS a FROM s",
    "SELECT a FROM s WHERE EXISTS (SELECT 1 FROM read_csv('/etc/passwd'))",
    "SELECT a FROM s WHERE a IN (SELECT b FROM 't.csv')",
    "SELECT a FROM (SELECT * FROM 'x.parquet')",
    "WITH x AS (SELECT * FROM 'x.parquet') SELECT a FROM s",
    "SELECT a FROM s, read_csv('x')",
    "SELECT a FROM s JOIN 'x.csv' ON true",
    "SELECT read_text('/etc/passwd') AS a FROM s",
    "SELECT sniff_csv('x') AS a FROM s",
    "SELECT json_execute_serialized_sql('x') AS a FROM s",
    "SELECT json_serialize_sql('x') AS a FROM s",
    "SELECT getvariable('x') AS a FROM s",
    "SELECT nextval('x') AS a FROM s",
    "SELECT error('x') AS a FROM s",
    "SELECT query('x') AS a FROM s",
    'SELECT COLUMNS(*) FROM s',
    "SELECT COLUMNS('a.*') FROM s",
    'SELECT $1 AS a FROM s',
    'SELECT #1 FROM s',
    'SELECT ? AS a FROM s',
    "SELECT system.main.lower('X') AS a FROM s",
    "SELECT other.lower('X') AS a FROM s",
    'SELECT rowid(a) AS a FROM s',
    'SELECT a.read_text() AS a FROM s',
    'SELECT list_transform([1], lambda x: x + 1) AS a FROM s',
    'SELECT [x FOR x IN [1, 2]] AS a FROM s',
    "SELECT {'a': 1} AS a FROM s",
    "SELECT MAP {'a': 1} AS a FROM s",
    'SELECT a COLLATE nocase AS a FROM s',
    'SELECT CAST(a AS BLOB) AS a FROM s',
    'SELECT CAST(a AS UUID) AS a FROM s',
    'SELECT CAST(a AS no_such_type) AS a FROM s',
    'SELECT try(a) AS a FROM s',
    'SELECT a[1:2] AS a FROM s',
    'SELECT a FROM s TABLESAMPLE 10%',
    'SELECT a FROM s AT (VERSION => 3)',
    'SELECT a FROM s AS x(b)',
    'SELECT * REPLACE (1 AS a) FROM s',
    'SELECT * RENAME (a AS b) FROM s',
    'SELECT a FROM s WINDOW w AS (ORDER BY a) LIMIT 1',
  ])('GRUE-SQL-004: %s', async (sql) => {
    expect(await outline(sql)).toMatch(/^GRUE-SQL-004/);
  });

  test.each([
    "COPY s TO 'x'",
    "ATTACH 'x' AS y",
    'PRAGMA database_list',
    'SET memory_limit = 1',
    'INSTALL httpfs',
    'LOAD httpfs',
    'CREATE TABLE x (a INT)',
    "EXPORT DATABASE 'x'",
    'CALL pragma_version()',
    'INSERT INTO x SELECT 1',
    'DELETE FROM s',
    'PIVOT s ON a',
    "SELECT a FROM s; COPY s TO 'x'",
    "SELECT a FROM s; ATTACH 'x'",
  ])('no SELECT at all: %s', async (sql) => {
    expect(await outline(sql)).toMatch(/^GRUE-SQL-00[12]/);
  });
});

describe('SQL that needs more than one record', () => {
  test.each([
    ['SELECT sum(a) AS a FROM s', 'sum() needs more than one record'],
    ['SELECT count(*) AS a FROM s', 'count_star() needs more than one record'],
    ['SELECT a FROM s GROUP BY a', 'GROUP BY is not supported'],
    ['SELECT a FROM s GROUP BY ALL', 'GROUP BY is not supported'],
    ['SELECT a FROM s HAVING a > 1', 'HAVING is not supported'],
    ['SELECT DISTINCT a FROM s', 'DISTINCT is not supported'],
    ['SELECT a FROM s ORDER BY a', 'ORDER BY is not supported'],
    ['SELECT a FROM s LIMIT 5', 'LIMIT is not supported'],
    ['SELECT a FROM s OFFSET 5', 'LIMIT is not supported'],
    ['SELECT a FROM s USING SAMPLE 10', 'sampl'],
    ['SELECT a FROM s QUALIFY row_number() OVER () = 1', 'QUALIFY is not supported'],
    ['SELECT row_number() OVER (ORDER BY a) AS a FROM s', 'a window function (OVER) is not supported'],
    ['SELECT lag(a) OVER () AS a FROM s', 'a window function (OVER) is not supported'],
    ['SELECT s.a FROM s JOIN t ON s.a = t.a', 'a join needs more than one record'],
    ['SELECT s.a FROM s, t', 'a join needs more than one record'],
    ['SELECT a FROM s ASOF JOIN t USING (a)', 'a join needs more than one record'],
    ['SELECT a FROM s UNION SELECT a FROM t', 'UNION without ALL'],
    ['SELECT a FROM s EXCEPT SELECT a FROM t', 'EXCEPT is not supported'],
    ['SELECT a FROM s INTERSECT ALL SELECT a FROM t', 'INTERSECT is not supported'],
    ['SELECT a FROM s UNION ALL BY NAME SELECT a FROM t', 'BY_NAME'],
    ['(SELECT a FROM s LIMIT 1) UNION ALL SELECT a FROM t', 'LIMIT is not supported'],
    ['SELECT unnest(a) AS a FROM s', 'unnest() makes several records of one'],
    ['WITH RECURSIVE x AS (SELECT 1) SELECT a FROM s', 'WITH is not supported'],
  ])('%s', async (sql, message) => {
    const line = await outline(sql);
    expect(line).toMatch(/^GRUE-SQL-004/);
    expect(line).toContain(message);
    expect(line).toMatch(/Flink/);
  });
});

describe('SQL that is not the same every time, or makes records grow', () => {
  test.each(['now()', 'random()', 'uuid()', 'get_current_timestamp()', 'age(a)', "nextval('x')"])('%s', async (call) => {
    expect(await outline(`SELECT ${call} AS a FROM s`)).toMatch(/^GRUE-SQL-004.*gives another result every time/);
  });

  test.each([
    "repeat('x', 1000000000)",
    "lpad('x', 1000000000, 'y')",
    "format('{:>1000000000}', 1)",
    "printf('%1000000000d', 1)",
    'list_resize([1], 1000000000)',
  ])('%s', async (call) => {
    expect(await outline(`SELECT ${call} AS a FROM s`)).toMatch(/^GRUE-SQL-004.*very large/);
  });

  test.each([
    ['parentheses', `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)} AS a FROM s`],
    ['negations', `SELECT ${'NOT '.repeat(15_000)}a AS a FROM s`],
    ['additions', `SELECT ${Array(20_000).fill('1').join('+')} AS a FROM s`],
    ['comments', `${'/*'.repeat(20_000)} SELECT a FROM s`],
    ['SELECTs', Array(500).fill('SELECT a FROM s').join(' UNION ALL ')],
    ['a number without end', 'SELECT 1e999 AS a FROM s'],
    ['an open text', "SELECT 'a FROM s"],
    ['a null byte', 'SELECT a\u0000b FROM s'],
    ['an open dollar text', 'SELECT $$a FROM s'],
  ])('%s without end are refused and harm nobody', async (_, sql) => {
    expect(await outline(sql)).toMatch(/^GRUE-SQL-00/);
    expect(await outline('SELECT a FROM s')).toBe('accepted');
  });
});
