import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { KubeApi, ListOptions, ObjectPage, WatchOptions } from '../../../src/controller/kube/api.ts';
import { KubeError, type KubeErrorKind } from '../../../src/controller/kube/errors.ts';
import { type Reflector, type ReflectorOptions, reflector } from '../../../src/controller/kube/reflector.ts';
import { type RuntimeMetrics, runtimeMetrics } from '../../../src/controller/metrics.ts';
import { type Widget, type WidgetSpec, widget, widgetType } from '../../support/kube-kinds.ts';
import { type KubeStore, kubeStore, type StoreCall, storeApi } from '../../support/kube-store.ts';
import { type RecordingLogger, recordingLogger } from '../../support/recording-logger.ts';
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts';

let clock: VirtualClock;
let store: KubeStore;
let logger: RecordingLogger;
let metrics: RuntimeMetrics;
let stop: AbortController;
let running: Promise<void>;
/** Every list and watch that was tried, with when. */
let calls: { verb: string; at: number; options: ListOptions & Partial<WatchOptions> }[];
/** Errors that the next lists or watches end with, in order. */
let failing: { list: unknown[]; watch: unknown[] };
/** Watches that are open now. */
let open: number;

beforeEach(() => {
  clock = virtualClock();
  store = kubeStore();
  logger = recordingLogger();
  metrics = runtimeMetrics();
  stop = new AbortController();
  running = Promise.resolve();
  calls = [];
  failing = { list: [], watch: [] };
  open = 0;
});

afterEach(async () => {
  stop.abort(new Error('the test is over'));
  await running;
  expect(open).toBe(0);
  expect(clock.pending()).toBe(0);
});

function api(): Pick<KubeApi, 'list' | 'watch'> {
  const plain = storeApi(store, ({ verb }: StoreCall) => {
    const error = verb === 'list' || verb === 'watch' ? failing[verb].shift() : undefined;
    if (error !== undefined) throw error;
  });
  const note = (verb: string, options: object): void => void calls.push({ verb, at: clock.monotonic(), options });
  return {
    list: (type, options = {}) => {
      note('list', options);
      return plain.list(type, options);
    },
    async *watch(type, options) {
      note('watch', options);
      open += 1;
      try {
        yield* plain.watch(type, options) as AsyncIterable<never>;
      } finally {
        open -= 1;
      }
    },
  };
}

function make(options: Partial<ReflectorOptions<Widget>> = {}): Reflector<Widget> {
  return reflector<Widget>({ api: api(), type: widgetType, clock, logger, metrics, random: () => 0, resyncMilliseconds: 0, ...options });
}

function start(made: Reflector<Widget>): Reflector<Widget> {
  running = made.run(stop.signal);
  return made;
}

/** Enqueued keys since the last look, low ones marked. */
function listen(to: Reflector<Widget>, how: Parameters<Reflector<Widget>['subscribe']>[0] extends infer S ? Partial<S> : never = {}): () => string[] {
  const heard: string[] = [];
  to.subscribe({ enqueue: (key, priority) => void heard.push(priority === 'low' ? `${key} low` : key), ...how });
  return () => heard.splice(0);
}

const error = (kind: KubeErrorKind, status = 0, retryAfterMilliseconds?: number): KubeError =>
  new KubeError(kind, `a test wants ${kind}`, { status, retryAfterMilliseconds });
const add = (name: string, spec: WidgetSpec = {}): void => void store.create(widgetType, widget(name, spec));
const change = (name: string, spec: WidgetSpec): void => void store.merge(widgetType, { namespace: 'shop', name }, { spec });
const remove = (name: string): void => store.remove(widgetType, { namespace: 'shop', name });
const verbs = (): string[] => calls.map(({ verb }) => verb);

