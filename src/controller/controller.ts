/**
 * Workers that give every key of a queue its passes.
 *
 * Invariants:
 * 1. A key never has two passes at once, also when a pass ignores its timeout.
 * 2. A failed pass comes again after a growing wait, not before the server's `Retry-After`; its result is not looked at.
 * 3. A TerminalError is counted and comes again only when something changes.
 * 4. A pass that asks for a later one gets it, and its earlier failures are forgotten.
 * 5. No pass begins on a cache that is older than our own last write: it is put off, counted, and never dropped.
 * 6. Every pass has a reconcile id in its logger and a signal that aborts at its timeout.
 * 7. On stop no pass begins; those that run may end, until `aborting` aborts them. `run` resolves when none is left.
 */
import type { Random } from './backoff.ts';
import type { Clock } from './clock.ts';
import { type KubeObject, refOf } from './kube/api.ts';
import { isKubeError } from './kube/errors.ts';
import type { Reflector, Subscription } from './kube/reflector.ts';
import type { Logger } from './logger.ts';
import type { ControllerMetrics, PassResult, RuntimeMetrics } from './metrics.ts';
import { type Priority, type QueueOptions, workQueue } from './queue.ts';

/** Trying again will not help before something changes. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

/** What a pass may ask for. */
export interface PassRequest {
  readonly requeueAfterMilliseconds?: number;
}

export interface PassContext {
  /** Aborts at the pass's timeout, and when the process must end at once. Goes into every call. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly reconcileId: string;
}

export interface ControllerOptions {
  readonly name: string;
  /** One pass over one key. May be lost at any point. */
  readonly reconcile: (key: string, context: PassContext) => Promise<PassRequest | undefined>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<RuntimeMetrics, 'controller'>;
  readonly newId: () => string;
  readonly random?: Random;
  readonly concurrency?: number;
  readonly passTimeoutMilliseconds?: number;
  /** Whether the caches hold our own last writes about a key (see `own-writes.ts`). */
  readonly isCurrent?: (key: string) => boolean;
  readonly queue?: Pick<QueueOptions, 'backoff' | 'rate'>;
}

export interface Controller {
  readonly name: string;
  /** Enqueues what changes there. */
  watch<T extends KubeObject>(source: Reflector<T>, how?: Pick<Subscription<T>, 'keysOf' | 'relevant'>): void;
  enqueue(key: string, priority?: Priority): void;
  run(stopping: AbortSignal, aborting: AbortSignal): Promise<void>;
  /** False when a pass is still running long after its timeout: its worker is lost, and the process should restart. */
  isAlive(): boolean;
}

const putOffMilliseconds = 200;

export function controller(options: ControllerOptions): Controller {
  const { name, clock, concurrency = 1, passTimeoutMilliseconds: timeout = 120_000 } = options;
  const metrics: ControllerMetrics = options.metrics.controller(name, concurrency);
  const random = options.random ? { random: options.random } : {};
  const queue = workQueue({ clock, observer: metrics.queue, ...random, ...options.queue });
  metrics.observeQueue(queue, clock);

  async function worker(aborting: AbortSignal): Promise<void> {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      metrics.active(1);
      const begun = clock.monotonic();
      try {
        const result = options.isCurrent?.(key) === false ? putOff(key) : await pass(key, aborting);
        metrics.passed(result, (clock.monotonic() - begun) / 1000);
      } finally {
        metrics.active(-1);
        queue.done(key);
      }
    }
  }

  function putOff(key: string): PassResult {
    queue.addAfter(key, putOffMilliseconds);
    return 'deferred';
  }

  async function pass(key: string, aborting: AbortSignal): Promise<PassResult> {
    const reconcileId = options.newId();
    const logger = options.logger.child({ controller: name, ...refOf(key), reconcileId });
    const deadline = new AbortController();
    const cancel = clock.schedule(timeout, () => {
      metrics.timedOut();
      logger.warn('the pass ran out of time', { timeoutMilliseconds: timeout });
      deadline.abort(new Error(`the pass took longer than ${timeout} ms`));
    });
    try {
      const signal = AbortSignal.any([aborting, deadline.signal]);
      const request = await options.reconcile(key, { signal, logger, reconcileId });
      queue.forget(key);
      if (request?.requeueAfterMilliseconds === undefined) return 'success';
      queue.addAfter(key, request.requeueAfterMilliseconds);
      return 'requeue_after';
    } catch (error) {
      return failed(key, error, logger, aborting);
    } finally {
      cancel();
    }
  }

  function failed(key: string, error: unknown, logger: Logger, aborting: AbortSignal): PassResult {
    if (isProgrammingError(error)) metrics.panicked();
    if (error instanceof TerminalError) {
      queue.forget(key);
      logger.error('the pass failed for good', { error });
      return 'terminal';
    }
    queue.addRateLimited(key, isKubeError(error) ? error.retryAfterMilliseconds : 0);
    if (aborting.aborted) logger.info('the pass was aborted, the process is ending', { error });
    else if (isKubeError(error, 'Conflict')) logger.info('the pass met a newer object, trying again', { error });
    else logger.error('the pass failed, trying again', { error, failures: queue.failures(key) });
    return 'error';
  }

  return {
    name,
    watch: (source, how = {}) => source.subscribe({ enqueue: queue.add, ...how }),
    enqueue: queue.add,
    async run(stopping, aborting) {
      const stop = (): void => queue.shutDown();
      stopping.addEventListener('abort', stop, { once: true });
      if (stopping.aborted) stop();
      await Promise.all(Array.from({ length: concurrency }, () => worker(aborting)));
    },
    isAlive: () => [...queue.locked().values()].every((since) => clock.monotonic() - since < 2 * timeout),
  };
}

// Vendors throw TypeErrors with a cause for network failures; a bare one is ours.
function isProgrammingError(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  const kinds = [TypeError, ReferenceError, RangeError];
  return error.cause === undefined && kinds.some((kind) => error instanceof kind);
}
