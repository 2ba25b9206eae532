import { beforeEach, describe, expect, test } from 'vitest';
import type { Controller } from '../../src/controller/controller.ts';
import type { LeaderLease } from '../../src/controller/lease.ts';
import { type AnyReflector, type Manager, type ManagerOptions, manager, type Runnable, runtimeChecks } from '../../src/controller/manager.ts';
import type { HttpServer } from '../../src/controller/server.ts';
import { widgetType } from '../support/kube-kinds.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
/** What happened, in order. */
let story: string[];
let stop: AbortController;
let lost: AbortController;

beforeEach(() => {
  clock = virtualClock();
  story = [];
  stop = new AbortController();
  lost = new AbortController();
});

const tell = (what: string): void => void story.push(what);
const untilAbort = (signal: AbortSignal): Promise<void> => new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

const server: HttpServer = {
  start: async () => {
    tell('server starts');
    return 1;
  },
  stop: async () => tell('server stops'),
};

function cache(syncsAfter = 1_000): AnyReflector {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    type: widgetType,
    hasSynced: promise,
    secondsSinceContact: () => 0,
    run: async (signal) => {
      tell('reflector starts');
      clock.schedule(syncsAfter, () => {
        if (!signal.aborted) tell('reflector synced');
        resolve();
      });
      await untilAbort(signal);
      tell('reflector stops');
    },
  };
}

const runnable: Runnable = {
  name: 'sweeper',
  run: async (signal) => {
    tell('runnable starts');
    await untilAbort(signal);
    tell('runnable stops');
  },
};

const lease: LeaderLease = {
  acquire: async (signal) => {
    tell('lease is wanted');
    await clock.sleep(500, signal);
    tell('lease is held');
  },
  leaseValidUntil: () => 0,
  get lost() {
    return lost.signal;
  },
  release: async () => tell('lease is released'),
};

/** A controller whose running pass ends `lasting` after the stop; Infinity: only when aborted; NaN: never. */
function working(lasting = 0): Controller {
  return {
    name: 'widgets',
    watch: () => {},
    enqueue: () => {},
    isAlive: () => true,
    run: async (stopping, aborting) => {
      tell('controller starts');
      await untilAbort(stopping);
      tell('controller takes no more');
      if (Number.isNaN(lasting)) await new Promise(() => {});
      const itself = lasting < Number.POSITIVE_INFINITY ? clock.sleep(lasting).then(() => 'itself') : new Promise(() => {});
      if ((await Promise.race([itself, untilAbort(aborting)])) !== 'itself') tell('passes are aborted');
      tell('controller ended');
    },
  };
}

function make(options: Partial<ManagerOptions> = {}): Manager {
  return manager({
    clock,
    logger: recordingLogger(),
    servers: [server],
    reflectors: [cache()],
    runnables: [runnable],
    lease,
    controllers: [working()],
    events: { flush: async () => tell('events are sent') },
    exit: (code) => tell(`exit ${code}`),
    ...options,
  });
}

/** Runs to its end, or for as long as `milliseconds`. */
async function run(made: Manager, stopAfter: number, milliseconds = 200_000): Promise<unknown> {
  let outcome: unknown = 'still running';
  made.run(stop.signal).then(
    () => {
      outcome = 'stopped';
    },
    (error) => {
      outcome = error;
    },
  );
  clock.schedule(stopAfter, () => stop.abort(new Error('SIGTERM')));
  await clock.advance(milliseconds);
  return outcome;
}

test('start: servers, caches, what runs without leadership, the lease, controllers; stop: passes, events, caches, lease, servers', async () => {
  expect(await run(make(), 5_000)).toBe('stopped');
  expect(story).toEqual([
    'server starts',
    'reflector starts',
    'reflector synced',
    'runnable starts',
    'lease is wanted',
    'lease is held',
    'controller starts',
    'runnable stops',
    'controller takes no more',
    'controller ended',
    'events are sent',
    'reflector stops',
    'lease is released',
    'server stops',
  ]);
});

test('running passes may end within the grace', async () => {
  await run(make({ controllers: [working(3_500)] }), 5_000);
  expect(story).not.toContain('passes are aborted');
  expect(story.indexOf('lease is released')).toBeGreaterThan(story.indexOf('controller ended'));
});

