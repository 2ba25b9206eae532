import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeApi } from '../../src/controller/kube/api.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import { type LeaderLease, leaderLease, leaseType } from '../../src/controller/lease.ts';
import { type KubeStore, kubeStore, type StoreCall, storeApi } from '../support/kube-store.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
let store: KubeStore;
/** Stands before every call of every candidate. */
let before: (call: StoreCall, identity: string) => Promise<void> | void;
let writes: string[];
/** Who looked when. */
let looks: { readonly identity: string; readonly at: number }[];
const ref = { namespace: 'grue', name: 'operator' };
const forever = new AbortController().signal;

beforeEach(() => {
  clock = virtualClock();
  store = kubeStore();
  before = () => {};
  writes = [];
  looks = [];
});

function candidate(identity: string, from: VirtualClock = clock): LeaderLease {
  const api: KubeApi = storeApi(store, (call) => {
    if (call.verb === 'get') looks.push({ identity, at: clock.monotonic() });
    else writes.push(identity);
    return before(call, identity);
  });
  const metrics = { leading: () => {} };
  return leaderLease({ api, ...ref, identity, fieldManager: 'grue-lease', clock: from, logger: recordingLogger(), metrics, random: () => 0.99 });
}

/** Whether and when it leads. */
function acquiring(lease: LeaderLease, signal = forever): { leads(): boolean; at(): number } {
  let at = Number.NaN;
  lease.acquire(signal).then(
    () => {
      at = clock.monotonic();
    },
    () => {},
  );
  return { leads: () => !Number.isNaN(at), at: () => at };
}

const spec = (): Record<string, unknown> => store.get(leaseType, ref).spec as Record<string, unknown>;
const unavailable = (): never => {
  throw new KubeError('Unavailable', 'no answer');
};

test('the first candidate creates the lease and leads at once', async () => {
  const first = acquiring(candidate('one'));
  await clock.advance(0);
  expect(first.leads()).toBe(true);
  expect(spec()).toMatchObject({ holderIdentity: 'one', leaseDurationSeconds: 15, leaseTransitions: 0 });
});

test('it is renewed every two seconds with one call, and a second candidate never gets it', async () => {
  const one = candidate('one');
  acquiring(one);
  await clock.advance(0);
  const two = acquiring(candidate('two'));
  writes = [];
  await clock.advance(600_000);
  expect(two.leads()).toBe(false);
  expect(writes).toEqual(Array.from({ length: 300 }, () => 'one'));
  expect(one.leaseValidUntil() - clock.monotonic()).toBe(10_000);
});

test('a candidate looks at the lease more often than every two seconds, so a released one is found in time', async () => {
  acquiring(candidate('one'));
  await clock.advance(0);
  acquiring(candidate('two'));
  await clock.advance(60_000);
  const times = looks.filter(({ identity }) => identity === 'two').map(({ at }) => at);
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(2_000);
  expect(gaps.length).toBeGreaterThan(25);
});

test('of many candidates that begin at one moment exactly one leads', async () => {
  const all = Array.from({ length: 10 }, (_, i) => acquiring(candidate(`candidate-${i}`)));
  await clock.advance(30_000);
  expect(all.filter((each) => each.leads())).toHaveLength(1);
});

describe('another holder is judged by our own monotonic time since its record last changed', () => {
  test('so a lease whose times are long past is still waited for in full, and then taken', async () => {
    store.create(leaseType, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: ref,
      spec: { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime: '2001-01-01T00:00:00.000000Z', leaseTransitions: 4 },
    });
    const one = acquiring(candidate('one'));
    await clock.advance(15_000);
    expect(one.leads()).toBe(false);
    await clock.advance(2_000);
    expect(one.leads()).toBe(true);
    expect(spec()).toMatchObject({ holderIdentity: 'one', leaseTransitions: 5 });
  });

  test('so a wall clock that jumps by an hour changes nothing', async () => {
    acquiring(candidate('one'));
    await clock.advance(0);
    const two = acquiring(candidate('two'));
    await clock.advance(4_000);
    clock.jumpWallClock(3_600_000);
    await clock.advance(60_000);
    clock.jumpWallClock(-7_200_000);
    await clock.advance(60_000);
    expect(two.leads()).toBe(false);
  });

  test('so a holder that promised longer is waited for longer', async () => {
    const held = { holderIdentity: 'slow', leaseDurationSeconds: 60 };
    store.create(leaseType, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: ref, spec: held });
    const one = acquiring(candidate('one'));
    await clock.advance(60_000);
    expect(one.leads()).toBe(false);
    await clock.advance(2_000);
    expect(one.leads()).toBe(true);
  });
});

describe('a leader that cannot renew', () => {
  test('is lost ten seconds after its last renewal was sent, five seconds before anybody else can lead', async () => {
    const one = candidate('one');
    acquiring(one);
    await clock.advance(4_000);
    const sentAt = clock.monotonic();
    const two = acquiring(candidate('two'));
    await clock.advance(1_000);
    before = (_, identity) => (identity === 'one' ? unavailable() : undefined);
    await clock.advance(8_999);
    expect([one.lost.aborted, one.leaseValidUntil()]).toEqual([false, sentAt + 10_000]);
    await clock.advance(1);
    expect([one.lost.aborted, one.leaseValidUntil()]).toEqual([true, Number.NEGATIVE_INFINITY]);
    await clock.advance(10_000);
    expect(two.leads()).toBe(true);
    expect(two.at()).toBeGreaterThan(sentAt + 15_000);
  });

  test('is lost on time also while a call hangs, and stays lost when the answer comes after all', async () => {
    const one = candidate('one');
    acquiring(one);
    await clock.advance(0);
    before = ({ verb }) => (verb === 'mergePatch' ? clock.sleep(30_000) : undefined);
    await clock.advance(10_000);
    expect(one.lost.aborted).toBe(true);
    await clock.advance(60_000);
    expect(one.leaseValidUntil()).toBe(Number.NEGATIVE_INFINITY);
  });

  test('for a while only goes on', async () => {
    const one = candidate('one');
    acquiring(one);
    await clock.advance(0);
    before = unavailable;
    await clock.advance(8_000);
    before = () => {};
    await clock.advance(60_000);
    expect(one.lost.aborted).toBe(false);
  });

  test('because a write without an answer did happen looks before it writes, and goes on', async () => {
    const one = candidate('one');
    acquiring(one);
    await clock.advance(0);
    store.merge(leaseType, ref, { spec: { renewTime: 'written, but the answer was lost' } });
    await clock.advance(3_000);
    expect(one.lost.aborted).toBe(false);
    expect(one.leaseValidUntil()).toBeGreaterThan(clock.monotonic());
  });
});