test('first lists, then follows: additions, changes and deletions arrive in the cache, their keys at the subscribers', async () => {
  add('a', { size: 1 });
  const made = start(make());
  const heard = listen(made);
  await clock.advance(0);
  expect(heard()).toEqual(['shop/a low']);
  add('b');
  change('a', { size: 2 });
  await clock.advance(0);
  remove('b');
  await clock.advance(0);
  expect(heard()).toEqual(['shop/b', 'shop/a', 'shop/b']);
  expect(made.cache.list().map(({ metadata, spec }) => [metadata.name, spec])).toEqual([['a', { size: 2 }]]);
  expect(verbs()).toEqual(['list', 'watch']);
});

describe('it stops only when its signal aborts', () => {
  const breaks: [string, KubeError | Error][] = [
    ['a socket reset', error('Unavailable')],
    ['401', error('Unauthorized', 401)],
    ['403', error('Forbidden', 403)],
    ['429', error('TooManyRequests', 429)],
    ['500', error('Unavailable', 500)],
    ['an error event in the stream', error('Unavailable', 500)],
    ['something that is no KubeError', new TypeError('fetch failed')],
  ];
  test.each(breaks)('a watch that fails with %s is opened again', async (_, broken) => {
    failing.watch = [broken, broken];
    const made = start(make());
    await clock.advance(10_000);
    add('a');
    await clock.advance(0);
    expect(made.cache.size()).toBe(1);
    expect(verbs()).toEqual(['list', 'watch', 'watch', 'watch']);
  });

  test.each(breaks)('a list that fails with %s is tried again', async (_, broken) => {
    failing.list = [broken, broken];
    const made = start(make());
    await clock.advance(10_000);
    expect(verbs()).toEqual(['list', 'list', 'list', 'watch']);
    await made.hasSynced;
  });

  test('an abort during a watch ends it without an error', async () => {
    start(make());
    await clock.advance(0);
    stop.abort(new Error('enough'));
    await running;
    expect(logger.lines.filter(({ level }) => level !== 'info')).toEqual([]);
  });

  test('after an abort during a list or a wait no watch is opened', async () => {
    const { promise: never } = Promise.withResolvers<void>();
    start(make({ api: storeApi(store, () => never) }));
    await clock.advance(0);
    stop.abort(new Error('enough'));
    await running;

    stop = new AbortController();
    failing.list = [error('Unavailable')];
    start(make());
    await clock.advance(10);
    stop.abort(new Error('enough'));
    await running;
    await clock.advance(60_000);
    expect(verbs()).toEqual(['list']);
  });

  test('a second run is refused', async () => {
    const made = start(make());
    await expect(made.run(stop.signal)).rejects.toThrow('started twice');
  });
});

describe('hasSynced', () => {
  test('resolves after the first complete list and not before, also when lists fail at first', async () => {
    add('a');
    failing.list = [error('Unavailable'), error('Forbidden', 403)];
    const synced = vi.fn();
    const made = start(make());
    void made.hasSynced.then(synced);
    await clock.advance(400);
    expect(synced).not.toHaveBeenCalled();
    await clock.advance(10_000);
    expect(synced).toHaveBeenCalledOnce();
    expect(made.cache.size()).toBe(1);
  });
});

