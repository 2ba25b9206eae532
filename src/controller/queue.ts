/**
 * The queue of keys that need a pass. Keys, not events: what a pass does depends on the state it finds, not on how often it changed.
 *
 * Invariants:
 * 1. A key is in the queue at most once, however often it is added.
 * 2. A key that is handed out is locked: nobody else gets it until `done`.
 * 3. A key that is added while it is locked is handed out once more after `done`.
 * 4. Of competing delays the earliest counts, of competing priorities the highest.
 * 5. Failures of one key in a row are delayed exponentially, and all failures together by one token bucket; `forget` ends the row.
 * 6. High priority goes first, but a waiting low key gets at least every eighth turn.
 * 7. Keys of one priority are handed out in the order in which they became ready.
 * 8. After `shutDown` nothing is added, nothing is handed out and no timer is left.
 */
import { type Backoff, backoffMilliseconds, type Random, type Rate, reconcileBackoff, tokenBucket } from './backoff.ts';
import type { Cancel, Clock } from './clock.ts';

/** `low` is for what nobody waits for: the initial list and resyncs. */
export type Priority = 'high' | 'low';

/** Told of everything that happens to the queue; metrics are made of it. Times in milliseconds. */
export interface QueueObserver {
  added(): void;
  retried(): void;
  taken(waitedMilliseconds: number): void;
  done(workedMilliseconds: number): void;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly random?: Random;
  readonly backoff?: Backoff;
  /** Of all rate-limited additions together. */
  readonly rate?: Rate;
  readonly observer?: QueueObserver;
}

export interface WorkQueue {
  add(key: string, priority?: Priority): void;
  addAfter(key: string, milliseconds: number, priority?: Priority): void;
  /** Adds a key whose pass failed. @param atLeastMilliseconds what the failing server asked for */
  addRateLimited(key: string, atLeastMilliseconds?: number): void;
  /** The key's last pass did not fail. */
  forget(key: string): void;
  /** Failures of the key in a row. */
  failures(key: string): number;
  /** The next key, locked; waits for one. Undefined once the queue is shut down. */
  take(): Promise<string | undefined>;
  /** Unlocks a key. Must follow every `take`. */
  done(key: string): void;
  /** Keys that are ready and not handed out. */
  depth(): number;
  /** Since when each locked key is locked, in monotonic milliseconds. */
  locked(): ReadonlyMap<string, number>;
  shutDown(): void;
}

interface Wish {
  readonly due: number;
  readonly priority: Priority;
}

const turnsUntilLow = 8;

