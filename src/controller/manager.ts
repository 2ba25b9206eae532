/**
 * Starts the parts of a process in order and stops them in order.
 *
 * Invariants:
 * 1. Start: servers, caches (within a deadline), what runs without leadership, the lease, controllers. Each waits for the one before.
 * 2. Stop: no new passes, running ones end within the grace and are aborted after it, events are sent, the lease is released, servers close.
 * 3. All of that takes ten seconds at most while the API server answers: then a kubelet's patience is not at its end.
 * 4. The lease is released only if no pass is left; otherwise it runs out by itself.
 * 5. Losing the lease ends the process at once: stopping and going on would be two leaders.
 * 6. A part that fails stops all others, and `run` rejects with its error.
 */
import type { Clock } from './clock.ts';
import type { Controller } from './controller.ts';
import type { EventRecorder } from './events.ts';
import type { KubeObject } from './kube/api.ts';
import type { Reflector } from './kube/reflector.ts';
import type { LeaderLease } from './lease.ts';
import type { Logger } from './logger.ts';
import type { Checks, HttpServer } from './server.ts';

/** Runs until `signal` aborts. An end before that, or an error, is a failure. */
export interface Runnable {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** The part of a reflector that does not depend on its kind of object. */
export type AnyReflector = Pick<Reflector<KubeObject>, 'type' | 'hasSynced' | 'run' | 'secondsSinceContact'>;

export interface ManagerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reflectors: readonly AnyReflector[];
  readonly controllers: readonly Controller[];
  readonly servers?: readonly HttpServer[];
  /** What runs on every replica. */
  readonly runnables?: readonly Runnable[];
  /** Controllers run only while it is held; at once when absent. */
  readonly lease?: LeaderLease;
  readonly events?: Pick<EventRecorder, 'flush'>;
  /** Ends the process. */
  readonly exit: (code: number) => void;
  readonly syncTimeoutMilliseconds?: number;
  readonly graceMilliseconds?: number;
}

export interface Manager {
  /** Resolves after an orderly stop, which `stop` asks for. Rejects when a part failed. */
  run(stop: AbortSignal): Promise<void>;
}

const abortedPassesMilliseconds = 1_000;
const flushMilliseconds = 1_500;

