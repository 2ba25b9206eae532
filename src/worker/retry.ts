import { type Backoff, backoffMilliseconds, type Random } from '../controller/backoff.ts';
import type { Clock } from '../controller/clock.ts';

/** What an attempt came to: done, or in the way of something that passes by itself. */
export type Attempt<T> = { readonly done: T } | { readonly again: Error };

export interface RetryPolicy {
  readonly backoff: Backoff;
  /** No attempt starts later than this after the first; then the last failure is thrown. */
  readonly maxAgeMilliseconds: number;
  readonly clock: Clock;
  /** For the jitter of waits; a number in [0, 1). */
  readonly random?: Random | undefined;
  /** Told of every attempt that has to be repeated. */
  readonly onRetry?: (failure: Error) => void;
}

/**
 * Tries until it is done. Every attempt is over before the next one begins.
 * @throws the signal's reason when it aborts; the last failure when the time is up; whatever an attempt throws
 */
export async function retry<T>(policy: RetryPolicy, signal: AbortSignal, attempt: () => Promise<Attempt<T>>): Promise<T> {
  const { clock, backoff } = policy;
  const first = clock.monotonic();
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    const outcome = await attempt();
    if ('done' in outcome) return outcome.done;
    policy.onRetry?.(outcome.again);
    const pause = backoffMilliseconds(backoff, failures, policy.random ?? Math.random);
    if (clock.monotonic() + pause - first > policy.maxAgeMilliseconds) throw outcome.again;
    await clock.sleep(pause, signal);
  }
}
