import { describe, expect, test } from 'vitest';
import { digestOf, formatDigest, limbs, projectionOf } from '../../src/records/digest.ts';

describe('digests', () => {
  test('have four limbs of 24 bits', () => {
    const digest = digestOf('i1:5', '{"id":5}');
    expect(digest).toHaveLength(limbs.count);
    expect(digest.every((limb) => limb >= 0 && limb < 2 ** limbs.bits)).toBe(true);
    expect(formatDigest(digest)).toMatch(/^\d+-\d+-\d+-\d+$/);
  });

  test('a projection is named by its fields and types, whatever their order', () => {
    const a = { name: 'a', type: 'INT' };
    const b = { name: 'b', type: 'TIMESTAMP' };
    expect(projectionOf([a, b])).toBe(projectionOf([{ name: 'b', type: 'TIMESTAMP(6)' }, a]));
    expect(projectionOf([a, b])).not.toBe(projectionOf([{ name: 'a', type: 'BIGINT' }, b]));
    expect(projectionOf([a])).not.toBe(projectionOf([a, b]));
  });
});