export function manager(options: ManagerOptions): Manager {
  const { clock, logger, lease, controllers, servers = [], runnables = [] } = options;
  const stopping = new AbortController(); // no new work
  const aborting = new AbortController(); // no work at all
  const ending = new AbortController(); // no background parts
  let failure: unknown;
  let passes: Promise<unknown> = Promise.resolve();
  const background: Promise<unknown>[] = [];

  function fail(error: unknown): void {
    failure ??= error;
    stopping.abort(error);
  }

  function keepRunning(name: string, running: Promise<void>): void {
    const ended = running.then(() => {
      if (!stopping.signal.aborted) throw new Error(`${name} ended by itself`);
    });
    background.push(
      ended.catch((error) => {
        if (!stopping.signal.aborted) fail(error);
      }),
    );
  }

  async function start(): Promise<void> {
    for (const server of servers) await server.start();
    for (const reflector of options.reflectors) keepRunning(`the reflector of ${reflector.type.kind}`, reflector.run(ending.signal));
    await cachesSynced();
    for (const runnable of runnables) keepRunning(runnable.name, runnable.run(stopping.signal));
    if (lease) {
      await lease.acquire(stopping.signal);
      lease.lost.addEventListener('abort', onLeaseLost, { once: true });
      if (lease.lost.aborted) onLeaseLost();
    }
    stopping.signal.throwIfAborted();
    logger.info('running', { controllers: controllers.map(({ name }) => name) });
    passes = Promise.all(controllers.map((each) => each.run(stopping.signal, aborting.signal)));
    passes.catch(fail);
  }

  async function cachesSynced(): Promise<void> {
    const missing = new Set(options.reflectors);
    const all = Promise.all(options.reflectors.map((each) => each.hasSynced.then(() => missing.delete(each))));
    const milliseconds = options.syncTimeoutMilliseconds ?? 120_000;
    if (await endsWithin(all, milliseconds, stopping.signal)) return;
    const kinds = [...missing].map(({ type }) => type.kind).join(', ');
    throw new Error(`no complete list within ${milliseconds} ms of: ${kinds}`);
  }

  function onLeaseLost(): void {
    aborting.abort(lease?.lost.reason);
    options.exit(1);
  }

  async function stop(): Promise<void> {
    logger.info('stopping', failure === undefined ? {} : { error: failure });
    let idle = await endsWithin(passes, options.graceMilliseconds ?? 4_000);
    aborting.abort(new Error('the process is ending'));
    idle ||= await endsWithin(passes, abortedPassesMilliseconds);
    await flushEvents();
    ending.abort(new Error('the process is ending'));
    await endsWithin(Promise.all(background), abortedPassesMilliseconds);
    if (idle) await lease?.release();
    else logger.error('a pass did not end, the lease is left to run out');
    for (const server of servers) await server.stop();
    logger.info('stopped');
  }

  async function flushEvents(): Promise<void> {
    const limit = new AbortController();
    const cancel = clock.schedule(flushMilliseconds, () => limit.abort(new Error('no time left to send events')));
    await options.events?.flush(limit.signal);
    cancel();
  }

  /** Whether `work` ended in time; its failure counts as an end. Rejects when `signal` aborts first. */
  async function endsWithin(work: Promise<unknown>, milliseconds: number, signal?: AbortSignal): Promise<boolean> {
    const enough = new AbortController();
    const waits = signal ? AbortSignal.any([signal, enough.signal]) : enough.signal;
    const ended = work.then(
      () => true,
      () => true,
    );
    const late = clock.sleep(milliseconds, waits).then(() => false);
    try {
      return await Promise.race([ended, late]);
    } finally {
      enough.abort();
      late.catch(() => {});
    }
  }

  return {
    async run(stopSignal) {
      const onStop = (): void => stopping.abort(stopSignal.reason);
      stopSignal.addEventListener('abort', onStop, { once: true });
      if (stopSignal.aborted) onStop();
      const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
      try {
        stopping.signal.throwIfAborted();
        await start();
        await stopped;
      } catch (error) {
        if (!stopping.signal.aborted) fail(error);
      }
      await stop();
      if (failure !== undefined) throw failure;
    },
  };
}

export interface RuntimeChecks {
  readonly healthz: Checks;
  readonly readyz: Checks;
}

/**
 * The checks of a process with these parts. Liveness fails when a cache has heard nothing for `staleSeconds` although its watch
 * heals itself within a minute, or when a pass never ends: both need a restart. Readiness fails until all caches are complete.
 */
export function runtimeChecks(
  reflectors: readonly AnyReflector[],
  controllers: readonly Pick<Controller, 'name' | 'isAlive'>[],
  staleSeconds = 600,
): RuntimeChecks {
  const unsynced = new Set(reflectors.map(({ type }) => type.kind));
  for (const { type, hasSynced } of reflectors) void hasSynced.then(() => unsynced.delete(type.kind));
  const contact = reflectors.map((reflector) => {
    const check = (): string | undefined => {
      const seconds = Math.round(reflector.secondsSinceContact());
      return seconds > staleSeconds ? `nothing heard for ${seconds} s, at most ${staleSeconds} s` : undefined;
    };
    return [`watch-${reflector.type.plural}`, check] as const;
  });
  const passes = controllers.map((each) => {
    return [`controller-${each.name}`, () => (each.isAlive() ? undefined : 'a pass runs long after its timeout')] as const;
  });
  return {
    healthz: Object.fromEntries([...contact, ...passes]),
    readyz: { caches: () => (unsynced.size > 0 ? `no complete list yet of ${[...unsynced].join(', ')}` : undefined) },
  };
}
