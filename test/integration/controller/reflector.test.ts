import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/controller/clock.ts';
import type { KubeClient } from '../../../src/controller/kube/client.ts';
import { type Reflector, type ReflectorOptions, reflector } from '../../../src/controller/kube/reflector.ts';
import { type RuntimeMetrics, runtimeMetrics } from '../../../src/controller/metrics.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { type RecordingLogger, recordingLogger } from '../../support/recording-logger.ts';
import { clientFor, freshNamespace, type Gadget, gadget, gadgetType } from './world.ts';

// A server of its own: it is frozen, killed and restarted here, which no other test should have to live with.

let own: Stack;
let api: KubeClient;
let namespace: string;
let stop: AbortController;
let running: Promise<void>;
let logger: RecordingLogger;
let metrics: RuntimeMetrics;

beforeAll(async () => {
  own = await startStack({ only: ['kubernetes'] });
  api = clientFor(own.kubernetes.kubeconfigPath, 10_000);
  namespace = await freshNamespace(api);
});

afterAll(async () => {
  api.close();
  await own.stop();
});

beforeEach(() => {
  stop = new AbortController();
  running = Promise.resolve();
  logger = recordingLogger();
  metrics = runtimeMetrics();
});

afterEach(async () => {
  stop.abort(new Error('the test is over'));
  await running;
});

async function start(options: Partial<ReflectorOptions<Gadget>> = {}): Promise<Reflector<Gadget>> {
  const made = reflector<Gadget>({ api, type: gadgetType, selection: { namespace }, clock: systemClock, logger, metrics, ...options });
  running = made.run(stop.signal);
  await expect.poll(() => value('reflector_watches_total'), { timeout: 20_000 }).toBe(1);
  return made;
}

const manager = { fieldManager: 'grue-test' };
const create = (name: string): Promise<Gadget> => api.create(gadgetType, gadget(namespace, name), manager);
const resize = (name: string, size: number): Promise<Gadget> => api.mergePatch(gadgetType, { namespace, name }, { spec: { size } }, manager);
const remove = ({ metadata }: Gadget): Promise<void> => api.delete(gadgetType, metadata, { uid: metadata.uid ?? '' });
const sizeOf = (made: Reflector<Gadget>, name: string): number | undefined => made.cache.get(`${namespace}/${name}`)?.spec?.size;
const value = async (name: string): Promise<number> => (await metrics.registry.getSingleMetric(name)?.get())?.values[0]?.value ?? Number.NaN;

test('additions, changes and deletions arrive; managed fields do not', async () => {
  const made = await start();
  const first = await create('plain');
  await expect.poll(() => sizeOf(made, 'plain')).toBe(1);
  await resize('plain', 2);
  await expect.poll(() => sizeOf(made, 'plain')).toBe(2);
  expect(first.metadata.managedFields).toBeDefined();
  expect(made.cache.get(`${namespace}/plain`)?.metadata.managedFields).toBeUndefined();
  await remove(first);
  await expect.poll(() => made.cache.size()).toBe(0);
});

test('hundreds of changes by twenty writers arrive, and the cache is equal to the server', async () => {
  const made = await start({ pageSize: 50 });
  const names = Array.from({ length: 100 }, (_, i) => `many-${i}`);
  for (const name of names) await create(name);
  const writers = names.slice(0, 20).map(async (name) => {
    for (let size = 2; size < 12; size++) await resize(name, size);
  });
  await Promise.all(writers);
  const { items } = await api.list<Gadget>(gadgetType, { namespace });
  const there = Object.fromEntries(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
  await expect.poll(() => Object.fromEntries(made.cache.list().map(({ metadata }) => [metadata.name, metadata.resourceVersion]))).toEqual(there);
  for (const item of items) await remove(item);
  await expect.poll(() => made.cache.size()).toBe(0);
});

describe('a server that', () => {
  test('is restarted is followed again, and what happened after it came back arrives', async () => {
    const made = await start();
    await own.restart('kube-apiserver');
    await expect
      .poll(
        () =>
          create('restarted').then(
            () => true,
            () => false,
          ),
        { timeout: 20_000, interval: 200 },
      )
      .toBe(true);
    await expect.poll(() => sizeOf(made, 'restarted'), { timeout: 35_000 }).toBe(1);
  });

  test('is killed and stays away for a while is followed again', async () => {
    const made = await start();
    await own.kill('kube-apiserver', 'SIGKILL');
    await systemClock.sleep(5_000);
    await own.startServer('kube-apiserver');
    await expect
      .poll(
        () =>
          create('killed').then(
            () => true,
            () => false,
          ),
        { timeout: 20_000, interval: 200 },
      )
      .toBe(true);
    await expect.poll(() => sizeOf(made, 'killed'), { timeout: 35_000 }).toBe(1);
  });

  test('is frozen with its connections open is noticed, and followed again after it thaws', async () => {
    const made = await start({ silenceMilliseconds: 5_000 });
    await own.pause('kube-apiserver');
    try {
      await expect.poll(() => value('reflector_silent_watches_total'), { timeout: 10_000 }).toBe(1);
      expect(made.secondsSinceContact()).toBeGreaterThan(4.9);
    } finally {
      await own.resume('kube-apiserver');
    }
    await expect
      .poll(
        () =>
          create('thawed').then(
            () => true,
            () => false,
          ),
        { timeout: 20_000, interval: 200 },
      )
      .toBe(true);
    await expect.poll(() => sizeOf(made, 'thawed'), { timeout: 35_000 }).toBe(1);
  });
});

test('a quiet kind is told from a dead server: after one silence its watches end in order, nothing is listed again, and nobody is warned', async () => {
  const made = await start({ silenceMilliseconds: 8_000 });
  await systemClock.sleep(18_000);
  expect([await value('reflector_silent_watches_total'), await value('reflector_lists_total')]).toEqual([1, 1]);
  expect(made.secondsSinceContact()).toBeLessThan(5);
  expect(logger.lines).toEqual([]);
});
