import type { Clock } from '../controller/clock.ts';

/** A slot was closed while somebody waited to take from it. */
export const closed = Symbol('closed');
/** Nothing came in the given time. */
export const idle = Symbol('idle');

/**
 * Room for one item between somebody who makes and somebody who takes, one of each. What bounds memory: a maker waits until its item is
 * taken.
 */
export class Slot<T> {
  readonly #clock: Pick<Clock, 'schedule'>;
  #waiting: { readonly item: T; readonly taken: () => void } | undefined;
  #taker: ((item: T | typeof closed) => void) | undefined;
  #closed = false;

  constructor(clock: Pick<Clock, 'schedule'>) {
    this.#clock = clock;
  }

  /** Resolves when the item is taken, or thrown away because the slot is closed. */
  put(item: T): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#taker) {
      this.#taker(item);
      return Promise.resolve();
    }
    return new Promise((taken) => {
      this.#waiting = { item, taken };
    });
  }

  /** @param within milliseconds after which `idle` is the answer; for ever without */
  take(within?: number): Promise<T | typeof closed | typeof idle> {
    if (this.#closed) return Promise.resolve(closed);
    if (this.#waiting) {
      const { item, taken } = this.#waiting;
      this.#waiting = undefined;
      taken();
      return Promise.resolve(item);
    }
    return new Promise((resolve) => {
      const end = (answer: T | typeof closed | typeof idle): void => {
        cancel?.();
        this.#taker = undefined;
        resolve(answer);
      };
      const cancel = within === undefined ? undefined : this.#clock.schedule(within, () => end(idle));
      this.#taker = end;
    });
  }

  /** Throws away what waits, and everything after it. */
  close(): void {
    this.#closed = true;
    this.#waiting?.taken();
    this.#waiting = undefined;
    this.#taker?.(closed);
  }
}
