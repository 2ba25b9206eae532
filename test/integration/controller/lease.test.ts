import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/controller/clock.ts';
import type { KubeClient } from '../../../src/controller/kube/client.ts';
import { type LeaderLease, leaderLease, leaseType } from '../../../src/controller/lease.ts';
import { silentLogger } from '../../../src/controller/logger.ts';
import { runtimeMetrics } from '../../../src/controller/metrics.ts';
import { stack } from '../../stack/for-tests.ts';
import { clientFor, freshNamespace } from './world.ts';

let api: KubeClient;
let namespace: string;
const forever = new AbortController().signal;

beforeAll(async () => {
  api = clientFor(stack().kubernetes.kubeconfigPath);
  namespace = await freshNamespace(api);
});

afterAll(() => api.close());

function candidate(
  name: string,
  identity: string,
  times: { leaseMilliseconds?: number; renewDeadlineMilliseconds?: number; retryMilliseconds?: number } = {},
): LeaderLease {
  return leaderLease({
    api,
    namespace,
    name,
    identity,
    fieldManager: 'grue-lease',
    clock: systemClock,
    logger: silentLogger,
    metrics: runtimeMetrics(),
    ...times,
  });
}

test('a released lease is handed over within two seconds, again and again', async () => {
  let leader = candidate('handover', 'candidate-0');
  await leader.acquire(forever);
  const waits: number[] = [];
  for (let i = 1; i <= 5; i++) {
    const next = candidate('handover', `candidate-${i}`);
    const acquired = next.acquire(forever).then(() => performance.now());
    await systemClock.sleep(300 * i);
    const releasedAt = performance.now();
    await leader.release();
    waits.push(Math.round((await acquired) - releasedAt));
    expect(leader.lost.aborted).toBe(false);
    leader = next;
  }
  await leader.release();
  console.info(`hand-overs took ${waits.join(', ')} ms`);
  expect(Math.max(...waits)).toBeLessThanOrEqual(2_000);
  expect((await api.get(leaseType, { namespace, name: 'handover' })).spec).toMatchObject({ leaseTransitions: 5, leaseDurationSeconds: 1 });
}, 40_000);

test('of candidates that begin at one moment one leads; when it falls silent another follows, and never before its time is over', async () => {
  const times = { leaseMilliseconds: 3_000, renewDeadlineMilliseconds: 2_000, retryMilliseconds: 500 };
  const stops = Array.from({ length: 4 }, () => new AbortController());
  const leaders: number[] = [];
  const all = stops.map((stop, i) => {
    const each = candidate('race', `candidate-${i}`, times);
    each.acquire(stop.signal).then(
      () => leaders.push(i),
      () => {},
    );
    return each;
  });
  await expect.poll(() => leaders.length, { timeout: 5_000 }).toBe(1);
  await systemClock.sleep(4_000);
  expect(leaders).toHaveLength(1);
  const leader = all[leaders[0] ?? 0];
  // Another writer takes the record over and falls silent: as seen from the leader it is lost, for the others somebody holds it.
  await api.mergePatch(leaseType, { namespace, name: 'race' }, { spec: { holderIdentity: 'silent', leaseDurationSeconds: 3 } }, { fieldManager: 'test' });
  const silentSince = performance.now();
  await expect.poll(() => leader?.lost.aborted, { timeout: 3_000 }).toBe(true);
  await expect.poll(() => leaders.length, { timeout: 8_000 }).toBe(2);
  expect(performance.now() - silentSince).toBeGreaterThan(2_900);
  for (const stop of stops) stop.abort(new Error('the test is over'));
  for (const each of all) await each.release();
}, 30_000);