test('a leader that sees another holder is lost', async () => {
  const one = candidate('one');
  acquiring(one);
  await clock.advance(0);
  store.merge(leaseType, ref, { spec: { holderIdentity: 'usurper' } });
  await clock.advance(3_000);
  expect(one.lost.reason).toEqual(new Error('leadership is lost: usurper holds the lease'));
});

test('validity counts from before the renewal was sent, however late the answer came', async () => {
  const one = candidate('one');
  acquiring(one);
  await clock.advance(0);
  before = () => clock.sleep(3_000);
  await clock.advance(5_500); // sent at 2 s, answered at 5 s
  expect(one.leaseValidUntil()).toBe(12_000);
});

test('a deleted lease is made again by its holder', async () => {
  const one = candidate('one');
  acquiring(one);
  await clock.advance(0);
  store.remove(leaseType, ref);
  await clock.advance(4_000);
  expect([one.lost.aborted, spec()['holderIdentity']]).toEqual([false, 'one']);
});

test('a leader that is killed right after it has renewed is followed within seventeen seconds, whenever the candidate happens to look', async () => {
  const waits: number[] = [];
  for (let offset = 0; offset < 4_000; offset += 150) {
    store = kubeStore();
    before = () => {};
    acquiring(candidate('one'));
    await clock.advance(offset);
    const two = acquiring(candidate('two'));
    await clock.advance(20_000 - offset + 1); // its renewals are sent every two seconds
    const killedAt = clock.monotonic();
    before = (_, identity) => (identity === 'one' ? new Promise(() => {}) : undefined);
    await clock.advance(20_000);
    waits.push(two.at() - killedAt);
  }
  expect(Math.max(...waits)).toBeLessThanOrEqual(17_000);
  expect(Math.min(...waits)).toBeGreaterThan(15_000 - 2_000);
});

describe('release', () => {
  test('hands over within two seconds', async () => {
    const one = candidate('one');
    acquiring(one);
    await clock.advance(0);
    const two = acquiring(candidate('two'));
    await clock.advance(30_700);
    const releasedAt = clock.monotonic();
    await one.release();
    expect(spec()['holderIdentity']).toBeUndefined();
    await clock.advance(10_000);
    expect(two.at() - releasedAt).toBeLessThanOrEqual(2_000);
    expect(one.lost.aborted).toBe(false);
    expect(writes.lastIndexOf('one')).toBeLessThan(writes.indexOf('two'));
  });

  test('writes nothing if we do not hold the lease, or no longer do', async () => {
    acquiring(candidate('one'));
    await clock.advance(0);
    await candidate('two').release();
    expect(looks.map(({ identity }) => identity)).not.toContain('two');
    const three = candidate('three');
    store.merge(leaseType, ref, { spec: { holderIdentity: null } });
    acquiring(three);
    await clock.advance(2_000);
    store.merge(leaseType, ref, { spec: { holderIdentity: 'four' } });
    await three.release();
    expect(spec()['holderIdentity']).toBe('four');
    expect(writes).not.toContain('two');
  });

  test('never fails: what cannot be released runs out', async () => {
    const one = candidate('one');
    acquiring(one);
    await clock.advance(0);
    before = unavailable;
    await one.release();
    expect(one.leaseValidUntil()).toBe(Number.NEGATIVE_INFINITY);
    expect(clock.pending()).toBe(0);
  });
});

test('a candidate that is told to stop while it waits leaves', async () => {
  acquiring(candidate('one'));
  await clock.advance(0);
  const stop = new AbortController();
  const two = candidate('two').acquire(stop.signal);
  await clock.advance(1_000);
  stop.abort(new Error('enough'));
  await expect(two).rejects.toThrow('enough');
});

test('a candidate tries on when the server refuses or is away, and says so once per reason', async () => {
  const logger = recordingLogger();
  let refusing = true;
  const api = storeApi(store, () => {
    if (refusing) throw new KubeError('Forbidden', 'leases is forbidden', { status: 403 });
  });
  const lease = leaderLease({ api, ...ref, identity: 'one', fieldManager: 'f', clock, logger, metrics: { leading: () => {} } });
  const one = acquiring(lease);
  await clock.advance(20_000);
  expect(logger.lines.map(({ level }) => level)).toEqual(['warn']);
  refusing = false;
  await clock.advance(2_000);
  expect(one.leads()).toBe(true);
});

test('times that cannot work together are refused', () => {
  const options = { api: storeApi(store), ...ref, identity: 'one', fieldManager: 'f', clock, logger: recordingLogger(), metrics: { leading: () => {} } };
  expect(() => leaderLease({ ...options, leaseMilliseconds: 10_000 })).toThrow('longer than its renew deadline');
  expect(() => leaderLease({ ...options, retryMilliseconds: 9_000 })).toThrow('longer than its renew deadline');
});