test('running passes are aborted after the grace', async () => {
  await run(make({ controllers: [working(Number.POSITIVE_INFINITY)] }), 5_000);
  expect(story.slice(-6)).toEqual(['passes are aborted', 'controller ended', 'events are sent', 'reflector stops', 'lease is released', 'server stops']);
});

test('the lease is not released while a pass is left', async () => {
  expect(await run(make({ controllers: [working(Number.NaN)] }), 5_000)).toBe('stopped');
  expect(story).not.toContain('lease is released');
  expect(story.at(-1)).toBe('server stops');
});

test('losing the lease aborts the passes and ends the process at once', async () => {
  clock.schedule(5_000, () => lost.abort(new Error('leadership is lost')));
  await run(make({ controllers: [working(Number.POSITIVE_INFINITY)] }), 1_000_000, 5_000);
  expect(story.at(-1)).toBe('exit 1');
});

describe('a stop', () => {
  test('while caches are syncing ends in order, and nothing else is started', async () => {
    expect(await run(make(), 500)).toBe('stopped');
    expect(story).not.toContain('lease is wanted');
    expect(story.at(-1)).toBe('server stops');
  });

  test('while waiting for the lease ends in order, and no controller is started', async () => {
    expect(await run(make(), 1_200)).toBe('stopped');
    expect(story).not.toContain('controller starts');
  });

  test('before the start starts nothing', async () => {
    stop.abort(new Error('SIGTERM'));
    expect(await run(make(), 0)).toBe('stopped');
    expect(story).not.toContain('server starts');
  });
});

describe('a part that fails stops all others, and run rejects with its error', () => {
  test('a cache that is not complete in time, named', async () => {
    const outcome = await run(make({ reflectors: [cache(1_000_000)] }), 1_000_000);
    expect(outcome).toEqual(new Error('no complete list within 120000 ms of: Widget'));
    expect(story.at(-1)).toBe('server stops');
  });

  test('a runnable that throws, or ends by itself', async () => {
    const throws: Runnable = { name: 'bad', run: () => Promise.reject(new Error('a bug')) };
    expect(await run(make({ runnables: [throws] }), 1_000_000)).toEqual(new Error('a bug'));
    stop = new AbortController();
    const ends: Runnable = { name: 'short', run: async () => {} };
    expect(await run(make({ runnables: [ends] }), 1_000_000)).toEqual(new Error('short ended by itself'));
  });

  test('a port that is taken', async () => {
    const taken: HttpServer = { ...server, start: () => Promise.reject(new Error('EADDRINUSE')) };
    expect(await run(make({ servers: [taken] }), 1_000_000)).toEqual(new Error('EADDRINUSE'));
    expect(story).not.toContain('reflector starts');
  });
});

test('without a lease controllers start as soon as the caches are complete', async () => {
  const made = manager({ clock, logger: recordingLogger(), reflectors: [cache()], controllers: [working()], exit: () => {} });
  expect(await run(made, 5_000)).toBe('stopped');
  expect(story.slice(0, 3)).toEqual(['reflector starts', 'reflector synced', 'controller starts']);
});

test('checks: ready only when all caches are complete, alive only while they hear something and passes end', async () => {
  const synced = Promise.withResolvers<void>();
  let seconds = 10;
  let alive = true;
  const { healthz, readyz } = runtimeChecks(
    [{ type: widgetType, hasSynced: synced.promise, run: async () => {}, secondsSinceContact: () => seconds }],
    [{ name: 'migration', isAlive: () => alive }],
  );
  expect(readyz['caches']?.()).toBe('no complete list yet of Widget');
  synced.resolve();
  await synced.promise;
  expect(readyz['caches']?.()).toBeUndefined();
  expect([healthz['watch-widgets']?.(), healthz['controller-migration']?.()]).toEqual([undefined, undefined]);
  seconds = 700;
  alive = false;
  expect([healthz['watch-widgets']?.(), healthz['controller-migration']?.()]).toEqual([
    'nothing heard for 700 s, at most 600 s',
    'a pass runs long after its timeout',
  ]);
});
