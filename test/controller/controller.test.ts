import { beforeEach, describe, expect, test } from 'vitest';
import { type Controller, type ControllerOptions, controller, TerminalError } from '../../src/controller/controller.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import { type RuntimeMetrics, runtimeMetrics } from '../../src/controller/metrics.ts';
import { type RecordingLogger, recordingLogger } from '../support/recording-logger.ts';
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
let metrics: RuntimeMetrics;
let logger: RecordingLogger;
let stopping: AbortController;
let aborting: AbortController;
let ids: number;

beforeEach(() => {
  clock = virtualClock();
  metrics = runtimeMetrics();
  logger = recordingLogger();
  stopping = new AbortController();
  aborting = new AbortController();
  ids = 0;
});

/** A running controller; `passes` says which pass began when. */
function running(
  reconcile: ControllerOptions['reconcile'],
  options: Partial<ControllerOptions> = {},
): { made: Controller; passes: string[]; ended: Promise<void> } {
  const passes: string[] = [];
  const made = controller({
    name: 'widgets',
    clock,
    logger,
    metrics,
    newId: () => `pass-${++ids}`,
    random: () => 0,
    reconcile: (key, context) => {
      passes.push(`${key} ${clock.monotonic()}`);
      return reconcile(key, context);
    },
    ...options,
  });
  return { made, passes, ended: made.run(stopping.signal, aborting.signal) };
}

async function counted(name: string): Promise<string[]> {
  const lines = (await metrics.registry.getSingleMetricAsString(name)).split('\n');
  return lines.filter((line) => line.startsWith(name) && !line.endsWith(' 0')).map((line) => line.slice(name.length));
}

test('every added key gets a pass', async () => {
  const { made, passes } = running(async () => undefined);
  made.enqueue('a');
  made.enqueue('b');
  await clock.advance(0);
  expect(passes).toEqual(['a 0', 'b 0']);
  expect(await counted('controller_runtime_reconcile_total')).toEqual(['{controller="widgets",result="success"} 2']);
});

test('a key never has two passes at once, also when a pass ignores its timeout; its worker shows as lost', async () => {
  let atOnce = 0;
  let most = 0;
  const stubborn = async (): Promise<undefined> => {
    most = Math.max(most, ++atOnce);
    await clock.sleep(500_000);
    atOnce -= 1;
  };
  const { made, passes } = running(stubborn, { concurrency: 4, passTimeoutMilliseconds: 60_000 });
  for (let i = 0; i < 10; i++) {
    made.enqueue('a');
    await clock.advance(11_000);
  }
  expect([most, passes.length, made.isAlive()]).toEqual([1, 1, true]);
  await clock.advance(11_000);
  expect(made.isAlive()).toBe(false);
  await clock.advance(400_000);
  expect([most, passes.length, made.isAlive()]).toEqual([1, 2, true]);
});

test('different keys have passes at once, up to the concurrency', async () => {
  const { made, passes } = running(() => clock.sleep(1_000).then(() => undefined), { concurrency: 2 });
  for (const key of ['a', 'b', 'c']) made.enqueue(key);
  await clock.advance(1_000);
  expect(passes).toEqual(['a 0', 'b 0', 'c 1000']);
});

test('a failed pass comes again after a growing wait, until one succeeds', async () => {
  let failures = 3;
  const { made, passes } = running(async () => {
    if (failures-- > 0) throw new Error('not yet');
    return undefined;
  });
  made.enqueue('a');
  await clock.advance(60_000);
  expect(passes).toEqual(['a 0', 'a 1000', 'a 3000', 'a 7000']);
  expect(await counted('controller_runtime_reconcile_errors_total')).toEqual(['{controller="widgets"} 3']);
  expect(await counted('workqueue_retries_total')).toEqual(['{name="widgets",controller="widgets"} 3']);
});

test('a failed pass does not come before the Retry-After of the server', async () => {
  let first = true;
  const { made, passes } = running(async () => {
    if (first) {
      first = false;
      throw new KubeError('TooManyRequests', 'slower', { status: 429, retryAfterMilliseconds: 20_000 });
    }
    return undefined;
  });
  made.enqueue('a');
  await clock.advance(60_000);
  expect(passes).toEqual(['a 0', 'a 20000']);
});

test('a TerminalError is counted and comes again only when something changes', async () => {
  const { made, passes } = running(async () => {
    throw new TerminalError('the spec is wrong');
  });
  made.enqueue('a');
  await clock.advance(3_600_000);
  expect(passes).toEqual(['a 0']);
  made.enqueue('a');
  await clock.advance(0);
  expect(passes).toHaveLength(2);
  expect(await counted('controller_runtime_terminal_reconcile_errors_total')).toEqual(['{controller="widgets"} 2']);
});

