import { describe, expect, test } from 'vitest';
import { canonicalText, isKeyType } from '../../src/records/canonical.ts';
import { parseFieldType } from '../../src/records/field-types.ts';

const text = (type: string, value: unknown): string | undefined => {
  const parsed = parseFieldType(type);
  if (!isKeyType(parsed)) throw new Error(`${type} is no type of a key`);
  return canonicalText(parsed, value);
};

describe('the one text of a key value', () => {
  test.each([
    ['INT', 5, '5'],
    ['INT', -0, '0'],
    ['INT', 1.7, undefined],
    ['INT', 2_147_483_648, undefined],
    ['INT', '5', undefined],
    ['BIGINT', '9223372036854775807', '9223372036854775807'],
    ['BIGINT', '9223372036854775808', undefined],
    ['BOOLEAN', true, 'true'],
    ['BOOLEAN', 'true', undefined],
    ['STRING', 'a', 'a'],
    ['STRING', 5, undefined],
    ['DECIMAL(10,2)', 1.5, '1.50'],
    ['DECIMAL(10,2)', '-001.500', '-1.50'],
    ['DECIMAL(10,2)', '1.505', undefined],
    ['DECIMAL(4,2)', 123, undefined],
    ['DECIMAL(2,2)', 0.5, '0.50'],
    ['DECIMAL(5,0)', 12, '12'],
    ['DATE', '2020-02-29', '2020-02-29'],
    ['DATE', '2021-02-29', undefined],
    ['DATE', '0000-01-01', undefined],
    ['TIMESTAMP(3)', '2020-01-01 10:15:00.120', '2020-01-01T10:15:00.12'],
    ['TIMESTAMP(3)', '2020-01-01T10:15:00Z', '2020-01-01T10:15:00'],
    ['TIMESTAMP(3)', '2020-01-01T10:15', undefined],
    ['BIGINT', 1e17, undefined],
    ['TIMESTAMP(3)', '2020-01-01T10:15:00+01:00', undefined],
    ['TIMESTAMP(3)', '2020-01-01T10:15:00.1234', undefined],
    ['TIMESTAMP(3)', '2020-01-01T24:00:00', undefined],
    ['TIMESTAMP_LTZ(6)', '2020-01-01T00:15:00.123456+01:00', '2019-12-31T23:15:00.123456Z'],
    ['TIMESTAMP_LTZ(0)', '2020-01-01 00:15:00', '2020-01-01T00:15:00Z'],
    ['TIMESTAMP_LTZ(0)', '0001-01-01T00:15:00+01:00', undefined],
  ])('%s of %j is %s', (type, value, expected) => {
    expect(text(type, value)).toBe(expected);
  });

  test('floating numbers and arrays do not identify', () => {
    expect(['FLOAT', 'DOUBLE', 'ARRAY<INT>'].map((type) => isKeyType(parseFieldType(type)))).toEqual([false, false, false]);
  });
});
