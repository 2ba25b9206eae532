import { expect, test } from 'vitest';
import { retry } from '../../src/worker/retry.ts';
import { settle, virtualClock } from '../support/virtual-clock.ts';

const backoff = { baseMilliseconds: 100, maxMilliseconds: 400, jitter: 0 };
const again = { again: new Error('busy') };

test('an attempt that is done is the only one', async () => {
  let attempts = 0;
  const result = await retry({ backoff, maxAgeMilliseconds: 1_000, clock: virtualClock() }, new AbortController().signal, async () => ({ done: ++attempts }));
  expect(result).toBe(1);
});

test('waits grow up to their maximum, and each failure is told', async () => {
  const clock = virtualClock();
  const at: number[] = [];
  const told: string[] = [];
  const running = retry(
    { backoff, maxAgeMilliseconds: 10_000, clock, onRetry: ({ message }) => told.push(message) },
    new AbortController().signal,
    async () => {
      at.push(clock.monotonic());
      return at.length < 6 ? again : { done: true };
    },
  );
  await clock.advance(5_000);
  expect(await running).toBe(true);
  expect(at).toEqual([0, 100, 300, 700, 1_100, 1_500]);
  expect(told).toHaveLength(5);
});

test('no attempt begins after the time is up: the last failure is thrown instead', async () => {
  const clock = virtualClock();
  let last = 0;
  const running = retry({ backoff, maxAgeMilliseconds: 1_000, clock }, new AbortController().signal, async () => {
    last = clock.monotonic();
    return again;
  });
  running.catch(() => {});
  await clock.advance(60_000);
  await expect(running).rejects.toThrow('busy');
  expect(last).toBeLessThanOrEqual(1_000);
});

test('an abort ends the wait at once', async () => {
  const clock = virtualClock();
  const abort = new AbortController();
  const running = retry({ backoff, maxAgeMilliseconds: 1_000, clock }, abort.signal, async () => again);
  running.catch(() => {});
  await settle();
  abort.abort(new Error('lost'));
  await expect(running).rejects.toThrow('lost');
  expect(clock.pending()).toBe(0);
});

test('what an attempt throws is not tried again', async () => {
  let attempts = 0;
  const running = retry({ backoff, maxAgeMilliseconds: 1_000, clock: virtualClock() }, new AbortController().signal, async () => {
    attempts++;
    throw new Error('refused');
  });
  await expect(running).rejects.toThrow('refused');
  expect(attempts).toBe(1);
});
