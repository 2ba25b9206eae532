import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMilliseconds, reconcileBackoff, tokenBucket } from '../../src/controller/backoff.ts';
import { virtualClock } from '../support/virtual-clock.ts';

test('without jitter the waits double from one second to five minutes', () => {
  const waits = [0, 1, 2, 3, 4, 8, 9, 10, 1_000].map((failures) => backoffMilliseconds({ ...reconcileBackoff, jitter: 0 }, failures, Math.random));
  expect(waits).toEqual([0, 1_000, 2_000, 4_000, 8_000, 128_000, 256_000, 300_000, 300_000]);
});

test('jitter only shortens, by at most its fraction', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), chance, (failures, random) => {
      const full = backoffMilliseconds({ ...reconcileBackoff, jitter: 0 }, failures, () => 0);
      const wait = backoffMilliseconds(reconcileBackoff, failures, () => random);
      expect(wait).toBeLessThanOrEqual(full);
      expect(wait).toBeGreaterThanOrEqual(full * 0.8);
    }),
  );
});

test('a bucket hands out its burst at once, and then as many per second as it was told', async () => {
  const clock = virtualClock();
  const bucket = tokenBucket({ perSecond: 10, burst: 3 }, clock);
  expect([bucket.reserve(), bucket.reserve(), bucket.reserve(), bucket.reserve(), bucket.reserve()]).toEqual([0, 0, 0, 100, 200]);
  await clock.advance(1_000);
  expect(bucket.reserve()).toBe(0);
});

test('an empty bucket refuses whoever does not want to wait, and an idle one never holds more than its burst', async () => {
  const clock = virtualClock();
  const bucket = tokenBucket({ perSecond: 1, burst: 2 }, clock);
  await clock.advance(3_600_000);
  expect([bucket.tryTake(), bucket.tryTake(), bucket.tryTake()]).toEqual([true, true, false]);
});
