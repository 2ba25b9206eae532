import { type Cancel, type Clock, sleepWith } from '../../src/controller/clock.ts';

/** A clock that moves only when told to. Timers run in the order of their times, ties in the order of their making. */
export interface VirtualClock extends Clock {
  /** Lets `milliseconds` pass: runs every timer due in them, and after each all promise work that it set off. */
  advance(milliseconds: number): Promise<void>;
  /** Moves the wall clock alone, as an administrator or NTP does. */
  jumpWallClock(milliseconds: number): void;
  /** How many timers are waiting. */
  pending(): number;
}

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly run: () => void;
}

/** @param startsAt wall time at the beginning, in milliseconds since 1970 */
export function virtualClock(startsAt = Date.UTC(2026, 0, 1)): VirtualClock {
  const timers = new Set<Timer>();
  let elapsed = 0;
  let wallOffset = startsAt;
  let made = 0;

  const schedule = (milliseconds: number, run: () => void): Cancel => {
    const timer = { due: elapsed + Math.max(0, milliseconds), order: made++, run };
    timers.add(timer);
    return () => timers.delete(timer);
  };

  const nextDue = (until: number): Timer | undefined => [...timers].filter((timer) => timer.due <= until).sort((a, b) => a.due - b.due || a.order - b.order)[0];

  return {
    now: () => wallOffset + elapsed,
    monotonic: () => elapsed,
    sleep: (milliseconds, signal) => sleepWith(schedule, milliseconds, signal),
    schedule,
    pending: () => timers.size,
    jumpWallClock: (milliseconds) => {
      wallOffset += milliseconds;
    },
    async advance(milliseconds) {
      const until = elapsed + milliseconds;
      await settle();
      for (let timer = nextDue(until); timer; timer = nextDue(until)) {
        timers.delete(timer);
        elapsed = Math.max(elapsed, timer.due);
        timer.run();
        await settle();
      }
      elapsed = until;
    },
  };
}

/** Lets all promise work that can go on without time or I/O go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
