import { GrueError } from '../../../api/errors.ts';
import { positionAt } from './position.ts';

export interface Head {
  /** The stream that the statement writes. */
  readonly output: string;
  /** The statement with its head blanked out byte by byte, so that positions in it are positions in the user's text. */
  readonly query: string;
}

const expected = 'INSERT INTO <stream> SELECT ... FROM <stream>';

/**
 * Takes `INSERT INTO <stream>` off, because the parser gives a syntax tree only for queries.
 * @throws GrueError GRUE-SQL-002 if the text does not start that way, GRUE-SQL-005 if it writes to something with dots
 */
export function takeHead(sql: string): Head {
  const scanner = scan(sql);
  scanner.keyword('INSERT');
  scanner.keyword('INTO');
  const output = scanner.identifier();
  const end = scanner.position();
  const next = sql.slice(scanner.skip());
  if (next.startsWith('.'))
    throw scanner.refusal('GRUE-SQL-005', `${output}... has more than one part`, 'write the name of a Stream; it has no catalog and no database');
  if (next.startsWith('-')) throw scanner.refusal('GRUE-SQL-002', `unexpected "-" after ${output}`, 'put a name that holds "-" between double quotes');
  if (next.startsWith('(') && !/^\(\s*(\(|select\b|with\b|from\b|values\b)/i.test(next))
    throw scanner.refusal(
      'GRUE-SQL-002',
      'a list of columns after the stream is not supported',
      'name the columns of the SELECT with AS: they are matched by name',
    );
  if (next === '') throw scanner.refusal('GRUE-SQL-002', 'the SELECT is missing', `write ${expected}`);
  return { output, query: ' '.repeat(Buffer.byteLength(sql.slice(0, end))) + sql.slice(end) };
}

function scan(sql: string) {
  let at = 0;
  const refusal = (code: 'GRUE-SQL-002' | 'GRUE-SQL-005', message: string, fix: string): GrueError =>
    new GrueError(code, message, { at: positionAt(sql, Buffer.byteLength(sql.slice(0, at))), fix });

  /** Steps over white space and comments; block comments nest, as they do in the parser. */
  function skip(): number {
    for (;;) {
      if (/\s/.test(sql[at] ?? '')) at++;
      else if (sql.startsWith('--', at)) at = indexOrEnd(sql.indexOf('\n', at));
      else if (sql.startsWith('/*', at)) skipBlock();
      else return at;
    }
  }

  function skipBlock(): void {
    let depth = 0;
    do {
      const open = sql.indexOf('/*', at);
      const close = sql.indexOf('*/', at);
      if (close === -1) throw refusal('GRUE-SQL-002', 'a comment does not end', 'close it with */');
      const opens = open !== -1 && open < close;
      depth += opens ? 1 : -1;
      at = (opens ? open : close) + 2;
    } while (depth > 0);
  }

  const indexOrEnd = (index: number): number => (index === -1 ? sql.length : index);

  function take(pattern: RegExp): RegExpExecArray | null {
    skip();
    pattern.lastIndex = at;
    const match = pattern.exec(sql);
    if (match !== null) at += match[0].length;
    return match;
  }

  return {
    refusal,
    skip,
    position: () => at,
    keyword(word: string): void {
      if (take(new RegExp(`${word}\\b`, 'iy')) === null) throw refusal('GRUE-SQL-002', `expected ${word}${found(sql.slice(at))}`, `write ${expected}`);
    },
    identifier(): string {
      const quoted = take(/"((?:[^"]|"")+)"/y);
      if (quoted?.[1] !== undefined) return quoted[1].replaceAll('""', '"');
      const plain = take(/[A-Za-z_][A-Za-z0-9_]*/y);
      if (plain === null) throw refusal('GRUE-SQL-002', `expected the name of a stream${found(sql.slice(at))}`, `write ${expected}`);
      return plain[0];
    },
  };
}

const found = (rest: string): string => (rest === '' ? ', found the end of the text' : `, found ${JSON.stringify(rest.slice(0, 20))}`);
