/** A number that a JavaScript number may not hold exactly, as it stood in the text. */
export interface NumberText {
  readonly rawJSON: string;
}

// Standard since ES2026 and in Node 24, but not yet in the compiler's library.
const exact = JSON as unknown as {
  rawJSON(text: string): NumberText;
  isRawJSON(value: unknown): value is NumberText;
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
};

/** Sixteen digits (or digits and a point) in a row: below that every number survives as a double. Never fails to match a number that is longer. */
const longNumber = /\d[\d.]{15}/;

export const mayHoldLongNumber = (text: string): boolean => longNumber.test(text);

/** Like JSON.parse, but where the text holds long digits, all numbers come as {@link NumberText}. */
export function parseExactJson(text: string): unknown {
  if (!longNumber.test(text)) return JSON.parse(text);
  return exact.parse(text, (_, value, { source }) => (typeof value === 'number' && source !== undefined ? exact.rawJSON(source) : value));
}

/** The digits of a JSON number as they stood in the text; undefined if the value is no number. */
export const numberText = (value: unknown): string | undefined =>
  typeof value === 'number' ? String(value) : exact.isRawJSON(value) ? value.rawJSON : undefined;

const numberParts = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * A number without exponent, leading zeros or trailing zeros behind the point: `1.50e2` becomes `150`, `-0.0` becomes `0`.
 * @returns undefined if it is no number, or its exponent has more than three digits
 */
export function plainNumber(text: string): string | undefined {
  const match = numberParts.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const shift = Number(exponent);
  const digits = whole + fraction;
  const point = whole.length + shift;
  const left = (point <= 0 ? '' : digits.slice(0, point).padEnd(point, '0')).replace(/^0+/, '') || '0';
  const right = (point <= 0 ? '0'.repeat(-point) + digits : digits.slice(point)).replace(/0+$/, '');
  const plain = right === '' ? left : `${left}.${right}`;
  return plain === '0' ? plain : sign + plain;
}

/**
 * Rewrites a record so that the numbers of the given fields (and of arrays in them) are strings of their digits: a JSON reader that makes
 * doubles of numbers, as the embedded engine does, would lose the last ones silently.
 * @returns undefined if the text is no JSON object
 */
export function decimalsAsText(text: string, fields: readonly string[]): string | undefined {
  let record: unknown;
  try {
    record = parseExactJson(text);
  } catch {
    return undefined;
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return undefined;
  const quote = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(quote);
    const digits = numberText(value);
    return digits === undefined ? value : (plainNumber(digits) ?? digits);
  };
  const values = record as Record<string, unknown>;
  return JSON.stringify(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fields.includes(name) ? quote(value) : value])));
}
