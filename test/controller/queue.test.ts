import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Priority, type WorkQueue, workQueue } from '../../src/controller/queue.ts';
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts';

function make(): { clock: VirtualClock; queue: WorkQueue } {
  const clock = virtualClock();
  return { clock, queue: workQueue({ clock, random: () => 0, backoff: { baseMilliseconds: 1_000, maxMilliseconds: 8_000, jitter: 0 } }) };
}

/** What can be taken now without waiting; every key is done at once. */
async function drain(queue: WorkQueue): Promise<string[]> {
  const taken: string[] = [];
  while (queue.depth() > 0) {
    const key = await queue.take();
    if (key === undefined) break;
    taken.push(key);
    queue.done(key);
  }
  return taken;
}

test('a key is in the queue at most once, however often it is added', async () => {
  const { queue } = make();
  for (let i = 0; i < 5; i++) queue.add('a');
  expect(await drain(queue)).toEqual(['a']);
});

test('a key that is handed out is locked: nobody else gets it until done', async () => {
  const { queue } = make();
  queue.add('a');
  await queue.take();
  queue.add('a');
  expect(queue.depth()).toBe(0);
  expect([...queue.locked().keys()]).toEqual(['a']);
});

test('a key that is added while it is locked is handed out once more after done', async () => {
  const { queue } = make();
  queue.add('a');
  await queue.take();
  queue.add('a');
  queue.add('a');
  queue.done('a');
  expect(await drain(queue)).toEqual(['a']);
  expect(await drain(queue)).toEqual([]);
});

test('of competing delays the earliest counts, in whatever order they come', async () => {
  const { clock, queue } = make();
  queue.addAfter('a', 5_000);
  queue.addAfter('a', 1_000);
  queue.addAfter('a', 9_000);
  await clock.advance(999);
  expect(queue.depth()).toBe(0);
  await clock.advance(1);
  expect(await drain(queue)).toEqual(['a']);
  await clock.advance(20_000);
  expect(queue.depth()).toBe(0);
});

test('a delay that was asked for while the key was locked is counted from the asking', async () => {
  const { clock, queue } = make();
  queue.add('a');
  await queue.take();
  queue.addAfter('a', 1_000);
  await clock.advance(600);
  queue.done('a');
  await clock.advance(400);
  expect(queue.depth()).toBe(1);
});

test('of competing priorities the highest counts', async () => {
  const { queue } = make();
  queue.add('a', 'low');
  queue.add('b', 'low');
  queue.add('b', 'high');
  queue.add('b', 'low');
  expect(await drain(queue)).toEqual(['b', 'a']);
});

test('a taker that waits gets the next key', async () => {
  const { clock, queue } = make();
  const taking = queue.take();
  queue.addAfter('a', 100);
  await clock.advance(100);
  expect(await taking).toBe('a');
});

test('failures of one key in a row are delayed exponentially, and forget ends the row', async () => {
  const { clock, queue } = make();
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    if (i === 5) queue.forget('a');
    const before = clock.monotonic();
    queue.addRateLimited('a');
    const taking = queue.take();
    while (queue.locked().size === 0) await clock.advance(500);
    waits.push(clock.monotonic() - before);
    queue.done((await taking) ?? '');
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 1_000]);
});

test('a failing key waits at least as long as the server asked for', async () => {
  const { clock, queue } = make();
  queue.addRateLimited('a', 30_000);
  await clock.advance(29_999);
  expect(queue.depth()).toBe(0);
  await clock.advance(1);
  expect(queue.depth()).toBe(1);
});

test('all failures together are limited by one bucket', async () => {
  const clock = virtualClock();
  const queue = workQueue({ clock, backoff: { baseMilliseconds: 1, maxMilliseconds: 1, jitter: 0 }, rate: { perSecond: 10, burst: 10 } });
  for (let i = 0; i < 110; i++) queue.addRateLimited(`key-${i}`);
  await clock.advance(1_000);
  expect(queue.depth()).toBe(20);
  await clock.advance(9_000);
  expect(queue.depth()).toBe(110);
});

