import { GrueError } from '../../../api/errors.ts';
import { positionAt } from './position.ts';

/** A node of the parser's syntax tree, as it comes: nothing in it is trusted before it has been looked at. */
export type Node = Readonly<Record<string, unknown>>;

export const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);

export const nodes = (value: unknown): readonly Node[] => (Array.isArray(value) ? value.filter(isNode) : []);

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Byte offset of a node in the text, or of the first thing below it that knows its own. */
export function locationOf(node: unknown): number | undefined {
  return isNode(node) && typeof node['query_location'] === 'number' ? node['query_location'] : startOf(node);
}

/** Byte offset where an expression begins: that of `a + b` is the `+`, but it begins at `a`. */
export function startOf(node: unknown): number | undefined {
  if (Array.isArray(node)) return least(node.map(startOf));
  if (!isNode(node)) return undefined;
  return least([node['query_location'], ...Object.values(node).map(startOf)]);
}

const least = (locations: readonly unknown[]): number | undefined =>
  locations.reduce<number | undefined>((a, b) => (typeof b === 'number' && (a === undefined || b < a) ? b : a), undefined);

/** Makes errors that know where in the user's text they are. */
export interface Source {
  readonly sql: string;
}

export type SqlErrorCode = 'GRUE-SQL-001' | 'GRUE-SQL-002' | 'GRUE-SQL-003' | 'GRUE-SQL-004' | 'GRUE-SQL-005' | 'GRUE-SQL-006' | 'GRUE-SQL-007';

export function sqlError(source: Source, code: SqlErrorCode, at: number | undefined, message: string, fix: string): GrueError {
  return new GrueError(code, message, at === undefined ? { fix } : { at: positionAt(source.sql, at), fix });
}

/** Refuses a node that says more than the known keys: a part that is not understood could change the meaning. */
export function onlyKeys(source: Source, node: Node, keys: readonly string[], what: string): void {
  const strange = Object.keys(node).find((key) => !keys.includes(key) && !common.includes(key));
  if (strange !== undefined)
    throw sqlError(source, 'GRUE-SQL-004', locationOf(node), `${what} with ${strange.replaceAll('_', ' ')} is not supported`, useFlink);
}

const common = ['class', 'type', 'alias', 'query_location'];

export const useFlink = 'leave it out, or use Flink (engine: flink) for this';
