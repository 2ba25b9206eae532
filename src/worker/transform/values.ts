import type { KeyType } from '../../records/canonical.ts';
import { duckdbType, exactNumberDigits, type FieldType, type ScalarType } from '../../records/field-types.ts';
import { typeTags } from '../../records/identity.ts';

/**
 * How the values of each type are read from JSON, judged and written again, as SQL. A value is read as text and cast: reading it straight
 * into its type would make 2 of 1.7 and NULL of "abc" without a word.
 */
export interface ValueSql {
  /** The value, or NULL where the text does not give one. */
  readonly value: string;
  /** True if a text that is there does not give exactly this value; otherwise false. Of a text that is NULL it says nothing. */
  readonly misfit: string;
}

/** @param text SQL of the value's JSON as text (unquoted) @param kind SQL of its JSON type */
export function readValue(type: FieldType, text: string, kind: string): ValueSql {
  if (type.name === 'ARRAY') return readArray(type.element, text, kind);
  const value = type.name === 'STRING' ? text : `TRY_CAST(${text} AS ${duckdbType(type)})`;
  return { value, misfit: misfitScalar(type, value, text, kind) };
}

/** Short on purpose: each node of an expression costs the engine some kilobytes to set up for every batch, however small. */
function misfitScalar(type: ScalarType, value: string, text: string, kind: string): string {
  const notWhole = `${kind} NOT IN ('UBIGINT', 'BIGINT')`;
  switch (type.name) {
    case 'BOOLEAN':
      return `${kind} <> 'BOOLEAN'`;
    case 'STRING':
      return `${kind} <> 'VARCHAR'`;
    case 'FLOAT':
    case 'DOUBLE':
      return `(${kind} NOT IN ('UBIGINT', 'BIGINT', 'DOUBLE') OR NOT coalesce(isfinite(${value}), false))`;
    case 'DECIMAL': {
      // Longer numbers have become strings before (exact-json.ts), so what is a double here is exact.
      const digits = `regexp_full_match(${text}, '-?[0-9]{1,38}(\\.${fraction(type.scale)})?')`;
      return `(${value} IS NULL OR (${notWhole} AND NOT (${kind} = 'DOUBLE' AND ${value}::DOUBLE = TRY_CAST(${text} AS DOUBLE)) AND NOT (${kind} = 'VARCHAR' AND ${digits})))`;
    }
    case 'DATE':
      return `(${kind} <> 'VARCHAR' OR ${value}::VARCHAR IS DISTINCT FROM ${text})`;
    case 'TIMESTAMP': {
      // The year 0 is the only one that the pattern lets through and that is not written with four digits.
      return `(${kind} <> 'VARCHAR' OR ${value} IS NULL OR ${text} < '0001' OR NOT regexp_full_match(${text}, '${isoPattern(type.precision)}Z?'))`;
    }
    case 'TIMESTAMP_LTZ': {
      const years = `${value} >= TIMESTAMP '0001-01-01' AND ${value} < TIMESTAMP '10000-01-01'`;
      return `(${kind} <> 'VARCHAR' OR NOT coalesce(${years}, false) OR NOT regexp_full_match(${text}, '${isoPattern(type.precision)}(Z|[+-](0[0-9]|1[0-5]):[0-5][0-9])?'))`;
    }
    default: {
      const throughDouble = `(${kind} = 'DOUBLE' AND ${text} LIKE '%.0' AND abs(TRY_CAST(${text} AS DOUBLE)) <= ${Number.MAX_SAFE_INTEGER})`;
      const digits = type.name === 'BIGINT' ? ` AND NOT (${kind} = 'VARCHAR' AND regexp_full_match(${text}, '-?[0-9]{1,19}'))` : '';
      return `(${value} IS NULL OR (${notWhole} AND NOT ${throughDouble}${digits}))`;
    }
  }
}

const isoPattern = (precision: number): string => `[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.${fraction(precision)})?`;

/** A pattern of digits of which all beyond the given number are zeros. */
const fraction = (digits: number): string => (digits === 0 ? '0+' : `[0-9]{1,${digits}}0*`);

function readArray(element: ScalarType, text: string, kind: string): ValueSql {
  const array = `CASE WHEN ${kind} = 'ARRAY' THEN ${text} END`;
  const texts = `json_extract_string(${array}, '$[*]')`;
  const { value } = readValue(element, 'e', "''");
  const { misfit } = readValue(element, 'z[1]', 'z[2]');
  return {
    value: element.name === 'STRING' ? texts : `list_transform(${texts}, lambda e: ${value})`,
    misfit: `(${kind} <> 'ARRAY' OR coalesce(len(list_filter(list_zip(${texts}, json_type(${array}, '$[*]')), lambda z: z[1] IS NOT NULL AND ${misfit})), 1) > 0)`,
  };
}

/** A value in the form in which it goes into JSON; the counterpart of {@link readValue}. */
export function jsonValue(type: FieldType, value: string): string {
  switch (type.name) {
    case 'ARRAY': {
      const element = jsonValue(type.element, 'e');
      return element === 'e' ? value : `list_transform(${value}, lambda e: ${element})`;
    }
    // As it prints: 0.1, and not the double nearest to it.
    case 'FLOAT':
      return `${value}::VARCHAR::DOUBLE`;
    case 'DECIMAL':
      if (type.precision > exactNumberDigits) return `${value}::VARCHAR`;
      return type.scale === 0 ? `${value}::BIGINT` : value;
    case 'DATE':
      return `${value}::VARCHAR`;
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return timestampText(type.name, value);
    default:
      return value;
  }
}

const timestampText = (name: 'TIMESTAMP' | 'TIMESTAMP_LTZ', value: string): string =>
  name === 'TIMESTAMP' ? `replace(${value}::VARCHAR, ' ', 'T')` : `replace((${value} AT TIME ZONE 'UTC')::VARCHAR, ' ', 'T') || 'Z'`;

/** The one text of a key value: the same as `canonicalText` of src/records/canonical.ts. */
export const keyText = (type: KeyType, value: string): string =>
  type.name === 'TIMESTAMP' || type.name === 'TIMESTAMP_LTZ' ? timestampText(type.name, value) : `${value}::VARCHAR`;

/** A key value as it stands in the JSON of a record's key: the same as `keyJson` of src/records/identity.ts. */
export const keyJsonValue = (type: KeyType, value: string): string => (typeTags[type.name] === 'i' || type.name === 'BOOLEAN' ? value : keyText(type, value));

/** Why a computed value cannot be written to a field of the type although the cast succeeded; undefined if nothing can go wrong. */
export function unwritable(type: FieldType, value: string): string | undefined {
  switch (type.name) {
    case 'ARRAY': {
      const inner = unwritable(type.element, 'e');
      return inner === undefined ? undefined : `len(list_filter(${value}, lambda e: ${inner})) > 0`;
    }
    case 'FLOAT':
    case 'DOUBLE':
      return `NOT isfinite(${value})`;
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ': {
      const outside = `${value} < TIMESTAMP '0001-01-01' OR ${value} >= TIMESTAMP '10000-01-01'`;
      return type.precision === 6 ? outside : `${outside} OR epoch_us(${value}) % ${10 ** (6 - type.precision)} <> 0`;
    }
    case 'DATE':
      return `${value} < DATE '0001-01-01' OR ${value} >= DATE '10000-01-01'`;
    default:
      return undefined;
  }
}
