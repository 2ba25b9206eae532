import { afterAll, beforeAll, expect, test } from 'vitest';
import { kubeTime, systemClock } from '../../../src/controller/clock.ts';
import { type Condition, mergeConditions, type WantedCondition } from '../../../src/controller/conditions.ts';
import type { KubeClient } from '../../../src/controller/kube/client.ts';
import { type Reflector, reflector } from '../../../src/controller/kube/reflector.ts';
import { silentLogger } from '../../../src/controller/logger.ts';
import { runtimeMetrics } from '../../../src/controller/metrics.ts';
import { type OwnWrites, ownWrites } from '../../../src/controller/own-writes.ts';
import { type StatusWriter, statusWriter } from '../../../src/controller/status-writer.ts';
import { stack } from '../../stack/for-tests.ts';
import { clientFor, freshNamespace, type Gadget, gadget, gadgetType } from './world.ts';

let api: KubeClient;
let namespace: string;
let cache: Reflector<Gadget>;
let writes: OwnWrites;
let operator: StatusWriter;
let worker: StatusWriter;
const stop = new AbortController();
const { signal } = stop;
const isWorkers = (type: string): boolean => type.startsWith('Worker');

beforeAll(async () => {
  api = clientFor(stack().kubernetes.kubeconfigPath);
  namespace = await freshNamespace(api);
  cache = reflector<Gadget>({ api, type: gadgetType, selection: { namespace }, clock: systemClock, logger: silentLogger, metrics: runtimeMetrics() });
  void cache.run(signal);
  await cache.hasSynced;
  writes = ownWrites(cache.cache, systemClock);
  operator = statusWriter({ api, type: gadgetType, fieldManager: 'grue-status', writes, ownsCondition: (type) => !isWorkers(type) });
  worker = statusWriter({ api, type: gadgetType, fieldManager: 'grue-worker', writes: ownWrites(cache.cache, systemClock), ownsCondition: isWorkers });
});

afterAll(() => {
  stop.abort(new Error('the test is over'));
  api.close();
});

const create = (name: string): Promise<Gadget> => api.create<Gadget>(gadgetType, gadget(namespace, name), { fieldManager: 'grue-test' });
const read = (name: string): Promise<Gadget> => api.get<Gadget>(gadgetType, { namespace, name });
const conditions = (wanted: readonly WantedCondition[]): readonly Condition[] => mergeConditions([], wanted, { now: kubeTime(Date.now()), generation: 1 });
const said = (type: string, status: Condition['status'] = 'True'): WantedCondition => ({ type, status, reason: 'Test', message: '' });

test('operator and worker write conditions of their own into one list, and neither removes those of the other', async () => {
  await create('shared');
  await operator.write(await read('shared'), { phase: 'Running', conditions: conditions([said('Ready')]) }, signal);
  await worker.write(await read('shared'), { conditions: conditions([said('WorkerRunning')]) }, signal);
  await operator.write(await read('shared'), { phase: 'Stopped', conditions: conditions([said('Ready', 'False')]) }, signal);
  const status = (await read('shared')).status as { phase: string; conditions: Condition[] };
  expect([status.phase, ...status.conditions.map(({ type, status: value }) => `${type}=${value}`).sort()]).toEqual([
    'Stopped',
    'Ready=False',
    'WorkerRunning=True',
  ]);
});

test('what the writer said before and leaves out now is removed', async () => {
  await create('shrinking');
  await operator.write(await read('shrinking'), { phase: 'Running', lag: '12', conditions: conditions([said('Ready'), said('Stalled')]) }, signal);
  await operator.write(await read('shrinking'), { phase: 'Running', conditions: conditions([said('Ready')]) }, signal);
  expect((await read('shrinking')).status).toEqual({ phase: 'Running', conditions: [expect.objectContaining({ type: 'Ready' })] });
});

test('what was written reads back as equal, so nothing is written again', async () => {
  await create('settled');
  const status = { phase: 'Running', conditions: conditions([said('Ready')]) };
  expect(await operator.write(await read('settled'), status, signal)).toBe('written');
  const before = await read('settled');
  expect(await operator.write(before, status, signal)).toBe('unchanged');
  expect((await read('settled')).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  expect(before.metadata.generation).toBe(1);
});

test('a status computed from an object that was deleted and made again is not written', async () => {
  const first = await create('again');
  await api.delete(gadgetType, { namespace, name: 'again' }, { uid: first.metadata.uid ?? '' });
  expect(await operator.write(first, { phase: 'Running' }, signal)).toBe('gone');
  await create('again');
  await expect(operator.write(first, { phase: 'Running' }, signal)).rejects.toMatchObject({ kind: 'Conflict' });
  expect((await read('again')).status).toBeUndefined();
});

test('right after a write the cache is not current, and it becomes so', async () => {
  await create('current');
  let behind = 0;
  for (let i = 0; i < 50; i++) {
    await operator.write(await read('current'), { phase: `step-${i}` }, signal);
    if (!writes.cacheIsCurrent(`${namespace}/current`)) behind += 1;
    await expect.poll(() => writes.cacheIsCurrent(`${namespace}/current`), { interval: 1 }).toBe(true);
    expect(cache.cache.get(`${namespace}/current`)?.status).toEqual({ phase: `step-${i}` });
  }
  console.info(`the cache was behind right after ${behind} of 50 writes`);
});
