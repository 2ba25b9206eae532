import { functions, operators, refusalOf } from './functions.ts';
import { identifier, literal } from './literals.ts';
import { isNode, locationOf, type Node, nodes, onlyKeys, type Source, sqlError, startOf, text, useFlink } from './tree.ts';
import { typeText } from './types.ts';

/** A column that an expression uses, and where. */
export interface ColumnUse {
  readonly name: string;
  /** Byte offset in the user's text. */
  readonly at: number | undefined;
}

/** An expression as text that holds nothing but what this file knows how to write: the allow-list is the printer. */
export interface Expression {
  readonly text: string;
  readonly columns: readonly ColumnUse[];
  readonly at: number | undefined;
  /** Set if the expression is a column and nothing else. */
  readonly column?: string;
  /** Set if the expression is a whole number, or NULL, and nothing else: the engine gives these a type of its own choice. */
  readonly constant?: Constant;
}

export type Constant = bigint | 'NULL';

export interface Scope extends Source {
  /** What columns may be qualified with: the name of the stream or its alias. */
  readonly relation: string;
}

const comparisons: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: '=',
  COMPARE_NOTEQUAL: '<>',
  COMPARE_LESSTHAN: '<',
  COMPARE_GREATERTHAN: '>',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHANOREQUALTO: '>=',
  COMPARE_DISTINCT_FROM: 'IS DISTINCT FROM',
  COMPARE_NOT_DISTINCT_FROM: 'IS NOT DISTINCT FROM',
};

const refusedClasses: Readonly<Record<string, string>> = {
  SUBQUERY: 'a query inside an expression',
  WINDOW: 'a window function (OVER)',
  LAMBDA: 'a lambda (->)',
  PARAMETER: 'a parameter',
  COLLATE: 'COLLATE',
  DEFAULT: 'DEFAULT',
  POSITIONAL_REFERENCE: 'a column by its number',
  STAR: 'a * inside an expression',
};

/** The parser itself stops at this depth. */
const deepest = 1000;