describe('after a break', () => {
  test('goes on from the last version that it knows, and nothing that happened in the gap is missed', async () => {
    const made = start(make());
    await clock.advance(0);
    add('a');
    await clock.advance(0);
    const known = store.version();
    failing.watch = [error('Unavailable'), error('Unavailable')];
    await clock.advance(51_000); // The open watch is silent, and is given up.
    add('b');
    await clock.advance(10_000);
    expect(made.cache.size()).toBe(2);
    expect(verbs().filter((verb) => verb === 'list')).toHaveLength(1);
    expect(calls.at(-1)?.options.resourceVersion).toBe(known);
  });

  test('a version that is gone makes it list again; what vanished in the gap is deleted, what is new is added', async () => {
    add('a');
    add('b');
    const made = start(make());
    const heard = listen(made);
    await clock.advance(0);
    heard();
    failing.watch = [error('Unavailable')];
    await clock.advance(50_100);
    remove('a');
    add('c');
    store.compact();
    await clock.advance(10_000);
    expect(heard()).toEqual(['shop/a', 'shop/c']);
    expect(verbs().filter((verb) => verb === 'list')).toHaveLength(2);
  });

  test('an object that was deleted and made again under its name in the gap is two changes, not one', async () => {
    add('a', { parts: ['old'] });
    const made = start(make());
    const keysOf = vi.fn((object: Widget) => (object.spec?.parts ?? []).map((part) => `part/${part}`));
    const relevant = vi.fn(() => false);
    const heard = listen(made, { keysOf, relevant });
    await clock.advance(0);
    heard();
    failing.watch = [error('Unavailable')];
    await clock.advance(50_100);
    remove('a');
    add('a', { parts: ['new'] });
    store.compact();
    await clock.advance(10_000);
    expect(heard()).toEqual(['part/old', 'part/new']);
    expect(relevant).not.toHaveBeenCalled();
  });

  test('a server that was restored, counts from a lower version and refuses ours is listed again', async () => {
    add('a');
    const made = start(make());
    await clock.advance(0);
    failing.watch = [error('Unavailable')];
    await clock.advance(50_100);
    remove('a');
    store.resetVersion(50);
    add('b');
    await clock.advance(60_000);
    expect(made.cache.keys()).toEqual(['shop/b']);
    expect(verbs().filter((verb) => verb === 'list')).toHaveLength(2);
  });
});

describe('it never loops hot', () => {
  /** Times between tries, in milliseconds. */
  const gaps = (verb: string): number[] => {
    const at = calls.filter((call) => call.verb === verb).map((call) => call.at);
    return at.slice(1).map((time, i) => time - (at[i] ?? 0));
  };

  test('failures in a row wait longer and longer, to a bound', async () => {
    failing.list = Array.from({ length: 9 }, () => error('Unavailable'));
    start(make());
    await clock.advance(300_000);
    expect(gaps('list')).toEqual([800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000, 10_000, 10_000]);
  });

  test('watches that the server closes at once, or answers with Gone again and again, count as failures', async () => {
    const closing: Pick<KubeApi, 'list' | 'watch'> = {
      ...api(),
      // biome-ignore lint/correctness/useYield: a watch without any event
      async *watch(_, options) {
        calls.push({ verb: 'watch', at: clock.monotonic(), options });
        options.onOpen?.();
      },
    };
    start(make({ api: closing }));
    await clock.advance(6_000);
    expect(gaps('watch')).toEqual([800, 1_600, 3_200]);
    stop.abort(new Error('next'));
    await running;

    stop = new AbortController();
    calls = [];
    failing.watch = Array.from({ length: 4 }, () => error('Gone', 410));
    start(make());
    await clock.advance(30_000);
    expect(gaps('list')).toEqual([800, 1_600, 3_200, 6_400]);
  });

  test('a watch that lived long ends the row of failures', async () => {
    let lives = [0, 0, 0, 60_000, 0];
    const breaking: Pick<KubeApi, 'list' | 'watch'> = {
      ...api(),
      // biome-ignore lint/correctness/useYield: a watch without any event
      async *watch(_, options) {
        calls.push({ verb: 'watch', at: clock.monotonic(), options });
        options.onOpen?.();
        const [life = 0, ...others] = lives;
        lives = others;
        await clock.sleep(life, options.signal);
        throw error('Unavailable');
      },
    };
    start(make({ api: breaking, silenceMilliseconds: 100_000 }));
    await clock.advance(69_000);
    expect(gaps('watch')).toEqual([800, 1_600, 3_200, 60_800, 1_600]);
  });

  test('a Retry-After is honoured', async () => {
    failing.watch = [error('TooManyRequests', 429, 17_000)];
    start(make());
    await clock.advance(20_000);
    expect(gaps('watch')).toEqual([17_000]);
  });
});

