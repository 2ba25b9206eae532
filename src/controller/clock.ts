/**
 * Time as something that is passed in, so that tests can own it.
 *
 * Invariants:
 * 1. `monotonic` never goes back, whatever happens to the wall clock; every wait and every deadline is measured with it.
 * 2. A sleep that is aborted rejects with the signal's reason and leaves no timer behind.
 * 3. A delay longer than a timer can hold (24.8 days) is waited for in full and not cut to one millisecond.
 */

/** Stops a scheduled call. Harmless after it ran. */
export type Cancel = () => void;

export interface Clock {
  /** Wall time in milliseconds since 1970. For what people read; never for measuring. */
  now(): number;
  /** Milliseconds since some fixed moment of this process. */
  monotonic(): number;
  /** Resolves after `milliseconds`; rejects with the reason of `signal` once that aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` once after `milliseconds`. */
  schedule(milliseconds: number, run: () => void): Cancel;
}

const longestTimer = 2 ** 31 - 1;

function schedule(milliseconds: number, run: () => void): Cancel {
  const due = performance.now() + milliseconds;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const left = due - performance.now();
    timer = setTimeout(left > longestTimer ? arm : run, Math.min(Math.max(left, 0), longestTimer));
  };
  arm();
  return () => clearTimeout(timer);
}

/** Sleeping, told in terms of scheduling: every clock sleeps by this one function. */
export function sleepWith(scheduleCall: Clock['schedule'], milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = scheduleCall(milliseconds, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** The real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (milliseconds, signal) => sleepWith(schedule, milliseconds, signal),
  schedule,
};

/** By how much of the time that passes a steady clock follows one that has jumped. */
const followed = 0.01;

/**
 * The same time for a process that runs for long: when the wall clock jumps (a machine that has slept, an administrator, NTP), it goes on as
 * before and follows slowly, so that no wait which is told by recorded times ends early or lasts longer. After a restart the wall clock counts.
 */
export function steadyClock(clock: Clock): Clock {
  let last = { wall: clock.now(), at: clock.monotonic() };
  const now = (): number => {
    const at = clock.monotonic();
    const passed = at - last.at;
    const off = clock.now() - (last.wall + passed);
    const most = passed * followed;
    last = { wall: last.wall + passed + Math.max(-most, Math.min(most, off)), at };
    return last.wall;
  };
  return { ...clock, now };
}

/** `milliseconds` as Kubernetes writes a `Time`: RFC 3339 in UTC, whole seconds. */
export function kubeTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** `milliseconds` as Kubernetes writes a `MicroTime`: RFC 3339 in UTC with six digits. */
export function kubeMicroTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}
