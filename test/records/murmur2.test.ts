import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { murmur2, partitionOf } from '../../src/records/murmur2.ts';

describe('choice of the partition', () => {
  // The values that Kafka's own tests fix.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('the hash of %s is that of Kafka', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  test('it depends on the text alone, and is a partition', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 3000 }), fc.integer({ min: 1, max: 2000 }), (text, partitions) => {
        const partition = partitionOf(text, partitions);
        expect(partition).toBe((murmur2(Buffer.from(text)) & 0x7fffffff) % partitions);
        expect(partition).toBeLessThan(partitions);
      }),
    );
  });
});
