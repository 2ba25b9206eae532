import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/controller/clock.ts';
import { type KubeClient, kubeClient } from '../../../src/controller/kube/client.ts';
import { type Reflector, type ReflectorOptions, reflector } from '../../../src/controller/kube/reflector.ts';
import { runtimeMetrics } from '../../../src/controller/metrics.ts';
import { type FakeApiServer, type Fault, fakeApiServer } from '../../support/fake-api-server.ts';
import { type Widget, widget, widgetType } from '../../support/kube-kinds.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

// The reflector and the client together, over real sockets, against a server that does what real ones do on bad days.

let server: FakeApiServer;
let client: KubeClient;
let stop: AbortController;
let running: Promise<void>;

beforeEach(begin);
afterEach(end);

async function begin(): Promise<void> {
  server = await fakeApiServer(widgetType);
  const { request } = runtimeMetrics();
  client = kubeClient({
    config: server.config,
    clock: systemClock,
    metrics: { request },
    userAgent: 'grue/test',
    timeoutMilliseconds: 150,
    rate: { perSecond: 1e6, burst: 1e6 },
  });
  stop = new AbortController();
  running = Promise.resolve();
}

async function end(): Promise<void> {
  stop.abort(new Error('the test is over'));
  await running;
  await expect.poll(() => server.watches.length).toBe(0);
  client.close();
  await server.close();
}

function start(options: Partial<ReflectorOptions<Widget>> = {}): Reflector<Widget> {
  const made = reflector<Widget>({
    api: client,
    type: widgetType,
    clock: systemClock,
    logger: recordingLogger(),
    metrics: runtimeMetrics(),
    backoff: { baseMilliseconds: 2, maxMilliseconds: 10, jitter: 0.5 },
    silenceMilliseconds: 200,
    resyncMilliseconds: 0,
    ...options,
  });
  running = made.run(stop.signal);
  return made;
}

const names = (made: Reflector<Widget>): string[] =>
  made.cache
    .keys()
    .map((key) => key.slice('shop/'.length))
    .sort();
const add = (name: string): void => void server.store.create(widgetType, widget(name));

test('a black hole heals: the server accepts the watch, says nothing more, and the connection stays', async () => {
  const made = start();
  await expect.poll(() => server.watches.length).toBe(1);
  server.watches[0]?.silence();
  add('a');
  await expect.poll(() => names(made)).toEqual(['a']);
  expect(server.requests.filter(({ watch }) => !watch)).toHaveLength(1);
});

test('a slow first list delays hasSynced, a list that never ends is tried again', async () => {
  add('a');
  const faults: Fault[] = [{ do: 'delay', milliseconds: 100 }, { do: 'hang' }];
  server.fault = ({ watch }) => (watch ? undefined : faults.pop());
  const made = start();
  const begun = performance.now();
  await made.hasSynced;
  expect(performance.now() - begun).toBeGreaterThan(200);
  expect(names(made)).toEqual(['a']);
});

test('the connection is cut in the middle of a list of many pages', async () => {
  for (let i = 0; i < 25; i++) add(`w-${String(i).padStart(2, '0')}`);
  let pages = 0;
  server.fault = ({ watch }) => (!watch && ++pages === 3 ? { do: 'drop' } : undefined);
  const made = start({ pageSize: 10 });
  await made.hasSynced;
  expect(made.cache.size()).toBe(25);
});

test('429 with Retry-After and 503 while listing and watching', async () => {
  const faults: Fault[] = [
    { do: 'answer', code: 429, headers: { 'retry-after': '0.1' } },
    { do: 'answer', code: 503 },
    { do: 'answer', code: 429, headers: { 'retry-after': '0.1' } },
  ];
  server.fault = () => faults.pop();
  const made = start();
  await made.hasSynced;
  add('a');
  await expect.poll(() => names(made)).toEqual(['a']);
});

test('all connections are cut at once, again and again', async () => {
  const made = start();
  for (const name of ['a', 'b', 'c', 'd']) {
    add(name);
    server.cutAll();
    await expect.poll(() => names(made)).toContain(name);
  }
  expect(server.requests.filter(({ watch }) => !watch)).toHaveLength(1);
});

describe('whatever happens', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const fault = fc.oneof(
    fc.constant<Fault>({ do: 'drop' }),
    fc.constantFrom(401, 403, 410, 429, 500, 503).map((code): Fault => ({ do: 'answer', code })),
    fc.constant<Fault>({ do: 'answer', code: 200, body: 'no json' }),
    fc.constant<Fault>({ do: 'delay', milliseconds: 5 }),
  );
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('add' as const, 'change' as const, 'remove' as const, 'recreate' as const), name }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('fault' as const), fault }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom('cut' as const, 'end' as const, 'gone' as const, 'garbage' as const, 'bookmark' as const, 'compact' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
  );

  test('the cache ends up equal to the server, and subscribers were told of every key that differs from what they last saw', async () => {
    await fc.assert(
      fc
        .asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
          const faults: Fault[] = [];
          server.fault = () => faults.shift();
          const made = start({ pageSize: 2 });
          const seen = new Map<string, string | undefined>(); // what a subscriber saw when it was last told
          const versionOf = (key: string): string | undefined => made.cache.get(key)?.metadata.resourceVersion;
          made.subscribe({ enqueue: (key) => void seen.set(key, versionOf(key)) });
          for (const each of steps) {
            const ref = { namespace: 'shop', name: 'name' in each ? each.name : '' };
            const exists = server.store.list(widgetType).some(({ metadata }) => metadata.name === ref.name);
            const [open] = server.watches;
            if (each.do === 'add' && !exists) add(ref.name);
            if (each.do === 'change' && exists) server.store.merge(widgetType, ref, { spec: { size: steps.indexOf(each) } });
            if ((each.do === 'remove' || each.do === 'recreate') && exists) server.store.remove(widgetType, ref);
            if (each.do === 'recreate' && exists) add(ref.name);
            if (each.do === 'fault') faults.push(each.fault);
            if (each.do === 'cut') server.cutAll();
            if (each.do === 'end') open?.end();
            if (each.do === 'gone') open?.event('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
            if (each.do === 'garbage') open?.raw('{"type":');
            if (each.do === 'bookmark') open?.bookmark();
            if (each.do === 'compact') server.store.compact();
            if (each.do === 'wait') await systemClock.sleep(3);
          }
          faults.length = 0;
          const there = (): unknown =>
            Object.fromEntries(server.store.list(widgetType).map(({ metadata }) => [`shop/${metadata.name}`, metadata.resourceVersion]));
          const here = (): unknown => Object.fromEntries(made.cache.keys().map((key) => [key, versionOf(key)]));
          await expect.poll(here, { timeout: 3_000, interval: 2 }).toEqual(there());
          expect(Object.fromEntries([...seen].filter(([, version]) => version !== undefined))).toEqual(there());
        })
        .beforeEach(async () => {
          await end();
          await begin();
        }),
      { numRuns: 40, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: false },
    );
  }, 30_000);
});
