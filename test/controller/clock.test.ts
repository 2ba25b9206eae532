import { describe, expect, test, vi } from 'vitest';
import { kubeMicroTime, kubeTime, steadyClock, systemClock } from '../../src/controller/clock.ts';
import { virtualClock } from '../support/virtual-clock.ts';

test('monotonic time does not go back when the wall clock does', () => {
  const wall = vi.spyOn(Date, 'now').mockReturnValue(0);
  const before = systemClock.monotonic();
  expect(systemClock.now()).toBe(0);
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
  wall.mockRestore();
});

test('an aborted sleep rejects with the reason and leaves no timer behind', async () => {
  const clock = virtualClock();
  const stop = new AbortController();
  const sleep = clock.sleep(1_000, stop.signal);
  stop.abort(new Error('enough'));
  await expect(sleep).rejects.toThrow('enough');
  expect(clock.pending()).toBe(0);
  await expect(clock.sleep(1_000, stop.signal)).rejects.toThrow('enough');
});

test('a delay longer than a timer can hold is waited for in full', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const run = vi.fn();
  const thirtyDays = 30 * 86_400_000;
  systemClock.schedule(thirtyDays, run);
  vi.advanceTimersByTime(thirtyDays - 1);
  expect(run).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(run).toHaveBeenCalledOnce();
  vi.useRealTimers();
});

test('a cancelled call is not made', async () => {
  const clock = virtualClock();
  const run = vi.fn();
  clock.schedule(10, run)();
  await clock.advance(100);
  expect(run).not.toHaveBeenCalled();
});

test('times are written as Kubernetes reads them', () => {
  const at = Date.UTC(2026, 10, 21, 11, 12, 13, 456);
  expect(kubeTime(at)).toBe('2026-11-21T11:12:13Z');
  expect(kubeMicroTime(at)).toBe('2026-11-21T11:12:13.456000Z');
});

test('the virtual clock runs timers in the order of their times and lets promises go on in between', async () => {
  const clock = virtualClock();
  const seen: string[] = [];
  clock.schedule(20, () => seen.push(`b ${clock.monotonic()}`));
  void clock.sleep(10).then(async () => {
    await clock.sleep(5);
    seen.push(`a ${clock.monotonic()}`);
  });
  await clock.advance(100);
  expect(seen).toEqual(['a 15', 'b 20']);
  expect(clock.monotonic()).toBe(100);
});

describe('a steady clock', () => {
  const anHour = 3_600_000;

  test.each([anHour, -anHour])('goes on as if the wall clock had not jumped by %d ms, and follows it by a hundredth of the time that passes', async (jump) => {
    const wall = virtualClock(0);
    const steady = steadyClock(wall);
    await wall.advance(10_000);
    wall.jumpWallClock(jump);
    expect(steady.now()).toBe(10_000 + Math.sign(jump) * 100);
    await wall.advance(anHour);
    expect(steady.now()).toBe(10_000 + anHour + Math.sign(jump) * (100 + anHour / 100));
  });

  test('is right again in the end, and never goes back', async () => {
    const wall = virtualClock(0);
    const steady = steadyClock(wall);
    wall.jumpWallClock(-60_000);
    for (let minutes = 0, before = steady.now(); minutes < 200; minutes++) {
      await wall.advance(60_000);
      expect(steady.now()).toBeGreaterThan(before);
      before = steady.now();
    }
    expect(steady.now()).toBe(wall.now());
  });
});
