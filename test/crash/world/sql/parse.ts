import { GrueError } from '../../../../src/api/errors.ts';
import { positionAt } from '../../../../src/drivers/embedded/sql/position.ts';

export type Expression =
  | { readonly is: 'Column'; readonly name: string }
  | { readonly is: 'Literal'; readonly value: string | number | boolean | null }
  | { readonly is: 'Not'; readonly of: Expression }
  | { readonly is: 'Binary'; readonly operator: Operator; readonly left: Expression; readonly right: Expression };

/** From the weakest to the strongest. */
const operators = [['OR'], ['AND'], ['=', '<>', '<', '<=', '>', '>='], ['||'], ['+', '-'], ['*', '/', '%']] as const;
export type Operator = (typeof operators)[number][number];

/** A column of a SELECT; all fields of the input where there is a star. */
export type Item = '*' | { readonly name: string | undefined; readonly expression: Expression };

export interface Branch {
  readonly input: string;
  readonly items: readonly Item[];
  readonly where: Expression | undefined;
}

/** `INSERT INTO output SELECT ... UNION ALL SELECT ...`, without layout: equal meaning has equal JSON. */
export interface Statement {
  readonly output: string;
  readonly branches: readonly Branch[];
}

interface Token {
  readonly kind: 'Word' | 'Quoted' | 'Text' | 'Number' | 'Sign';
  readonly text: string;
  readonly at: number;
}

const token = /\s+|--[^\n]*|\/\*[\s\S]*?\*\/|([A-Za-z_][A-Za-z0-9_]*)|"((?:[^"]|"")*)"|'((?:[^']|'')*)'|(\d+(?:\.\d+)?)|(<>|!=|<=|>=|\|\||[-+*/%=<>(),.;])/gy;
const kinds = ['Word', 'Quoted', 'Text', 'Number', 'Sign'] as const;

function tokensOf(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  for (let at = 0; at < sql.length; at = token.lastIndex) {
    const match = token.exec(sql);
    if (match === null) throw refusal(sql, 'GRUE-SQL-001', at, `syntax error at or near "${sql.slice(at, at + 10)}"`);
    const n = match.slice(1).findIndex((part) => part !== undefined);
    if (n >= 0) tokens.push({ kind: kinds[n]!, text: match[n + 1]!.replaceAll(n === 1 ? '""' : "''", n === 1 ? '"' : "'"), at });
  }
  return tokens;
}

function refusal(sql: string, code: 'GRUE-SQL-001' | 'GRUE-SQL-002' | 'GRUE-SQL-004', at: number, message: string): GrueError {
  return new GrueError(code, message, { at: positionAt(sql, Buffer.byteLength(sql.slice(0, at))) });
}

/** @throws GrueError GRUE-SQL-001 for what cannot be read, -002 for another statement, -004 for SQL that goes beyond what is simulated */
export function parse(sql: string): Statement {
  const tokens = tokensOf(sql);
  let next = 0;
  const peek = (ahead = 0): Token | undefined => tokens[next + ahead];
  const is = (text: string, ahead = 0): boolean => {
    const { kind, text: found } = peek(ahead) ?? {};
    return (kind === 'Sign' && found === text) || (kind === 'Word' && found?.toUpperCase() === text);
  };
  const fail = (code: Parameters<typeof refusal>[1], message?: string): GrueError => {
    const found = peek();
    return refusal(sql, code, found?.at ?? sql.length, message ?? `syntax error at or near "${found?.text ?? 'the end'}"`);
  };
  const take = (...texts: readonly string[]): void => {
    for (const text of texts) {
      if (!is(text)) throw fail('GRUE-SQL-001');
      next += 1;
    }
  };
  const taken = (...texts: readonly string[]): string | undefined => {
    const found = texts.find((text) => is(text));
    if (found !== undefined) next += 1;
    return found;
  };
  const name = (): string => {
    const found = peek();
    if (found?.kind !== 'Quoted' && (found?.kind !== 'Word' || reserved.has(found.text.toUpperCase()))) throw fail('GRUE-SQL-001');
    next += 1;
    return found.text;
  };

  function primary(): Expression {
    if (taken('(')) {
      const inner = expression(0);
      take(')');
      return inner;
    }
    if (taken('NOT')) return { is: 'Not', of: expression(2) };
    const found = peek();
    const sign = taken('-') ? -1 : 1;
    const number = peek();
    if (number?.kind === 'Number') {
      next += 1;
      return { is: 'Literal', value: sign * Number(number.text) };
    }
    if (sign < 0) throw fail('GRUE-SQL-004', 'a minus stands before numbers only');
    if (found?.kind === 'Text') {
      next += 1;
      return { is: 'Literal', value: found.text };
    }
    const constant = taken('TRUE', 'FALSE', 'NULL');
    if (constant) return { is: 'Literal', value: constant === 'NULL' ? null : constant === 'TRUE' };
    const first = name();
    if (is('(')) throw fail('GRUE-SQL-004', `the function ${first} is not simulated`);
    return { is: 'Column', name: taken('.') ? name() : first };
  }

  function expression(level: number): Expression {
    const here = operators[level];
    if (here === undefined) return primary();
    let left = expression(level + 1);
    for (;;) {
      const found = taken(...here, ...(level === 2 ? ['!='] : []));
      if (found === undefined) return left;
      const operator = (found === '!=' ? '<>' : found) as Operator;
      left = { is: 'Binary', operator, left, right: expression(level + 1) };
    }
  }

  function item(): Item {
    if (taken('*')) return '*';
    const found = expression(0);
    const given = taken('AS') ? name() : undefined;
    return { name: given ?? (found.is === 'Column' ? found.name : undefined), expression: found };
  }

  function branch(): Branch {
    take('SELECT');
    const items = [item()];
    while (taken(',')) items.push(item());
    take('FROM');
    const input = name();
    if (taken('AS')) name();
    return { input, items, where: taken('WHERE') ? expression(0) : undefined };
  }

  if (!is('INSERT')) throw fail('GRUE-SQL-002', 'the statement is not INSERT INTO ... SELECT ...');
  take('INSERT', 'INTO');
  const output = name();
  const branches = [branch()];
  while (taken('UNION')) {
    take('ALL');
    branches.push(branch());
  }
  taken(';');
  if (peek()) throw fail(is('INSERT') || is('SELECT') ? 'GRUE-SQL-002' : 'GRUE-SQL-004', `${peek()?.text} is not simulated here`);
  return { output, branches };
}

const reserved = new Set('SELECT INSERT INTO FROM WHERE UNION ALL AS AND OR NOT TRUE FALSE NULL GROUP ORDER JOIN ON HAVING LIMIT'.split(' '));

/** Names of all columns in an expression. */
export function columnsIn(expression: Expression): readonly string[] {
  switch (expression.is) {
    case 'Column':
      return [expression.name];
    case 'Literal':
      return [];
    case 'Not':
      return columnsIn(expression.of);
    case 'Binary':
      return [...columnsIn(expression.left), ...columnsIn(expression.right)];
  }
}
