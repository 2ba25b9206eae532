import { numberText, plainNumber } from './exact-json.ts';
import type { FieldType } from './field-types.ts';

/**
 * The one text of a key value, equal for equal values however they were written. The embedded engine produces the same texts in SQL
 * (src/worker/transform/values.ts); a property test holds the two together.
 */

const ranges = { TINYINT: 8n, SMALLINT: 16n, INT: 32n, BIGINT: 64n } as const;

/** Types whose values identify: floating numbers and arrays have no one text. */
export type KeyType = Exclude<FieldType, { readonly name: 'FLOAT' | 'DOUBLE' | 'ARRAY' }>;

export const isKeyType = (type: FieldType): type is KeyType => type.name !== 'FLOAT' && type.name !== 'DOUBLE' && type.name !== 'ARRAY';

/** @returns undefined if the JSON value does not fit the type */
export function canonicalText(type: KeyType, value: unknown): string | undefined {
  switch (type.name) {
    case 'BOOLEAN':
      return typeof value === 'boolean' ? String(value) : undefined;
    case 'STRING':
      return typeof value === 'string' ? value : undefined;
    case 'DATE':
      return typeof value === 'string' ? dateText(value) : undefined;
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return typeof value === 'string' ? timestampText(value, type.precision, type.name === 'TIMESTAMP_LTZ') : undefined;
    case 'DECIMAL':
      return decimalText(typeof value === 'string' ? plainDigits(value) : plainNumber(numberText(value) ?? ''), type.precision, type.scale);
    default:
      return integerText(type.name, value);
  }
}

const plainDigits = (text: string): string | undefined => (/^-?\d{1,38}(\.\d{1,38})?$/.test(text) ? plainNumber(text) : undefined);

function integerText(name: keyof typeof ranges, value: unknown): string | undefined {
  const written = typeof value === 'string' ? (name === 'BIGINT' && /^-?\d{1,19}$/.test(value) ? value : undefined) : numberText(value);
  if (written === undefined) return undefined;
  const digits = plainNumber(written);
  if (digits === undefined || digits.includes('.')) return undefined;
  const whole = BigInt(digits);
  // Written with a point or an exponent, or in full but as a double, it is exact only so far.
  if ((typeof value === 'number' || !/^-?\d+$/.test(written)) && (whole > Number.MAX_SAFE_INTEGER || whole < Number.MIN_SAFE_INTEGER)) return undefined;
  return BigInt.asIntN(Number(ranges[name]), whole) === whole ? digits : undefined;
}

function decimalText(plain: string | undefined, precision: number, scale: number): string | undefined {
  if (plain === undefined) return undefined;
  const [whole = '', fraction = ''] = plain.split('.');
  const magnitude = whole.replace(/^-?0?/, '');
  if (fraction.length > scale || magnitude.length > precision - scale) return undefined;
  return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`;
}

const isoDate = /^(\d{4})-(\d{2})-(\d{2})$/;
const isoTimestamp = /^(\d{4}-\d{2}-\d{2})[T ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?$/;

function dayMilliseconds(text: string): number | undefined {
  const match = isoDate.exec(text);
  if (match === null) return undefined;
  const date = new Date(`${text}T00:00:00Z`);
  // JavaScript rolls 30 February over to March.
  return match[1] === '0000' || Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text ? undefined : date.getTime();
}

const dateText = (text: string): string | undefined => (dayMilliseconds(text) === undefined ? undefined : text);

function timestampText(text: string, precision: number, local: boolean): string | undefined {
  const match = isoTimestamp.exec(text);
  if (match === null) return undefined;
  const [, date = '', hours, minutes, seconds, fraction = '', zone = 'Z'] = match;
  const day = dayMilliseconds(date);
  const digits = fraction.replace(/0+$/, '');
  if (day === undefined || digits.length > precision) return undefined;
  const offset = zone === 'Z' ? 0 : offsetMinutes(zone);
  if (offset === undefined || (offset !== 0 && !local) || (!local && zone !== 'Z')) return undefined;
  const moment = new Date(day + ((Number(hours) * 60 + Number(minutes) - offset) * 60 + Number(seconds)) * 1000);
  const iso = moment.toISOString();
  if (!/^(?!0000)\d{4}-/.test(iso)) return undefined;
  return `${iso.slice(0, 19)}${digits === '' ? '' : `.${digits}`}${local ? 'Z' : ''}`;
}

/** Offsets in use go up to 14 hours; the embedded engine takes up to 15:59. */
function offsetMinutes(zone: string): number | undefined {
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number);
  if (hours > 15 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
