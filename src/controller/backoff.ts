/**
 * How long to wait before the next try, and how many tries there may be at all.
 *
 * Invariants:
 * 1. The n-th failure in a row waits base * 2^(n-1), never more than the maximum, jitter included.
 * 2. Jitter only shortens, by at most its fraction, so that failures of one moment do not come back in one moment.
 * 3. A token bucket hands out at most `burst` at once and `perSecond` in the long run; a reservation never fails, it waits.
 */
import type { Clock } from './clock.ts';

/** A number in [0, 1). Passed in, so that tests repeat. */
export type Random = () => number;

export interface Backoff {
  readonly baseMilliseconds: number;
  readonly maxMilliseconds: number;
  /** Fraction of the wait that chance may take off, 0 to 1. */
  readonly jitter: number;
}

/** For whatever talks to Kafka or Elasticsearch: much slower than controller-runtime's 5 ms, because a retry there costs. */
export const reconcileBackoff: Backoff = { baseMilliseconds: 1_000, maxMilliseconds: 300_000, jitter: 0.2 };

/** For list and watch: a server that comes back after an outage is followed again within ten seconds. */
export const reflectorBackoff: Backoff = { baseMilliseconds: 800, maxMilliseconds: 10_000, jitter: 0.5 };

/** Milliseconds to wait after `failures` failures in a row; 0 for none. */
export function backoffMilliseconds(backoff: Backoff, failures: number, random: Random): number {
  if (failures <= 0) return 0;
  // 2^40 milliseconds is far beyond every maximum, and a larger exponent would overflow.
  const full = Math.min(backoff.baseMilliseconds * 2 ** Math.min(failures - 1, 40), backoff.maxMilliseconds);
  return full * (1 - backoff.jitter * random());
}

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface TokenBucket {
  /** Takes a token, now or in the future. @returns milliseconds until it may be used */
  reserve(): number;
  /** Takes a token only if there is one now. */
  tryTake(): boolean;
}

export function tokenBucket(rate: Rate, clock: Pick<Clock, 'monotonic'>): TokenBucket {
  let tokens = rate.burst;
  let at = clock.monotonic();
  const refill = (): void => {
    const now = clock.monotonic();
    tokens = Math.min(rate.burst, tokens + ((now - at) / 1000) * rate.perSecond);
    at = now;
  };
  return {
    reserve() {
      refill();
      tokens -= 1;
      return tokens >= 0 ? 0 : (-tokens / rate.perSecond) * 1000;
    },
    tryTake() {
      refill();
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
