import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exactJson, parseExactJson } from '../../../src/drivers/elasticsearch/json.ts';

describe('JSON without loss', () => {
  test('every 64-bit integer survives the way out and back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const { back } = parseExactJson(exactJson({ back: value })) as { back: number | bigint };
        expect(BigInt(back)).toBe(value);
      }),
    );
  });

  test('all else is read as JSON.parse reads it', () => {
    const rounded = (value: unknown) => JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? Number(part) : part));
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(rounded(parseExactJson(text))).toBe(rounded(JSON.parse(text)));
      }),
    );
  });

  test('integers that fit stay numbers, even beside one that does not', () => {
    expect(parseExactJson('{"a":7,"b":9007199254740993}')).toEqual({ a: 7, b: 9_007_199_254_740_993n });
  });

  test('digits in a text stay a text', () => {
    expect(parseExactJson('{"id":"9007199254740993"}')).toEqual({ id: '9007199254740993' });
  });

  test('long fractions stay numbers', () => {
    expect(parseExactJson('{"score":0.12345678901234566,"big":1e300}')).toEqual({ score: 0.12345678901234566, big: 1e300 });
  });

  test('a bigint goes out as digits, without quotes', () => {
    expect(exactJson({ version: 2n ** 62n + 1n })).toBe('{"version":4611686018427387905}');
  });
});