test('high priority goes first, but a waiting low key gets at least every eighth turn', async () => {
  const { queue } = make();
  for (let i = 0; i < 20; i++) queue.add(`high-${i}`);
  queue.add('low-0', 'low');
  queue.add('low-1', 'low');
  const order = await drain(queue);
  expect(order.indexOf('low-0')).toBe(7);
  expect(order.indexOf('low-1')).toBe(15);
});

test('keys of one priority are handed out in the order in which they became ready', async () => {
  const { clock, queue } = make();
  queue.addAfter('c', 30);
  queue.addAfter('a', 10);
  queue.addAfter('b', 20);
  await clock.advance(50);
  queue.add('a');
  expect(await drain(queue)).toEqual(['a', 'b', 'c']);
});

test('a key that left the low line for the high one and comes back stands at the end', async () => {
  const { queue } = make();
  queue.add('a', 'low');
  queue.add('b', 'low');
  queue.add('a', 'high');
  queue.done((await queue.take()) ?? '');
  queue.add('a', 'low');
  expect(await drain(queue)).toEqual(['b', 'a']);
});

test('after shutDown nothing is added, nothing is handed out and no timer is left', async () => {
  const { clock, queue } = make();
  queue.add('locked');
  await queue.take();
  queue.add('locked');
  const waiting = queue.take();
  queue.addAfter('later', 1_000);
  queue.shutDown();
  queue.add('new');
  queue.addRateLimited('new');
  queue.done('locked');
  expect(await waiting).toBeUndefined();
  expect(await queue.take()).toBeUndefined();
  expect([queue.depth(), clock.pending()]).toEqual([0, 0]);
});

describe('under any sequence of calls', () => {
  const keys = fc.constantFrom('a', 'b', 'c');
  const priority = fc.constantFrom<Priority>('high', 'low');
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key: keys, priority }),
    fc.record({ do: fc.constant('addAfter' as const), key: keys, priority, milliseconds: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ do: fc.constant('take' as const) }),
    fc.record({ do: fc.constant('done' as const), key: keys }),
    fc.record({ do: fc.constant('advance' as const), milliseconds: fc.integer({ min: 1, max: 30 }) }),
  );

  test('no key is handed out twice at once, none before its time, and none is lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { clock, queue } = make();
        const wanted = new Map<string, number>(); // key -> earliest due time that was asked for since its last hand-out
        const held = new Set<string>();
        const want = (key: string, due: number): void => void wanted.set(key, Math.min(due, wanted.get(key) ?? Number.POSITIVE_INFINITY));
        const take = async (): Promise<void> => {
          const key = (await queue.take()) ?? '';
          expect(held.has(key)).toBe(false);
          expect(wanted.get(key)).toBeLessThanOrEqual(clock.monotonic());
          wanted.delete(key);
          held.add(key);
        };
        for (const each of steps) {
          if (each.do === 'add') queue.add(each.key, each.priority);
          if (each.do === 'addAfter') queue.addAfter(each.key, each.milliseconds, each.priority);
          if (each.do === 'add' || each.do === 'addAfter') want(each.key, clock.monotonic() + ('milliseconds' in each ? each.milliseconds : 0));
          if (each.do === 'take' && queue.depth() > 0) await take();
          if (each.do === 'done' && held.delete(each.key)) queue.done(each.key);
          if (each.do === 'advance') await clock.advance(each.milliseconds);
          const due = [...wanted].filter(([key, at]) => at <= clock.monotonic() && !held.has(key));
          expect(queue.depth()).toBe(due.length);
        }
        for (const key of held) queue.done(key);
        held.clear();
        await clock.advance(1_000);
        while (queue.depth() > 0) await take();
        expect([...wanted.keys()]).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
