import { beforeEach, describe, expect, test } from 'vitest';
import { GrueError } from '../../src/api/errors.ts';
import type { BulkOutcome, ItemFailure } from '../../src/drivers/elasticsearch/bulk.ts';
import { sinkWork } from '../../src/worker/sink.ts';
import type { BulkItem } from '../../src/worker/transform/ports.ts';
import { virtualClock } from '../support/virtual-clock.ts';
import { batchOf, silentMetrics } from './fakes.ts';

const answered = (...failures: ItemFailure[]): BulkOutcome => ({ outcome: 'Answered', failures });
const failure = (position: number, status: number): ItemFailure => ({ position, id: `id-${position}`, status, type: 'some_exception', reason: 'why' });
const batch = batchOf(0, 4);

let member: boolean;
let sent: string[];
let stored: Map<string, string>;
let answers: (BulkOutcome | Error)[];
beforeEach(() => {
  member = true;
  sent = [];
  stored = new Map();
  answers = [];
});

function item(index: number, action: BulkItem['action']): BulkItem {
  const origin = { root: 'in', epoch: 0, p: 0, o: BigInt(index), path: '' };
  return {
    index,
    action,
    id: `id-${index}`,
    origin,
    version: action === 'create' ? undefined : '1',
    digest: action === 'delete' ? undefined : `${index}-0-0-0`,
    text: `op ${index}\n`,
  };
}

async function deliver(
  action: BulkItem['action'] = 'create',
  { abort, clock = virtualClock() }: { abort?: AbortController; clock?: ReturnType<typeof virtualClock> } = {},
) {
  const items = batch.records.map((_, index) => item(index, action));
  const body = { bytes: Buffer.from(items.map(({ text }) => text).join('')), count: items.length, item: (n: number) => items[n]! };
  const work = sinkWork({
    stage: { transform: async () => ({ bodies: [body], bad: [] }) },
    writer: {
      bulk: async (_, bytes, count) => {
        sent.push(`${count}: ${bytes.toString().replaceAll('\n', ',')}`);
        const answer = answers.shift() ?? answered();
        if (answer instanceof Error) throw answer;
        return answer;
      },
      storedDigests: async () => stored,
    },
    index: 'index',
    consumer: { isMember: () => member },
    metrics: silentMetrics,
    clock,
  });
  const delivery = (await work(batch))((abort ?? new AbortController()).signal);
  delivery.catch(() => {});
  await clock.advance(20_000);
  return delivery;
}

describe('an operation that failed', () => {
  test('with 429, 5xx or a block of the index (403) is sent again, alone', async () => {
    answers = [answered(failure(1, 429), failure(3, 503)), answered(failure(1, 403))];
    expect(await deliver()).toEqual({ written: 4, bad: [] });
    expect(sent).toEqual(['4: op 0,op 1,op 2,op 3,', '2: op 1,op 3,', '1: op 3,']);
  });

  test('with another 4xx becomes a dead letter with the answer of the server', async () => {
    answers = [answered(failure(2, 400))];
    const { written, bad } = await deliver();
    expect(written).toBe(3);
    expect(bad).toEqual([
      { index: 2, partition: 0, offset: '2', origin: item(2, 'create').origin, identity: 'in|0|0|2|', code: 'GRUE-REC-006', reason: 'some_exception: why' },
    ]);
  });

  test('with 404 met no index: nothing of it is a dead letter, the partition stops', async () => {
    answers = [answered(...[0, 1, 2, 3].map((n) => failure(n, 404)))];
    await expect(deliver()).rejects.toMatchObject({ code: 'GRUE-ES-005' });
  });

  test('with 409 on create succeeded before, if the stored digest is the same', async () => {
    answers = [answered(failure(0, 409))];
    stored.set('id-0', '0-0-0-0');
    expect(await deliver()).toEqual({ written: 4, bad: [] });
  });

  test('with 409 on create and another digest met another record of the same identity', async () => {
    answers = [answered(failure(0, 409))];
    stored.set('id-0', '9-9-9-9');
    const { bad } = await deliver();
    expect(bad).toMatchObject([{ index: 0, code: 'GRUE-REC-007', reason: 'the index holds another document under the id id-0' }]);
  });

  test('with 409 on create, and the document gone since, is sent again', async () => {
    answers = [answered(failure(0, 409))];
    expect(await deliver()).toEqual({ written: 4, bad: [] });
    expect(sent).toHaveLength(2);
  });

  test.each(['index', 'delete'] as const)('with 409 on %s is older than what is stored, which is a success', async (action) => {
    answers = [answered(failure(0, 409))];
    expect(await deliver(action)).toEqual({ written: 4, bad: [] });
    expect(sent).toHaveLength(1);
  });
});

