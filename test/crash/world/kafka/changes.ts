import type { Clock } from '../../../../src/controller/clock.ts';

/** Wakes those who wait for anything to change in the logs. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  tell(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** @returns a promise of the next change */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** @returns false when nothing has changed in so many milliseconds. @throws the reason of the signal */
  next(milliseconds: number, clock: Pick<Clock, 'schedule'>, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#waiting.delete(changed);
        signal.removeEventListener('abort', abort);
        cancel();
        settle();
      };
      const changed = (): void => end(() => resolve(true));
      const abort = (): void => end(() => reject(signal.reason));
      const cancel = clock.schedule(milliseconds, () => end(() => resolve(false)));
      this.#waiting.add(changed);
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}
