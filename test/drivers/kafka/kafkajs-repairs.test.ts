import Batch from 'kafkajs/src/consumer/batch.js';
import OffsetManager from 'kafkajs/src/consumer/offsetManager/index.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { PositionGone } from '../../../src/drivers/kafka/kafkajs-repairs.ts';

const message = (offset: number, isControlRecord = false) => ({ offset: String(offset), isControlRecord });
const batch = (fetched: number, messages: readonly object[]) => {
  const Make = Batch as unknown as new (
    ...args: unknown[]
  ) => { isEmpty(): boolean; isEmptyDueToFiltering(): boolean; messages: unknown[]; lastOffset(): string };
  return new Make('in', String(fetched), { partition: 0, highWatermark: '20', abortedTransactions: [], messages });
};

describe('a batch', () => {
  test('of transaction markers alone is delivered, without messages and with its end', () => {
    const markers = batch(5, [message(5, true)]);
    expect(markers.messages).toEqual([]);
    expect([markers.isEmpty(), markers.isEmptyDueToFiltering()]).toEqual([false, false]);
    expect(markers.lastOffset()).toBe('5');
  });

  test('of nothing is not delivered', () => {
    expect(batch(5, []).isEmpty()).toBe(true);
  });
});

test('a position that is gone is an error that is not retried, and nothing is committed in its place', async () => {
  const setDefault = OffsetManager.prototype.setDefaultOffset({ topic: 'in', partition: 3 });
  await expect(setDefault).rejects.toBeInstanceOf(PositionGone);
  await expect(setDefault).rejects.toMatchObject({ retriable: false, message: 'partition 3 of topic in does not hold the position that was asked for' });
});

describe('the timer of a connection', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  function queueWith(pending: readonly unknown[]) {
    vi.useFakeTimers();
    const queue = Object.assign(Object.create(RequestQueue.prototype), { pending: [...pending], throttledUntil: -1, throttleCheckTimeoutId: null });
    queue.scheduleCheckPendingRequests();
    return vi.getTimerCount();
  }

  test('is not set while no request waits', () => {
    expect(queueWith([])).toBe(0);
  });

  test('is set while one does', () => {
    expect(queueWith([{}])).toBe(1);
  });
});
