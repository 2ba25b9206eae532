import { isNode, text } from './tree.ts';

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const stringLiteral = (value: string): string => `'${value.replaceAll("'", "''")}'`;

const integers = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT']);

/** The value of a constant node as SQL; undefined if its type is not known. Numbers in it are text: see `parseTree`. */
export function literal(constant: unknown): string | undefined {
  if (!isNode(constant) || !isNode(constant['type'])) return undefined;
  const { value, type } = constant;
  const id = text(type['id']);
  if (constant['is_null'] === true) return id === 'NULL' ? 'NULL' : undefined;
  if (id === 'VARCHAR') return typeof value === 'string' ? stringLiteral(value) : undefined;
  if (id === 'BOOLEAN') return value === true ? 'TRUE' : value === false ? 'FALSE' : undefined;
  if (id === 'DOUBLE')
    return typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value) ? signed(/[eE]/.test(value) ? value : `${value}e0`) : undefined;
  const digits = wholeDigits(value);
  if (digits === undefined) return undefined;
  if (integers.has(id)) return signed(digits);
  const info = type['type_info'];
  return id === 'DECIMAL' && isNode(info) ? signed(withPoint(digits, Number(info['scale'] ?? 0))) : undefined;
}

const signed = (number: string): string => (number.startsWith('-') ? `(${number})` : number);

/** Above 64 bits the tree holds two halves. */
function wholeDigits(value: unknown): string | undefined {
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return value;
  if (!isNode(value)) return undefined;
  const upper = value['upper'] ?? '0';
  const lower = value['lower'] ?? '0';
  return typeof upper === 'string' && typeof lower === 'string' && /^-?\d+$/.test(upper) && /^\d+$/.test(lower)
    ? String((BigInt(upper) << 64n) + BigInt(lower))
    : undefined;
}

function withPoint(digits: string, scale: number): string {
  if (scale === 0) return `${digits}.`;
  const sign = digits.startsWith('-') ? '-' : '';
  const padded = digits.slice(sign.length).padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}