export function workQueue(options: QueueOptions): WorkQueue {
  const { clock, observer, random = Math.random, backoff = reconcileBackoff } = options;
  const bucket = tokenBucket(options.rate ?? { perSecond: 10, burst: 100 }, clock);
  const ready = { high: line(), low: line() };
  const waiting = new Map<string, Wish & { readonly cancel: Cancel }>();
  const locked = new Map<string, number>();
  const afterUnlock = new Map<string, Wish>();
  const failures = new Map<string, number>();
  const takers: ((key: string | undefined) => void)[] = [];
  let turnsWithoutLow = 0;
  let closed = false;

  function wish(key: string, milliseconds: number, priority: Priority): void {
    if (closed) return;
    observer?.added();
    place(key, { due: clock.monotonic() + Math.max(0, milliseconds), priority });
  }

  function place(key: string, wanted: Wish): void {
    if (locked.has(key)) {
      afterUnlock.set(key, sooner(afterUnlock.get(key), wanted));
    } else if (ready.high.has(key) || ready.low.has(key)) {
      raise(key, wanted.priority);
    } else {
      const before = waiting.get(key);
      before?.cancel();
      waiting.delete(key);
      wait(key, sooner(before, wanted));
    }
  }

  function wait(key: string, wanted: Wish): void {
    const left = wanted.due - clock.monotonic();
    if (left <= 0) {
      makeReady(key, wanted.priority);
      return;
    }
    const cancel = clock.schedule(left, () => {
      waiting.delete(key);
      makeReady(key, wanted.priority);
    });
    waiting.set(key, { ...wanted, cancel });
  }

  function raise(key: string, priority: Priority): void {
    const since = priority === 'high' ? ready.low.remove(key) : undefined;
    if (since !== undefined) ready.high.push(key, since);
  }

  function makeReady(key: string, priority: Priority): void {
    ready[priority].push(key, clock.monotonic());
    handOut();
  }

  function handOut(): void {
    while (takers.length > 0) {
      const key = next();
      if (key === undefined) return;
      takers.shift()?.(key);
    }
  }

  function next(): string | undefined {
    const low = ready.high.size() === 0 || (ready.low.size() > 0 && turnsWithoutLow >= turnsUntilLow - 1);
    const first = ready[low ? 'low' : 'high'].shift();
    if (first === undefined) return undefined;
    const { key, since } = first;
    turnsWithoutLow = low ? 0 : turnsWithoutLow + 1;
    locked.set(key, clock.monotonic());
    observer?.taken(clock.monotonic() - since);
    return key;
  }

  return {
    add: (key, priority = 'high') => wish(key, 0, priority),
    addAfter: (key, milliseconds, priority = 'high') => wish(key, milliseconds, priority),
    addRateLimited(key, atLeastMilliseconds = 0) {
      if (closed) return;
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      observer?.retried();
      wish(key, Math.max(backoffMilliseconds(backoff, count, random), bucket.reserve(), atLeastMilliseconds), 'high');
    },
    forget: (key) => void failures.delete(key),
    failures: (key) => failures.get(key) ?? 0,
    take() {
      if (closed) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        takers.push(resolve);
        handOut();
      });
    },
    done(key) {
      const since = locked.get(key);
      if (since === undefined) return;
      locked.delete(key);
      observer?.done(clock.monotonic() - since);
      const again = afterUnlock.get(key);
      afterUnlock.delete(key);
      if (again && !closed) place(key, again);
    },
    depth: () => ready.high.size() + ready.low.size(),
    locked: () => locked,
    shutDown() {
      closed = true;
      for (const { cancel } of waiting.values()) cancel();
      waiting.clear();
      ready.high = line();
      ready.low = line();
      afterUnlock.clear();
      for (const taker of takers.splice(0)) taker(undefined);
    },
  };
}

function sooner(a: Wish | undefined, b: Wish): Wish {
  if (!a) return b;
  return { due: Math.min(a.due, b.due), priority: a.priority === 'high' || b.priority === 'high' ? 'high' : 'low' };
}

/** Keys in the order of their coming, with when they came. */
interface Line {
  push(key: string, since: number): void;
  /** @returns since when it was there; undefined if it was not */
  remove(key: string): number | undefined;
  shift(): { readonly key: string; readonly since: number } | undefined;
  has(key: string): boolean;
  size(): number;
}

/** A Map alone will not do: to find its first entry it walks over all that were deleted before, which is quadratic in a large queue. */
function line(): Line {
  const there = new Map<string, { readonly key: string; readonly since: number }>();
  let order: { readonly key: string; readonly since: number }[] = [];
  let head = 0;
  return {
    push(key, since) {
      const entry = { key, since };
      there.set(key, entry);
      order.push(entry);
    },
    remove(key) {
      const entry = there.get(key);
      there.delete(key);
      return entry?.since;
    },
    shift() {
      for (let entry = order[head]; entry; entry = order[head]) {
        head += 1;
        if (head > 1_000 && head > order.length / 2) {
          order = order.slice(head);
          head = 0;
        }
        if (there.get(entry.key) !== entry) continue; // It was removed, and perhaps came again further back.
        there.delete(entry.key);
        return entry;
      }
      return undefined;
    },
    has: (key) => there.has(key),
    size: () => there.size,
  };
}
