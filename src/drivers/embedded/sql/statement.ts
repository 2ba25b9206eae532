import { GrueError } from '../../../api/errors.ts';
import type { SqlOutline } from '../../ports.ts';
import { type ColumnUse, type Expression, readExpression, type Scope } from './expression.ts';
import { takeHead } from './head.ts';
import { identifier } from './literals.ts';
import { isNode, locationOf, type Node, nodes, onlyKeys, type Source, sqlError, text, useFlink } from './tree.ts';

/** One column of a SELECT, or a star that stands for several. */
export type SelectItem =
  | { readonly kind: 'Expression'; readonly expression: Expression; readonly name: string | undefined }
  | { readonly kind: 'Star'; readonly exclude: readonly string[]; readonly at: number | undefined };

/** One SELECT over one stream. */
export interface Branch {
  readonly input: string;
  readonly items: readonly SelectItem[];
  readonly where: Expression | undefined;
  readonly at: number | undefined;
}

/** A statement that uses nothing but what the embedded engine allows. */
export interface Statement extends Source {
  readonly output: string;
  /** More than one are joined by UNION ALL. */
  readonly branches: readonly Branch[];
}

/** Gives the syntax tree of a query as JSON text. The parser behind it runs nothing. */
export type Parser = (query: string) => Promise<string>;

const mostBranches = 16;

/** Reads a pipeline's SQL. @throws GrueError GRUE-SQL-001 to -005 with the position in the user's text */
export async function readStatement(sql: string, parse: Parser): Promise<Statement> {
  const { output, query } = takeHead(sql);
  const source: Source = { sql };
  const statements = parseTree(source, await parse(query));
  const [first, second] = statements;
  if (first === undefined) throw sqlError(source, 'GRUE-SQL-002', undefined, 'the SELECT is missing', 'write INSERT INTO <stream> SELECT ... FROM <stream>');
  if (second !== undefined) throw sqlError(source, 'GRUE-SQL-002', locationOf(second), 'there is a second statement', 'make one Pipeline for each statement');
  onlyKeys(source, first, ['node'], 'a statement');
  const branches: Branch[] = [];
  readQuery(source, first['node'], branches);
  if (branches.length > mostBranches)
    throw sqlError(
      source,
      'GRUE-SQL-004',
      branches[mostBranches]?.at,
      `the SQL joins ${branches.length} SELECTs`,
      `join at most ${mostBranches}, or write several Pipelines`,
    );
  return { sql, output, branches };
}

/** Numbers of constants stay text: they may not fit a JavaScript number. */
function parseTree(source: Source, json: string): readonly Node[] {
  const exact = ['value', 'lower', 'upper'];
  const reviver = (key: string, value: unknown, context: { readonly source?: string }): unknown =>
    typeof value === 'number' && exact.includes(key) ? context.source : value;
  let tree: unknown;
  try {
    tree = JSON.parse(json, reviver as Parameters<typeof JSON.parse>[1]);
  } catch (cause) {
    // The parser writes a number that overflows as Infinity, which is no JSON.
    throw new GrueError('GRUE-SQL-004', 'the SQL holds a number that is too large', { fix: 'use smaller numbers', cause });
  }
  if (!isNode(tree)) return [];
  if (tree['error'] !== true) return nodes(tree['statements']);
  const position = text(tree['position']);
  if (tree['error_type'] !== 'parser')
    throw sqlError(source, 'GRUE-SQL-002', undefined, 'the text after INSERT INTO is not one SELECT', 'write INSERT INTO <stream> SELECT ... FROM <stream>');
  throw sqlError(
    source,
    'GRUE-SQL-001',
    /^\d+$/.test(position) ? Number(position) : undefined,
    text(tree['error_message']),
    'names that hold "-" stand between double quotes, texts between single ones',
  );
}

const clauses: Readonly<Record<string, string>> = {
  group_expressions: 'GROUP BY',
  group_sets: 'GROUP BY',
  having: 'HAVING',
  qualify: 'QUALIFY',
  sample: 'sampling',
  cte_map: 'WITH',
  DISTINCT_MODIFIER: 'DISTINCT',
  ORDER_MODIFIER: 'ORDER BY',
  LIMIT_MODIFIER: 'LIMIT',
  LIMIT_PERCENT_MODIFIER: 'LIMIT',
};

function readQuery(source: Source, query: unknown, branches: Branch[]): void {
  if (!isNode(query)) throw sqlError(source, 'GRUE-SQL-004', undefined, 'the query is not understood', useFlink);
  const modifier = nodes(query['modifiers'])[0];
  if (modifier !== undefined) throw refused(source, modifier, clauses[text(modifier['type'])] ?? 'this clause');
  if (isNode(query['cte_map']) && nodes(query['cte_map']['map']).length > 0) throw refused(source, query['cte_map'], 'WITH');
  if (query['type'] === 'SET_OPERATION_NODE') {
    if (query['setop_type'] !== 'UNION' || query['setop_all'] === false)
      throw refused(source, query, query['setop_type'] === 'UNION' ? 'UNION without ALL (it removes duplicates)' : text(query['setop_type']));
    onlyKeys(source, query, ['setop_type', 'setop_all', 'left', 'right', 'children', 'modifiers', 'cte_map'], 'UNION ALL');
    for (const side of [query['left'], query['right'], ...nodes(query['children'])]) if (side !== undefined) readQuery(source, side, branches);
    return;
  }
  if (query['type'] !== 'SELECT_NODE') throw refused(source, query, 'this kind of query');
  branches.push(readSelect(source, query));
}

