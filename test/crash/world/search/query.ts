import { GrueError } from '../../../../src/api/errors.ts';
import type { Json } from './index.ts';

/** Whether a document matches: the few kinds of query that stand in the filters of aliases. */
export function matches(query: Json, source: Json): boolean {
  const [[kind, body] = ['match_all', {}]] = Object.entries(query);
  const clause = body as Json;
  switch (kind) {
    case 'match_all':
      return true;
    case 'term':
      return Object.entries(clause).every(([field, wanted]) => isOneOf(source, field, [termOf(wanted)]));
    case 'terms':
      return Object.entries(clause).every(([field, wanted]) => isOneOf(source, field, wanted as readonly unknown[]));
    case 'exists':
      return valueAt(source, String(clause['field'])) !== undefined;
    case 'bool':
      return matchesAll(clause, source);
    default:
      throw new GrueError('GRUE-ES-006', `searching: the query ${kind} is not simulated`);
  }
}

function matchesAll(clause: Json, source: Json): boolean {
  const of = (name: string): readonly Json[] => [(clause[name] ?? []) as Json | readonly Json[]].flat();
  const should = of('should');
  return (
    [...of('must'), ...of('filter')].every((query) => matches(query, source)) &&
    !of('must_not').some((query) => matches(query, source)) &&
    (should.length === 0 || should.some((query) => matches(query, source)))
  );
}

const termOf = (wanted: unknown): unknown => (typeof wanted === 'object' && wanted !== null ? (wanted as Json)['value'] : wanted);

const isOneOf = (source: Json, field: string, wanted: readonly unknown[]): boolean =>
  [valueAt(source, field) ?? []].flat().some((value) => wanted.some((one) => String(one) === String(value)));

function valueAt(source: Json, field: string): unknown {
  let value: unknown = source;
  for (const part of field.split('.')) value = (value as Json | undefined | null)?.[part];
  return value ?? undefined;
}
