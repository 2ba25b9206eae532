import { describe, expect, test } from 'vitest';
import { takeHead } from '../../../../src/drivers/embedded/sql/head.ts';
import { refusal } from '../support.ts';

const refused = (sql: string): Promise<string> => refusal((async () => takeHead(sql))());

describe('the head of a statement', () => {
  test.each([
    ['INSERT INTO delays SELECT 1', 'delays'],
    ['insert\tinto\n delays\nselect 1', 'delays'],
    ['/* a /* nested */ -- comment */ INSERT -- x\n INTO "flight-delays"(SELECT 1)', 'flight-delays'],
    ['INSERT INTO "a""b" FROM x', 'a"b'],
    ['INSERT INTO delays(\n (SELECT 1))', 'delays'],
  ])('%j writes %s', (sql, output) => {
    expect(takeHead(sql).output).toBe(output);
  });

  test('is blanked out, so that positions stay those of the text', () => {
    const sql = 'INSERT INTO "dél" SELECT x';
    const { query } = takeHead(sql);
    expect(query.trim()).toBe('SELECT x');
    expect(Buffer.byteLength(query)).toBe(Buffer.byteLength(sql));
  });

  test.each([
    ['SELECT 1', 'GRUE-SQL-002 at line 1, column 1: expected INSERT, found "SELECT 1" (write INSERT INTO <stream> SELECT ... FROM <stream>)'],
    ['', 'GRUE-SQL-002 at line 1, column 1: expected INSERT, found the end of the text (write INSERT INTO <stream> SELECT ... FROM <stream>)'],
    ['INSERTINTO x', 'GRUE-SQL-002 at line 1, column 1: expected INSERT, found "INSERTINTO x" (write INSERT INTO <stream> SELECT ... FROM <stream>)'],
    [
      'INSERT INTO a.b SELECT 1',
      'GRUE-SQL-005 at line 1, column 14: a... has more than one part (write the name of a Stream; it has no catalog and no database)',
    ],
    ['INSERT INTO a-b SELECT 1', 'GRUE-SQL-002 at line 1, column 14: unexpected "-" after a (put a name that holds "-" between double quotes)'],
    [
      'INSERT INTO a (x, y) SELECT 1',
      'GRUE-SQL-002 at line 1, column 15: a list of columns after the stream is not supported (name the columns of the SELECT with AS: they are matched by name)',
    ],
    [
      'INSERT INTO\n  5 SELECT 1',
      'GRUE-SQL-002 at line 2, column 3: expected the name of a stream, found "5 SELECT 1" (write INSERT INTO <stream> SELECT ... FROM <stream>)',
    ],
    ['INSERT INTO a -- nothing', 'GRUE-SQL-002 at line 1, column 25: the SELECT is missing (write INSERT INTO <stream> SELECT ... FROM <stream>)'],
    ['/* INSERT INTO a', 'GRUE-SQL-002 at line 1, column 1: a comment does not end (close it with */)'],
  ])('%j is refused', async (sql, line) => {
    expect(await refused(sql)).toBe(line);
  });
});