describe('a watch in which nothing is heard', () => {
  test('is given up, opened anew at once, and counted', async () => {
    const deaf = storeApi(store);
    let listening = false;
    const blackHole: Pick<KubeApi, 'list' | 'watch'> = {
      list: deaf.list,
      async *watch(type, options) {
        options.onOpen?.();
        if (!listening) await clock.sleep(3_600_000, options.signal);
        yield* deaf.watch(type, options) as AsyncIterable<never>;
      },
    };
    const made = start(make({ api: blackHole }));
    await clock.advance(0);
    add('a');
    listening = true;
    await clock.advance(49_000);
    expect([made.cache.size(), made.secondsSinceContact()]).toEqual([0, 49]);
    await clock.advance(1_000);
    expect(made.cache.size()).toBe(1);
    expect(made.secondsSinceContact()).toBe(0);
    expect(await metrics.registry.metrics()).toContain('reflector_silent_watches_total{kind="Widget"} 1');
  });

  test('is followed by shorter ones, whose orderly ends are the sign of life, until something happens', async () => {
    const real: Pick<KubeApi, 'list' | 'watch'> = {
      list: api().list,
      async *watch(_, options) {
        calls.push({ verb: 'watch', at: clock.monotonic(), options });
        options.onOpen?.();
        if (calls.length === 4) yield { type: 'ADDED', object: widget('a', {}, { resourceVersion: '150' }) as never };
        await clock.sleep((options.timeoutSeconds - 2) * 1_000, options.signal);
        yield { type: 'BOOKMARK', resourceVersion: String(200 + calls.length) };
        await clock.sleep(2_000, options.signal);
      },
    };
    start(make({ api: real }));
    await clock.advance(141_000);
    const watches = calls.filter(({ verb }) => verb === 'watch').map(({ options }) => [options.timeoutSeconds, options.resourceVersion]);
    expect(watches).toEqual([
      [240, '100'], // silent for 50 s
      [45, '100'],
      [45, '203'], // an event comes in it
      [240, '204'],
    ]);
  });

  test('is an error when the server had promised to end it before', async () => {
    const dead = storeApi(store); // never ends a watch
    start(make({ api: dead }));
    await clock.advance(50_000);
    expect(logger.lines).toEqual([]);
    await clock.advance(50_000);
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn']);
    expect(await metrics.registry.metrics()).toContain('reflector_silent_watches_total{kind="Widget"} 2');
  });

  test('is not what bookmarks tell of: they keep it open and move the version', async () => {
    const bookmarking: Pick<KubeApi, 'list' | 'watch'> = {
      list: api().list,
      async *watch(_, options) {
        calls.push({ verb: 'watch', at: clock.monotonic(), options });
        options.onOpen?.();
        for (let version = 1_000; ; version++) {
          await clock.sleep(40_000, options.signal);
          yield { type: 'BOOKMARK', resourceVersion: String(version) };
        }
      },
    };
    const made = start(make({ api: bookmarking }));
    await clock.advance(200_000);
    expect(verbs()).toEqual(['list', 'watch']);
    expect(made.cache.resourceVersion()).toBe('1004');
  });
});

describe('subscribers', () => {
  test('one that throws disturbs neither the loop nor the others', async () => {
    const made = start(make());
    const throws = (): never => {
      throw new Error('a bug');
    };
    made.subscribe({ enqueue: throws });
    made.subscribe({ enqueue: () => {}, keysOf: throws });
    const heard = listen(made);
    await clock.advance(0);
    add('a');
    await clock.advance(0);
    add('b');
    await clock.advance(0);
    expect(heard()).toEqual(['shop/a', 'shop/b']);
    expect(made.cache.size()).toBe(2);
    expect(logger.lines.filter(({ message }) => message === 'a subscriber failed')).toHaveLength(4);
    expect(verbs()).toEqual(['list', 'watch']);
  });

  test('get the keys of both sides of a change', async () => {
    const made = start(make());
    const heard = listen(made, { keysOf: (object: Widget) => object.spec?.parts ?? [] });
    await clock.advance(0);
    add('a', { parts: ['wheel', 'door'] });
    change('a', { parts: ['door', 'seat'] });
    remove('a');
    await clock.advance(0);
    expect(heard()).toEqual(['wheel', 'door', 'wheel', 'door', 'seat', 'door', 'seat']);
  });

  test('are not told of changes that they call irrelevant', async () => {
    const made = start(make());
    const heard = listen(made, { relevant: (before: Widget, after: Widget) => before.spec?.size !== after.spec?.size });
    await clock.advance(0);
    add('a', { size: 1 });
    store.merge(widgetType, { namespace: 'shop', name: 'a' }, { status: { phase: 'Ready' } });
    change('a', { size: 2 });
    await clock.advance(0);
    expect(heard()).toEqual(['shop/a', 'shop/a']);
  });

  test('that come late are told of all that is there', async () => {
    add('a');
    const made = start(make());
    await clock.advance(0);
    expect(listen(made)()).toEqual(['shop/a low']);
  });

  test('hear of every key again at each resync, at low priority', async () => {
    add('a');
    const made = start(make({ resyncMilliseconds: 600_000, random: () => 0.5 }));
    const heard = listen(made, { relevant: () => false });
    await clock.advance(0);
    heard();
    await clock.advance(600_000);
    expect(heard()).toEqual(['shop/a low']);
    await clock.advance(600_000);
    expect(heard()).toEqual(['shop/a low']);
  });
});