test('a pass that asks for a later one gets it, and its earlier failures are forgotten', async () => {
  const outcomes = ['fail', 'fail', 'later', 'fail', 'end'];
  const { made, passes } = running(async () => {
    const outcome = outcomes.shift();
    if (outcome === 'fail') throw new Error('not yet');
    return outcome === 'later' ? { requeueAfterMilliseconds: 30_000 } : undefined;
  });
  made.enqueue('a');
  await clock.advance(3_600_000);
  expect(passes).toEqual(['a 0', 'a 1000', 'a 3000', 'a 33000', 'a 34000']);
});

test('no pass begins on a cache older than our own last write: it is put off, counted, and never dropped', async () => {
  let current = false;
  const { made, passes } = running(async () => undefined, { isCurrent: () => current });
  made.enqueue('a');
  await clock.advance(1_000);
  expect(passes).toEqual([]);
  current = true;
  await clock.advance(200);
  expect(passes).toEqual(['a 1200']);
  expect(await counted('controller_runtime_reconcile_total')).toContain('{controller="widgets",result="deferred"} 6');
});

test('every pass has a reconcile id, its controller and its object in its logger', async () => {
  const { made } = running(async (_, context) => {
    context.logger.info('hello');
    return undefined;
  });
  made.enqueue('shop/a');
  made.enqueue('shop/b');
  await clock.advance(0);
  expect(logger.lines.map(({ fields }) => fields)).toEqual([
    { controller: 'widgets', namespace: 'shop', name: 'a', reconcileId: 'pass-1' },
    { controller: 'widgets', namespace: 'shop', name: 'b', reconcileId: 'pass-2' },
  ]);
});

test('the signal of a pass aborts at its timeout, which is counted and tried again', async () => {
  const { made, passes } = running((_, { signal }) => clock.sleep(3_600_000, signal).then(() => undefined), { passTimeoutMilliseconds: 5_000 });
  made.enqueue('a');
  await clock.advance(6_000);
  expect(passes).toEqual(['a 0', 'a 6000']);
  expect(await counted('controller_runtime_reconcile_timeouts_total')).toEqual(['{controller="widgets"} 1']);
});

test('programming errors are counted as panics, failures of the network are not', async () => {
  const errors = [new TypeError('x is undefined'), new TypeError('fetch failed', { cause: new Error('ECONNRESET') }), new Error('plain'), 'a string'];
  const { made } = running(async () => {
    throw errors.shift();
  });
  for (const key of ['a', 'b', 'c', 'd']) made.enqueue(key);
  await clock.advance(0);
  stopping.abort();
  expect(await counted('controller_runtime_reconcile_panics_total')).toEqual(['{controller="widgets"} 2']);
});

test('a conflict is said quietly, other failures loudly', async () => {
  const errors = [new KubeError('Conflict', 'modified', { status: 409 }), new Error('plain')];
  const { made } = running(async () => {
    throw errors.shift();
  });
  made.enqueue('a');
  made.enqueue('b');
  await clock.advance(0);
  stopping.abort();
  expect(logger.lines.map(({ level }) => level)).toEqual(['info', 'error']);
});

describe('on stop', () => {
  test('no pass begins, those that run may end, and run resolves when none is left', async () => {
    const { made, passes, ended } = running(() => clock.sleep(1_000).then(() => undefined));
    made.enqueue('a');
    made.enqueue('b');
    await clock.advance(500);
    stopping.abort(new Error('the process is ending'));
    let done = false;
    void ended.then(() => {
      done = true;
    });
    await clock.advance(499);
    expect(done).toBe(false);
    await clock.advance(1);
    expect([done, passes, clock.pending()]).toEqual([true, ['a 0'], 0]);
  });

  test('passes that run are aborted when there is no time left', async () => {
    const { made, ended } = running((_, { signal }) => clock.sleep(3_600_000, signal).then(() => undefined));
    made.enqueue('a');
    await clock.advance(0);
    stopping.abort();
    aborting.abort(new Error('no time left'));
    await ended;
    expect(logger.lines.map(({ message }) => message)).toEqual(['the pass was aborted, the process is ending']);
  });

  test('a controller that is started after the stop does nothing', async () => {
    stopping.abort();
    const { made, passes, ended } = running(async () => undefined);
    made.enqueue('a');
    await ended;
    expect(passes).toEqual([]);
  });
});
