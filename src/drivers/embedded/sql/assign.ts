import type { FieldType, ScalarType } from '../../../records/field-types.ts';
import type { Constant } from './expression.ts';

/**
 * What may stand in a column without a CAST: what loses nothing, and what the SQL standard assigns (an exact number to DOUBLE).
 * Everything that can lose digits, time zones or the ability to be read back needs a CAST, so that the loss stands in the user's SQL.
 */

const bits = { TINYINT: 8, SMALLINT: 16, INTEGER: 32, BIGINT: 64, HUGEINT: 128 } as const;
const integerDigits = { TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19, HUGEINT: 38 } as const;
const unsigned: Readonly<Record<string, keyof typeof bits>> = { UTINYINT: 'SMALLINT', USMALLINT: 'INTEGER', UINTEGER: 'BIGINT', UBIGINT: 'HUGEINT' };
const targetBits = { TINYINT: 8, SMALLINT: 16, INT: 32, BIGINT: 64 } as const;

/** @param from type of the expression as the embedded engine names it @param constant the expression itself, if it is NULL or a whole number */
export function assignable(from: string, to: FieldType, constant: Constant | undefined): boolean {
  if (constant === 'NULL') return true;
  if (to.name === 'ARRAY') return from.endsWith('[]') && assignable(from.slice(0, -2), to.element, undefined);
  return scalarAssignable(from, to, constant);
}

function scalarAssignable(from: string, to: ScalarType, constant: bigint | undefined): boolean {
  const integer = Object.hasOwn(bits, from) ? (from as keyof typeof bits) : unsigned[from];
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(from);
  switch (to.name) {
    case 'BOOLEAN':
    case 'DATE':
      return from === to.name;
    case 'STRING':
      return from === 'VARCHAR' || from === 'JSON';
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
      if (constant !== undefined) return BigInt.asIntN(targetBits[to.name], constant) === constant;
      return integer !== undefined && bits[integer] <= targetBits[to.name];
    case 'FLOAT':
      return from === 'FLOAT' || integer === 'TINYINT' || integer === 'SMALLINT' || decimal !== null;
    case 'DOUBLE':
      return from === 'DOUBLE' || from === 'FLOAT' || integer !== undefined || decimal !== null;
    case 'DECIMAL':
      if (constant !== undefined) return String(constant).replace('-', '').length <= to.precision - to.scale;
      if (integer !== undefined) return integerDigits[integer] <= to.precision - to.scale;
      return decimal !== null && Number(decimal[2]) <= to.scale && Number(decimal[1]) - Number(decimal[2]) <= to.precision - to.scale;
    case 'TIMESTAMP':
      return from === 'DATE' || /^TIMESTAMP(_S|_MS)?$/.test(from);
    case 'TIMESTAMP_LTZ':
      return from === 'TIMESTAMP WITH TIME ZONE' || from === 'TIMESTAMPTZ';
  }
}
