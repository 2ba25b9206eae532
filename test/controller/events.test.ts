import { beforeEach, describe, expect, test } from 'vitest';
import { type EventNote, type EventRecorder, type EventRecorderOptions, eventRecorder, eventType } from '../../src/controller/events.ts';
import type { KubeObject } from '../../src/controller/kube/api.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import { widget } from '../support/kube-kinds.ts';
import { type KubeStore, kubeStore, type StoreCall, storeApi } from '../support/kube-store.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
let store: KubeStore;
let before: (call: StoreCall) => Promise<void> | void;
let counted: Record<'sent' | 'dropped' | 'failed', number>;
let writes: string[];
const object = widget('a', {}, { uid: 'one', resourceVersion: '5' });
const failed: EventNote = { type: 'Warning', reason: 'ParityFailed', action: 'Verify', note: '3 documents are missing' };
const forever = new AbortController().signal;

beforeEach(() => {
  clock = virtualClock();
  store = kubeStore();
  before = () => {};
  counted = { sent: 0, dropped: 0, failed: 0 };
  writes = [];
});

function recorder(options: Partial<EventRecorderOptions> = {}): EventRecorder {
  let ids = 0;
  return eventRecorder({
    api: storeApi(store, (call) => {
      writes.push(call.verb);
      return before(call);
    }),
    clock,
    logger: recordingLogger(),
    metrics: { event: (result) => void counted[result]++ },
    newId: () => String(++ids),
    fieldManager: 'grue-events',
    reportingController: 'grue.dev/operator',
    reportingInstance: 'pod-1',
    ...options,
  });
}

const stored = (): readonly (KubeObject & { note?: string; series?: { count: number } })[] => store.list(eventType);

test('an event says who, what, why and about which object', async () => {
  recorder().record(object, failed);
  await clock.advance(0);
  expect(stored()).toEqual([
    expect.objectContaining({
      apiVersion: 'events.k8s.io/v1',
      metadata: expect.objectContaining({ name: 'a.1', namespace: 'shop' }),
      eventTime: '2026-01-01T00:00:00.000000Z',
      ...failed,
      regarding: { apiVersion: 'example.dev/v1', kind: 'Widget', name: 'a', namespace: 'shop', uid: 'one', resourceVersion: '5' },
      reportingController: 'grue.dev/operator',
      reportingInstance: 'pod-1',
    }),
  ]);
  expect(counted.sent).toBe(1);
});

test('recording returns at once and never throws, also when the server hangs or the object is odd', async () => {
  before = () => clock.sleep(3_600_000);
  const events = recorder({
    newId: () => {
      throw new Error('no entropy');
    },
  });
  events.record(object, failed);
  recorder().record(object, failed);
  expect(stored()).toEqual([]);
});

test('the same event again counts up one series, written at most once a minute', async () => {
  const events = recorder();
  for (let i = 0; i < 100; i++) {
    events.record(object, failed);
    await clock.advance(1_000);
  }
  expect(stored()).toHaveLength(1);
  expect(writes).toEqual(['create', 'mergePatch']);
  expect(stored()[0]?.series?.count).toBe(60);
  await events.flush(forever);
  expect(stored()[0]?.series?.count).toBe(100);
  expect(clock.pending()).toBe(0);
});

test('an event with another note, or after the series time, is another object', async () => {
  const events = recorder();
  events.record(object, failed);
  events.record(object, { ...failed, note: '4 documents are missing' });
  await clock.advance(360_000);
  events.record(object, failed);
  await clock.advance(0);
  expect(stored()).toHaveLength(3);
});

test('one object gets 25 new events and then one a minute; other objects are not affected; what is dropped is counted', async () => {
  const events = recorder();
  for (let i = 0; i < 40; i++) events.record(object, { ...failed, note: `${i}` });
  events.record(widget('b', {}, { uid: 'two' }), failed);
  await clock.advance(0);
  expect(stored()).toHaveLength(26);
  expect(counted.dropped).toBe(15);
  await clock.advance(60_000);
  events.record(object, { ...failed, note: 'later' });
  await clock.advance(0);
  expect(stored()).toHaveLength(27);
});

test('the backlog is bounded while the server is away', async () => {
  before = () => clock.sleep(3_600_000);
  const events = recorder({ backlog: 10 });
  for (let i = 0; i < 100; i++) events.record(widget(`w-${i}`, {}, { uid: `${i}` }), failed);
  expect(counted.dropped).toBe(89); // one is being sent, ten wait
});

test('a note longer than a kilobyte is cut between characters', async () => {
  recorder().record(object, { ...failed, note: '輪'.repeat(1_000) });
  await clock.advance(0);
  const note = stored()[0]?.note ?? '';
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_024);
  expect(note).toMatch(/^輪{340}…$/);
});

describe('an event that the server does not take', () => {
  test('is tried again if waiting may help, at most three times', async () => {
    before = () => {
      throw new KubeError('Unavailable', 'away');
    };
    recorder().record(object, failed);
    await clock.advance(60_000);
    expect(writes).toHaveLength(3);
    expect(counted.failed).toBe(1);
  });

  test('is given up at once if it is refused', async () => {
    before = () => {
      throw new KubeError('Forbidden', 'events is forbidden', { status: 403 });
    };
    recorder().record(object, failed);
    await clock.advance(60_000);
    expect([writes.length, counted.failed]).toEqual([1, 1]);
  });

  test('was taken after all if its name exists', async () => {
    let first = true;
    before = () => {
      if (!first) return;
      first = false;
      store.create(eventType, { apiVersion: '', kind: '', metadata: { name: 'a.1', namespace: 'shop' } });
      throw new KubeError('Unavailable', 'the answer was lost');
    };
    recorder().record(object, failed);
    await clock.advance(5_000);
    expect([stored().length, counted.sent]).toEqual([1, 1]);
  });

  test('because the server swept its series away begins a new one', async () => {
    const events = recorder();
    events.record(object, failed);
    await clock.advance(0);
    store.remove(eventType, { namespace: 'shop', name: 'a.1' });
    events.record(object, failed);
    await events.flush(forever);
    expect(stored()[0]?.series?.count).toBe(2);
  });
});

test('a flush ends when its signal aborts, whatever the server does', async () => {
  before = () => clock.sleep(3_600_000);
  const events = recorder();
  events.record(object, failed);
  const limit = new AbortController();
  const flushing = events.flush(limit.signal);
  limit.abort(new Error('no time left'));
  await flushing;
  expect(counted.sent).toBe(0);
});
