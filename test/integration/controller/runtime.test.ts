import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/controller/clock.ts';
import { controller } from '../../../src/controller/controller.ts';
import { eventRecorder, eventType } from '../../../src/controller/events.ts';
import type { KubeClient } from '../../../src/controller/kube/client.ts';
import { reflector } from '../../../src/controller/kube/reflector.ts';
import { leaderLease } from '../../../src/controller/lease.ts';
import { manager, runtimeChecks } from '../../../src/controller/manager.ts';
import { runtimeMetrics } from '../../../src/controller/metrics.ts';
import { ownWrites } from '../../../src/controller/own-writes.ts';
import { checkRoutes, httpServer, metricsRoute } from '../../../src/controller/server.ts';
import { statusWriter } from '../../../src/controller/status-writer.ts';
import { stack } from '../../stack/for-tests.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { clientFor, freshNamespace, type Gadget, gadget, gadgetType } from './world.ts';

// All parts together, as an operator wires them: this is also where to look for how that is done.

let api: KubeClient;
let namespace: string;

beforeAll(async () => {
  api = clientFor(stack().kubernetes.kubeconfigPath);
  namespace = await freshNamespace(api);
});

afterAll(() => api.close());

interface Pass {
  readonly by: string;
  readonly key: string;
  readonly from: number;
  readonly to: number;
}

/** One replica of an operator that doubles the size of each gadget into its status, slowly. */
function replica(identity: string, passes: Pass[]) {
  const clock = systemClock;
  const logger = recordingLogger();
  const metrics = runtimeMetrics();
  const newId = (): string => crypto.randomUUID();
  const gadgets = reflector<Gadget>({ api, type: gadgetType, selection: { namespace }, clock, logger, metrics });
  const writes = ownWrites(gadgets.cache, clock);
  const status = statusWriter({ api, type: gadgetType, fieldManager: 'grue-status', writes });
  const events = eventRecorder({
    api,
    clock,
    logger,
    metrics,
    newId,
    fieldManager: 'grue-events',
    reportingController: 'grue.dev/test',
    reportingInstance: identity,
  });
  const doubling = controller({
    name: 'doubling',
    clock,
    logger,
    metrics,
    newId,
    concurrency: 4,
    isCurrent: writes.cacheIsCurrent,
    reconcile: async (key, { signal }) => {
      const object = gadgets.cache.get(key);
      if (!object) return undefined;
      const from = performance.now();
      await clock.sleep(50, signal);
      const phase = String((object.spec?.size ?? 0) * 2);
      if ((await status.write(object, { phase }, signal)) === 'written') {
        events.record(object, { type: 'Normal', reason: 'Doubled', action: 'Double', note: `the double is ${phase}` });
      }
      passes.push({ by: identity, key, from, to: performance.now() });
      return undefined;
    },
  });
  doubling.watch(gadgets, { relevant: (before, after) => before.metadata.generation !== after.metadata.generation });
  const lease = leaderLease({ api, namespace, name: 'doubling', identity, fieldManager: 'grue-lease', clock, logger, metrics });
  const server = httpServer({ port: 0, routes: { ...checkRoutes(runtimeChecks([gadgets], [doubling])), ...metricsRoute(metrics.registry) } });
  let port = 0;
  const servers = [{ ...server, start: async () => (port = await server.start()) }];
  const stop = new AbortController();
  const parts = { clock, logger, reflectors: [gadgets], controllers: [doubling], servers, lease, events, exit: () => {} };
  const running = manager(parts).run(stop.signal);
  const get = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  return { stop: () => stop.abort(new Error('SIGTERM')), running, get };
}

test('two replicas: one works, the other follows within two seconds of its stop, no key ever has two passes at once, nothing is done twice', async () => {
  const passes: Pass[] = [];
  const sizes = new Map<string, number>();
  const phases = async (): Promise<unknown> => {
    const { items } = await api.list<Gadget>(gadgetType, { namespace });
    return Object.fromEntries(items.map(({ metadata, status }) => [metadata.name, Number(status?.['phase'])]));
  };
  const doubled = (): unknown => Object.fromEntries([...sizes].map(([name, size]) => [name, 2 * size]));

  for (let i = 0; i < 20; i++) {
    sizes.set(`gadget-${i}`, i + 1);
    await api.create(gadgetType, gadget(namespace, `gadget-${i}`, i + 1), { fieldManager: 'grue-test' });
  }
  const one = replica('one', passes);
  await expect.poll(phases, { timeout: 20_000 }).toEqual(doubled());
  const two = replica('two', passes);
  await expect.poll(() => two.get('/readyz')).toBe('ok\n');
  expect(await one.get('/metrics')).toContain('leader_election_master_status{name="doubling"} 1');
  expect(await two.get('/metrics')).toContain('leader_election_master_status{name="doubling"} 0');

  const edit = async (): Promise<void> => {
    for (const name of sizes.keys()) {
      const size = 1 + Math.floor(Math.random() * 90);
      sizes.set(name, size);
      await api.mergePatch(gadgetType, { namespace, name }, { spec: { size } }, { fieldManager: 'grue-test' });
    }
  };
  const editing = edit();
  one.stop();
  const stoppedAt = performance.now();
  await one.running;
  const endedAt = performance.now();
  await editing;
  await expect.poll(phases, { timeout: 20_000 }).toEqual(doubled());
  const firstOfTwo = Math.min(...passes.filter(({ by }) => by === 'two').map(({ from }) => from));
  console.info(`stop took ${Math.round(endedAt - stoppedAt)} ms, the other followed ${Math.round(firstOfTwo - endedAt)} ms later`);
  expect(firstOfTwo - endedAt).toBeLessThan(2_500);
  expect(Math.max(...passes.filter(({ by }) => by === 'one').map(({ to }) => to))).toBeLessThan(firstOfTwo);

  await edit();
  await expect.poll(phases, { timeout: 20_000 }).toEqual(doubled());
  const overlapping = passes.filter((a) => passes.some((b) => a !== b && a.key === b.key && a.from < b.to && b.from < a.to));
  expect(overlapping).toEqual([]);

  two.stop();
  await two.running;
  const written = (await api.list(eventType, { namespace })).items.length;
  expect(written).toBeGreaterThan(40);
}, 60_000);
