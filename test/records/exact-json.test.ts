import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimalsAsText, numberText, parseExactJson, plainNumber } from '../../src/records/exact-json.ts';

describe('numbers as they stand in the text', () => {
  test('a number beyond 2^53 keeps its digits', () => {
    const { n } = parseExactJson('{"n":9007199254740993}') as { n: unknown };
    expect(numberText(n)).toBe('9007199254740993');
  });

  test('whatever the digits of a number, they are read as they stand', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,30})?$/), (digits) => {
        const [value] = parseExactJson(`[${digits}]`) as [unknown];
        expect(plainNumber(numberText(value) ?? '')).toBe(plainNumber(digits));
      }),
    );
  });

  test.each([
    ['1.50e2', '150'],
    ['-0.0', '0'],
    ['0012', '12'],
    ['1e-7', '0.0000001'],
    ['123.4500', '123.45'],
    ['12e3', '12000'],
    ['1e9999', undefined],
    ['abc', undefined],
    ['', undefined],
  ])('%s is plainly %s', (text, plain) => {
    expect(plainNumber(text)).toBe(plain);
  });
});

describe('decimals that a double would cut', () => {
  test('become strings of their digits, and other long numbers stay as they are', () => {
    expect(decimalsAsText('{"price":12345678901234.123456789,"id":9007199254740993,"x":{"price":1.5}}', ['price'])).toBe(
      '{"price":"12345678901234.123456789","id":9007199254740993,"x":{"price":1.5}}',
    );
  });

  test('are also found in arrays', () => {
    expect(decimalsAsText('{"prices":[1.10,0.1234567890123456789,null,"x"]}', ['prices'])).toBe('{"prices":["1.1","0.1234567890123456789",null,"x"]}');
  });

  test('cannot be told of what is no JSON object', () => {
    expect(decimalsAsText('[12345678901234567890]', ['price'])).toBeUndefined();
    expect(decimalsAsText('{', ['price'])).toBeUndefined();
  });
});
