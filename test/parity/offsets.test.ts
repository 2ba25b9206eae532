import { expect, test } from 'vitest';
import { decodeOffsets, encodeOffsets } from '../../src/parity/offsets.ts';

test('offsets are one text, in partition order, with a dash where one is unknown', () => {
  expect(encodeOffsets([120n, 96n, undefined])).toBe('120,96,-');
  expect(decodeOffsets('120,96,-')).toEqual([120n, 96n, undefined]);
});

test('an offset beyond what a JavaScript number can hold comes back exactly', () => {
  expect(decodeOffsets(encodeOffsets([9_223_372_036_854_775_807n]))).toEqual([9_223_372_036_854_775_807n]);
});

test('no partitions are the empty text', () => {
  expect(encodeOffsets([])).toBe('');
  expect(decodeOffsets('')).toEqual([]);
});

test.each(['-1', '1,,2', '1.5', 'x', ' 1', '1,'])('"%s" is not from us and is refused', (text) => {
  expect(() => decodeOffsets(text)).toThrow(RangeError);
});