describe('lists', () => {
  const pages = (...answers: (ObjectPage<Widget> | KubeError)[]): Pick<KubeApi, 'list' | 'watch'> => ({
    list: async (_, options = {}) => {
      calls.push({ verb: 'list', at: clock.monotonic(), options });
      const answer = answers.shift();
      if (answer instanceof KubeError) throw answer;
      return answer as never;
    },
    watch: (type, options) => {
      calls.push({ verb: 'watch', at: clock.monotonic(), options });
      return storeApi(store).watch(type, { ...options, resourceVersion: store.version() });
    },
  });
  const listed = (name: string, version: number): Widget => widget(name, {}, { uid: name, resourceVersion: String(version) });

  test('are read page by page, and the watch begins at the version of the first', async () => {
    const first = { items: [listed('a', 5), listed('b', 6)], resourceVersion: '10', continue: 'more' };
    const second = { items: [listed('b', 12), listed('c', 11)], resourceVersion: '12' };
    const made = start(make({ api: pages(first, second), pageSize: 2 }));
    await clock.advance(0);
    expect(calls.map(({ options }) => [options.limit, options.continue])).toEqual([
      [2, undefined],
      [2, 'more'],
      [undefined, undefined],
    ]);
    expect(calls.at(-1)?.options.resourceVersion).toBe('10');
    expect(made.cache.get('shop/b')?.metadata.resourceVersion).toBe('12');
    expect(made.cache.size()).toBe(3);
  });

  test('start again in one piece when the token is gone in the middle', async () => {
    const first = { items: [listed('a', 5)], resourceVersion: '10', continue: 'more' };
    const whole = { items: [listed('a', 5), listed('b', 6)], resourceVersion: '20' };
    const made = start(make({ api: pages(first, error('Gone', 410), whole) }));
    await clock.advance(0);
    expect(calls.map(({ options }) => options.limit)).toEqual([500, 500, undefined, undefined]);
    expect([made.cache.size(), calls.at(-1)?.options.resourceVersion]).toEqual([2, '20']);
  });

  test('and the watches after them have the same selection, so neither undoes the other', async () => {
    const selection = { namespace: 'shop', labelSelector: 'tier=gold' };
    start(make({ selection }));
    await clock.advance(0);
    expect(calls).toHaveLength(2);
    for (const { options } of calls) expect(options).toMatchObject(selection);
  });
});

test('a watch asks for bookmarks and for an end after four to five minutes', async () => {
  start(make({ random: () => 0.999 }));
  await clock.advance(0);
  expect(calls.at(-1)?.options).toMatchObject({ bookmarks: true, timeoutSeconds: 299 });
});

test('objects in the cache are frozen, and dates in them are strings', async () => {
  add('a', { parts: ['wheel'] });
  const made = start(make());
  await clock.advance(0);
  const object = made.cache.get('shop/a');
  expect(Object.isFrozen(object?.spec?.parts)).toBe(true);
  expect(typeof object?.metadata.creationTimestamp).toBe('string');
});
