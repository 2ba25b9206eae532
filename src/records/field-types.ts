import { GrueError } from '../api/errors.ts';

export type ScalarType =
  | { readonly name: 'BOOLEAN' | 'TINYINT' | 'SMALLINT' | 'INT' | 'BIGINT' | 'STRING' | 'DATE' }
  | { readonly name: 'FLOAT' | 'DOUBLE' }
  | { readonly name: 'DECIMAL'; readonly precision: number; readonly scale: number }
  | { readonly name: 'TIMESTAMP' | 'TIMESTAMP_LTZ'; readonly precision: number };

export type FieldType = ScalarType | { readonly name: 'ARRAY'; readonly element: ScalarType };

/** A field of a stream with its type read. */
export interface TypedField {
  readonly name: string;
  readonly type: FieldType;
}

interface Counterpart<T> {
  /** Type in the embedded engine. */
  duckdb(type: T): string;
  /** Mapping in Elasticsearch. */
  elasticsearch(type: T): Readonly<Record<string, unknown>>;
  /** How a value must look in the JSON of a record, for people. Grue writes the first of the forms. */
  readonly json: string;
}

const fixed = (duckdb: string, elasticsearch: Readonly<Record<string, unknown>>, json: string): Counterpart<unknown> => ({
  duckdb: () => duckdb,
  elasticsearch: () => elasticsearch,
  json,
});

/**
 * Up to this many digits a decimal survives as a JSON number in every reader (they mostly make it a double); longer ones are written as
 * strings of digits.
 */
export const exactNumberDigits = 15;

/** A Lucene term has at most 32,766 bytes, and a character has at most four in UTF-8: longer strings stay in the document and are not searchable. */
const longestKeyword = 8191;

const timestampMapping = ({ precision }: { readonly precision: number }): Readonly<Record<string, unknown>> =>
  precision <= 3 ? { type: 'date', format: 'strict_date_optional_time' } : { type: 'date_nanos', format: 'strict_date_optional_time_nanos' };

/** The one documented counterpart of each type. */
export const counterparts = {
  BOOLEAN: fixed('BOOLEAN', { type: 'boolean' }, 'true or false'),
  TINYINT: fixed('TINYINT', { type: 'byte' }, 'a whole number from -128 to 127'),
  SMALLINT: fixed('SMALLINT', { type: 'short' }, 'a whole number from -32,768 to 32,767'),
  INT: fixed('INTEGER', { type: 'integer' }, 'a whole number of 32 bits'),
  BIGINT: fixed('BIGINT', { type: 'long' }, 'a whole number of 64 bits, or a string of its digits'),
  FLOAT: fixed('FLOAT', { type: 'float' }, 'a finite number'),
  DOUBLE: fixed('DOUBLE', { type: 'double' }, 'a finite number'),
  STRING: fixed('VARCHAR', { type: 'keyword', ignore_above: longestKeyword }, 'a string'),
  DATE: fixed('DATE', { type: 'date', format: 'strict_date' }, 'a string such as "2020-12-31"'),
  // Elasticsearch has no decimals: searches see the nearest double, and the exact value is what stands in _source.
  DECIMAL: {
    duckdb: ({ precision, scale }) => `DECIMAL(${precision},${scale})`,
    elasticsearch: () => ({ type: 'double' }),
    json: `a number or a string of digits, without digits beyond its scale; written as a string when its precision is above ${exactNumberDigits}`,
  } satisfies Counterpart<{ readonly precision: number; readonly scale: number }>,
  // date_nanos, needed above milliseconds, ends at the years 1970 and 2262: Elasticsearch refuses documents outside.
  TIMESTAMP: {
    duckdb: () => 'TIMESTAMP',
    elasticsearch: timestampMapping,
    json: 'a string such as "2020-12-31T23:59:59.123", also with a space for the T or a Z at the end, without digits beyond its precision',
  } satisfies Counterpart<{ readonly precision: number }>,
  TIMESTAMP_LTZ: {
    duckdb: () => 'TIMESTAMPTZ',
    elasticsearch: timestampMapping,
    json: 'a string such as "2020-12-31T23:59:59.123Z", also with an offset such as +01:00 (without one it is UTC), without digits beyond its precision',
  } satisfies Counterpart<{ readonly precision: number }>,
};

const typeText =
  /^(?:(BOOLEAN|TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|STRING|DATE)|DECIMAL\((\d{1,2}), ?(\d{1,2})\)|(TIMESTAMP(?:_LTZ)?)(?:\(([0-6])\))?|ARRAY<([^<>]+)>)$/;

/** @throws GrueError GRUE-API-005 for a type that has no faithful counterpart */
export function parseFieldType(text: string): FieldType {
  const match = typeText.exec(text);
  if (match === null)
    throw new GrueError('GRUE-API-005', `the type ${text} is not supported`, {
      fix: 'use one of BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p,s), STRING, DATE, TIMESTAMP(p), TIMESTAMP_LTZ(p), or ARRAY<one of these>',
    });
  const [, plain, precision, scale, timestamp, fraction, element] = match;
  if (plain !== undefined) return { name: plain } as ScalarType;
  if (precision !== undefined) return decimal(Number(precision), Number(scale));
  // Flink's default is microseconds.
  if (timestamp !== undefined) return { name: timestamp as 'TIMESTAMP' | 'TIMESTAMP_LTZ', precision: Number(fraction ?? 6) };
  const type = parseFieldType(element ?? '');
  if (type.name === 'ARRAY')
    throw new GrueError('GRUE-API-005', `the type ${text} is not supported`, { fix: 'arrays of arrays have no counterpart: use ARRAY of a simple type' });
  return { name: 'ARRAY', element: type };
}

function decimal(precision: number, scale: number): ScalarType {
  if (precision < 1 || precision > 38 || scale > precision)
    throw new GrueError('GRUE-API-005', `the type DECIMAL(${precision},${scale}) is not supported`, {
      fix: 'the precision is from 1 to 38, and the scale at most the precision',
    });
  return { name: 'DECIMAL', precision, scale };
}

export const parseFields = (fields: readonly { readonly name: string; readonly type: string }[]): readonly TypedField[] =>
  fields.map(({ name, type }) => ({ name, type: parseFieldType(type) }));

/** The type as Flink writes it. */
export function formatFieldType(type: FieldType): string {
  switch (type.name) {
    case 'ARRAY':
      return `ARRAY<${formatFieldType(type.element)}>`;
    case 'DECIMAL':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return `${type.name}(${type.precision})`;
    default:
      return type.name;
  }
}

/** The type in the embedded engine. */
export function duckdbType(type: FieldType): string {
  switch (type.name) {
    case 'ARRAY':
      return `${duckdbType(type.element)}[]`;
    case 'DECIMAL':
      return counterparts.DECIMAL.duckdb(type);
    default:
      return counterparts[type.name].duckdb(type as never);
  }
}

/** The mapping in Elasticsearch. An array needs none of its own: every field there may hold several values. */
export function elasticsearchMapping(type: FieldType): Readonly<Record<string, unknown>> {
  return type.name === 'ARRAY' ? elasticsearchMapping(type.element) : counterparts[type.name].elasticsearch(type as never);
}

/** What the JSON must hold, for error messages. */
export const expectedJson = (type: FieldType): string =>
  type.name === 'ARRAY' ? `an array, each of its elements ${counterparts[type.element.name].json}` : counterparts[type.name].json;