/** Reads an expression of the syntax tree. @throws GrueError GRUE-SQL-003, GRUE-SQL-004 */
export function readExpression(scope: Scope, root: Node): Expression {
  const columns: ColumnUse[] = [];
  const body = write(root, 0);
  const at = startOf(root);
  const column = root['class'] === 'COLUMN_REF' ? columns[0]?.name : undefined;
  const constant = root['class'] === 'CONSTANT' ? constantOf(body) : undefined;
  return { text: body, columns, at, ...(column === undefined ? {} : { column }), ...(constant === undefined ? {} : { constant }) };

  function refuse(node: Node, what: string, fix = useFlink): never {
    throw sqlError(scope, 'GRUE-SQL-004', locationOf(node), `${what} is not supported by the embedded engine`, fix);
  }

  function write(value: unknown, depth: number): string {
    if (!isNode(value)) throw sqlError(scope, 'GRUE-SQL-004', undefined, 'the expression is not understood', useFlink);
    if (depth > deepest) refuse(value, 'an expression nested this deep', 'make the expression simpler');
    const one = (child: unknown): string => write(child, depth + 1);
    const all = (children: unknown): readonly string[] => nodes(children).map(one);
    switch (value['class']) {
      case 'COLUMN_REF':
        return columnRef(value);
      case 'CONSTANT':
        onlyKeys(scope, value, ['value'], 'a constant');
        return literal(value['value']) ?? refuse(value, 'a constant of this type');
      case 'FUNCTION':
        return call(value, all(value['children']));
      case 'COMPARISON': {
        onlyKeys(scope, value, ['left', 'right'], 'a comparison');
        const operator = comparisons[text(value['type'])] ?? refuse(value, 'this comparison');
        return `(${one(value['left'])} ${operator} ${one(value['right'])})`;
      }
      case 'CONJUNCTION':
        onlyKeys(scope, value, ['children'], 'a condition');
        return `(${all(value['children']).join(value['type'] === 'CONJUNCTION_OR' ? ' OR ' : ' AND ')})`;
      case 'BETWEEN':
        onlyKeys(scope, value, ['input', 'lower', 'upper'], 'BETWEEN');
        return `(${one(value['input'])} BETWEEN ${one(value['lower'])} AND ${one(value['upper'])})`;
      case 'OPERATOR':
        onlyKeys(scope, value, ['children'], 'an operator');
        return operator(value, all(value['children']));
      case 'CASE': {
        onlyKeys(scope, value, ['case_checks', 'else_expr'], 'CASE');
        const branches = nodes(value['case_checks']).map((check) => `WHEN ${one(check['when_expr'])} THEN ${one(check['then_expr'])}`);
        return `CASE ${branches.join(' ')} ELSE ${one(value['else_expr'])} END`;
      }
      case 'CAST': {
        onlyKeys(scope, value, ['child', 'cast_type', 'try_cast'], 'CAST');
        const type = typeText(value['cast_type']) ?? refuse(value, 'a CAST to this type', 'cast to one of the field types');
        return `${value['try_cast'] === true ? 'TRY_CAST' : 'CAST'}(${one(value['child'])} AS ${type})`;
      }
      default:
        return refuse(value, refusedClasses[text(value['class'])] ?? 'this expression');
    }
  }

  function columnRef(node: Node): string {
    onlyKeys(scope, node, ['column_names'], 'a column');
    const path = Array.isArray(node['column_names']) ? node['column_names'].map(text) : [];
    const name = path.at(-1) ?? '';
    if (path.length > 2 || (path.length === 2 && path[0] !== scope.relation))
      throw sqlError(
        scope,
        'GRUE-SQL-003',
        locationOf(node),
        `${path.join('.')} does not exist here`,
        `the columns are those of ${scope.relation}; fields have no parts`,
      );
    columns.push({ name, at: locationOf(node) });
    return identifier(name);
  }

  function call(node: Node, args: readonly string[]): string {
    onlyKeys(scope, node, ['function_name', 'schema', 'children', 'order_bys', 'is_operator'], 'a function call');
    const name = text(node['function_name']).toLowerCase();
    if (isNode(node['order_bys']) && nodes(node['order_bys']['orders']).length > 0) refuse(node, 'ORDER BY inside a function');
    const allowed = node['is_operator'] === true ? operators : functions;
    if (!allowed.has(name) || (node['schema'] !== undefined && node['schema'] !== 'main')) {
      const { message, fix } = refusalOf(name);
      throw sqlError(scope, 'GRUE-SQL-004', locationOf(node), message, fix);
    }
    if (name === 'mod' || name === '%' || name === '//') return guarded(name, args);
    if (node['is_operator'] !== true) return `${name}(${args.join(', ')})`;
    return args.length === 1 ? `(${name} ${args[0]})` : `(${args.join(` ${name} `)})`;
  }

  /**
   * A division by zero among whole numbers is NULL in the embedded engine: a value would vanish silently. It fails here instead, by
   * a cast that cannot succeed (the engine's own error() counts as volatile and may not stand in the TRY that all expressions run in).
   */
  function guarded(name: string, args: readonly string[]): string {
    const [dividend = '', divisor = ''] = args;
    const division = `(${dividend} ${name === 'mod' ? '%' : name} ${divisor})`;
    if (/^\d*[1-9]\d*$/.test(divisor)) return division;
    return `CASE WHEN ${divisor} = 0 THEN CAST('division by zero: ' || CAST(${divisor} AS VARCHAR) AS TINYINT) ELSE ${division} END`;
  }

  function operator(node: Node, args: readonly string[]): string {
    const [first = '', ...rest] = args;
    switch (node['type']) {
      case 'OPERATOR_NOT':
        return `(NOT ${first})`;
      case 'OPERATOR_IS_NULL':
        return `(${first} IS NULL)`;
      case 'OPERATOR_IS_NOT_NULL':
        return `(${first} IS NOT NULL)`;
      case 'COMPARE_IN':
        return `(${first} IN (${rest.join(', ')}))`;
      case 'COMPARE_NOT_IN':
        return `(${first} NOT IN (${rest.join(', ')}))`;
      case 'OPERATOR_COALESCE':
        return `COALESCE(${args.join(', ')})`;
      case 'ARRAY_EXTRACT':
        return `${first}[${rest[0] ?? ''}]`;
      default:
        return refuse(node, `the operator ${text(node['type']).toLowerCase().replaceAll('_', ' ')}`);
    }
  }
}

const constantOf = (literal: string): Constant | undefined =>
  literal === 'NULL' ? literal : /^\(?-?\d+\)?$/.test(literal) ? BigInt(literal.replace(/[()]/g, '')) : undefined;