function readSelect(source: Source, select: Node): Branch {
  for (const [key, clause] of Object.entries(clauses)) {
    const value = select[key];
    if (key !== 'cte_map' && value !== undefined && !(Array.isArray(value) && value.length === 0))
      throw refused(source, isNode(value) || Array.isArray(value) ? value : select, clause);
  }
  if (select['aggregate_handling'] !== undefined && select['aggregate_handling'] !== 'STANDARD_HANDLING') throw refused(source, select, 'GROUP BY');
  onlyKeys(source, select, ['select_list', 'from_table', 'where_clause', 'aggregate_handling', 'modifiers', 'cte_map', ...Object.keys(clauses)], 'a SELECT');
  const { input, relation, at } = readFrom(source, select['from_table']);
  const scope: Scope = { ...source, relation };
  const items = nodes(select['select_list']).map((item) => readItem(scope, item));
  const where = select['where_clause'];
  return { input, items, where: isNode(where) ? readExpression(scope, where) : undefined, at };
}

const refused = (source: Source, at: unknown, what: string) =>
  sqlError(source, 'GRUE-SQL-004', locationOf(at), `${what} is not supported by the embedded engine: it looks at one record at a time`, useFlink);

function readFrom(source: Source, from: unknown): { readonly input: string; readonly relation: string; readonly at: number | undefined } {
  const at = locationOf(from);
  const streamsOnly = 'write FROM and the name of a Stream';
  if (!isNode(from) || from['type'] === 'EMPTY') throw sqlError(source, 'GRUE-SQL-005', at, 'the SELECT reads no stream', streamsOnly);
  if (from['type'] === 'JOIN')
    throw sqlError(source, 'GRUE-SQL-004', at, 'a join needs more than one record, which the embedded engine does not have', useFlink);
  if (from['type'] === 'SUBQUERY') throw refused(source, from, 'a query inside FROM');
  if (from['type'] === 'TABLE_FUNCTION') {
    const name = isNode(from['function']) ? text(from['function']['function_name']) : '';
    throw sqlError(source, 'GRUE-SQL-005', at, `${name}() is not a stream`, streamsOnly);
  }
  if (from['type'] !== 'BASE_TABLE') throw sqlError(source, 'GRUE-SQL-005', at, 'the SELECT reads something else than a stream', streamsOnly);
  const input = text(from['table_name']);
  const whole = [from['catalog_name'], from['schema_name'], input].map(text).filter((part) => part !== '');
  if (whole.length > 1 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(input))
    throw sqlError(source, 'GRUE-SQL-005', at, `${JSON.stringify(whole.join('.'))} is not the name of a stream`, streamsOnly);
  onlyKeys(source, from, ['table_name'], 'a stream');
  const alias = text(from['alias']);
  return { input, relation: alias === '' ? input : alias, at };
}

function readItem(scope: Scope, item: Node): SelectItem {
  if (item['class'] !== 'STAR') {
    const expression = readExpression(scope, item);
    const alias = text(item['alias']);
    return { kind: 'Expression', expression, name: alias === '' ? expression.column : alias };
  }
  const relation = text(item['relation_name']);
  if (relation !== '' && relation !== scope.relation)
    throw sqlError(scope, 'GRUE-SQL-003', locationOf(item), `${relation}.* does not exist here`, `the only stream here is ${scope.relation}`);
  onlyKeys(scope, item, ['relation_name', 'exclude_list'], '*');
  const exclude = Array.isArray(item['exclude_list']) ? item['exclude_list'].map(text) : [];
  return { kind: 'Star', exclude, at: locationOf(item) };
}

const usesOf = ({ items, where }: Branch): readonly ColumnUse[] => [
  ...items.flatMap((item) => (item.kind === 'Star' ? [] : item.expression.columns)),
  ...(where?.columns ?? []),
];

/** What the operator wants to know of a statement without knowing the streams. */
export function outlineOf({ output, branches }: Statement): SqlOutline {
  const inputs = [...new Set(branches.map(({ input }) => input))];
  const columns = new Map<string, readonly string[] | undefined>();
  for (const input of inputs) {
    const readers = branches.filter((branch) => branch.input === input);
    const all = readers.some(({ items }) => items.some(({ kind }) => kind === 'Star'));
    columns.set(input, all ? undefined : [...new Set(readers.flatMap(usesOf).map(({ name }) => name))]);
  }
  return { output, inputs, canonical: `INSERT INTO ${identifier(output)} ${branches.map(canonicalBranch).join(' UNION ALL ')}`, columns };
}

function canonicalBranch({ input, items, where }: Branch): string {
  const list = items.map((item) => {
    if (item.kind === 'Star') return item.exclude.length === 0 ? '*' : `* EXCLUDE (${item.exclude.map(identifier).join(', ')})`;
    const { expression, name } = item;
    return name === undefined || name === expression.column ? expression.text : `${expression.text} AS ${identifier(name)}`;
  });
  return `SELECT ${list.join(', ')} FROM ${identifier(input)}${where === undefined ? '' : ` WHERE ${where.text}`}`;
}