describe('a request', () => {
  test.each<BulkOutcome>([
    { outcome: 'Rejected', status: 429, reason: 'busy' },
    { outcome: 'Ambiguous', reason: 'no answer' },
    { outcome: 'Unreachable', reason: 'no connection' },
  ])('that ended $outcome is sent again as it was', async (outcome) => {
    answers = [outcome];
    expect(await deliver()).toEqual({ written: 4, bad: [] });
    expect(sent).toEqual(['4: op 0,op 1,op 2,op 3,', '4: op 0,op 1,op 2,op 3,']);
  });

  test('is given up after two and a half minutes, so that it cannot outlive the memory of deletions', async () => {
    answers = Array(1_000).fill({ outcome: 'Rejected', status: 429, reason: 'busy' });
    const clock = virtualClock();
    const delivery = deliver('create', { clock });
    delivery.catch(() => {});
    await clock.advance(170_000);
    await expect(delivery).rejects.toMatchObject({ code: 'GRUE-PLT-003' });
    const before = sent.length;
    await clock.advance(60_000);
    expect(sent).toHaveLength(before);
  });

  test('is not sent again once the membership is in doubt', async () => {
    answers = [new GrueError('GRUE-ES-006', 'never sent')];
    member = false;
    await expect(deliver()).rejects.toThrow('half the session time-out');
    expect(sent).toEqual([]);
  });

  test('is not repeated after the batch was given up', async () => {
    const abort = new AbortController();
    answers = [{ outcome: 'Rejected', status: 429, reason: 'busy' }];
    const clock = virtualClock();
    const delivery = deliver('create', { abort, clock });
    abort.abort(new Error('lost'));
    await expect(delivery).rejects.toThrow('lost');
    expect(sent.length).toBeLessThanOrEqual(1);
  });

  test('that the server refuses as a whole stops the partition', async () => {
    answers = [new GrueError('GRUE-PLT-005', 'not let in')];
    await expect(deliver()).rejects.toMatchObject({ code: 'GRUE-PLT-005' });
  });
});

describe('several bodies of a batch', () => {
  /** Two bodies of two operations; what becomes of each is up to the test. */
  async function deliverTwo(bulk: (body: string, signal: AbortSignal) => Promise<BulkOutcome>) {
    const bodies = [
      [0, 1],
      [2, 3],
    ].map((indices) => {
      const items = indices.map((index) => item(index, 'create'));
      return { bytes: Buffer.from(items.map(({ text }) => text).join('')), count: items.length, item: (n: number) => items[n]! };
    });
    const work = sinkWork({
      stage: { transform: async () => ({ bodies, bad: [] }) },
      writer: { bulk: (_, bytes, __, signal) => bulk(bytes.toString(), signal), storedDigests: async () => stored },
      index: 'index',
      consumer: { isMember: () => member },
      metrics: silentMetrics,
      clock: virtualClock(),
    });
    return (await work(batch))(new AbortController().signal);
  }

  test('are under way at the same time', async () => {
    const waiting: (() => void)[] = [];
    const both = deliverTwo(
      (body) =>
        new Promise((resolve) => {
          sent.push(body);
          waiting.push(() => resolve(answered()));
          if (waiting.length === 2) for (const answer of waiting) answer();
        }),
    );
    expect(await both).toEqual({ written: 4, bad: [] });
    expect(sent).toHaveLength(2);
  });

  test('end together when one fails for good, and the failure is told when nothing is under way any more', async () => {
    let underWay = 0;
    const bulk = (body: string, signal: AbortSignal) =>
      new Promise<BulkOutcome>((_, reject) => {
        underWay += 1;
        const end = (reason: unknown): void => {
          underWay -= 1;
          reject(reason);
        };
        if (body.startsWith('op 0')) queueMicrotask(() => end(new GrueError('GRUE-ES-006', 'refused as a whole')));
        else signal.addEventListener('abort', () => end(signal.reason));
      });
    await expect(deliverTwo(bulk)).rejects.toThrow('refused as a whole');
    expect(underWay).toBe(0);
  });
});
