import { describe, expect, test } from 'vitest';
import { type Condition, mergeConditions } from '../../src/controller/conditions.ts';
import { type WorkerView, workerConditions } from '../../src/worker/conditions.ts';
import type { Problem } from '../../src/worker/problem.ts';

const lost: Problem = { condition: 'HistoryIntact', reason: 'HistoryLost', message: 'begins at 9' };
const paused: Problem = { condition: 'RecordsAccepted', reason: 'TooManyBadRecords', message: '40 of 100 records are bad' };
const view = (partitions: readonly number[], more: Partial<WorkerView> = {}): WorkerView => ({
  worker: 'worker-a',
  partitions: partitions.map((partition) => ({ topic: 'in', partition })),
  problems: new Map(),
  setAside: new Map(),
  ...more,
});

/** What stands in the status after these workers have written, one after the other. */
function stored(...views: WorkerView[]): readonly Condition[] {
  return views.reduce<readonly Condition[]>((before, one) => mergeConditions(before, workerConditions(before, one), { now: 'now' }), []);
}
const of = (conditions: readonly Condition[], type: string) => {
  const { status, reason, message } = conditions.find((condition) => condition.type === type)!;
  return { status, reason, message };
};

test('a stage that runs well has four good conditions', () => {
  expect(stored(view([0])).map(({ type, status, reason, message }) => `${type} ${status} ${reason} ${message}`)).toEqual([
    'WorkerReady True Running ',
    'RecordsAccepted True Accepted ',
    'HistoryIntact True Intact ',
    'OriginIntact True Intact ',
  ]);
});

test('a problem is told with its partition, in the condition that it belongs to, and nowhere else', () => {
  const conditions = stored(view([0, 3], { problems: new Map([['in/3', lost]]) }));
  expect(of(conditions, 'HistoryIntact')).toEqual({ status: 'False', reason: 'HistoryLost', message: 'in/3: begins at 9' });
  expect(of(conditions, 'WorkerReady').status).toBe('True');
});

describe('several workers', () => {
  test('a worker that is well does not hide the problem of another', () => {
    const conditions = stored(view([0], { problems: new Map([['in/0', lost]]) }), view([1], { worker: 'worker-b' }));
    expect(of(conditions, 'HistoryIntact')).toEqual({ status: 'False', reason: 'HistoryLost', message: 'in/0: begins at 9' });
  });

  test('the problems of both stand there', () => {
    const conditions = stored(view([10], { problems: new Map([['in/10', lost]]) }), view([2], { worker: 'worker-b', problems: new Map([['in/2', lost]]) }));
    expect(of(conditions, 'HistoryIntact').message).toBe('in/2: begins at 9 | in/10: begins at 9');
  });

  test('who takes over a partition takes over what is said about it', () => {
    const conditions = stored(view([0], { problems: new Map([['in/0', lost]]) }), view([0, 1], { worker: 'worker-b' }));
    expect(of(conditions, 'HistoryIntact')).toEqual({ status: 'True', reason: 'Intact', message: '' });
  });

  test('a worker that cannot run says so, and the next one that can takes it back', () => {
    const failure: Problem = { condition: 'WorkerReady', reason: 'KafkaUnreachable', message: 'no route' };
    const failing = stored(view([], { failure }));
    expect(of(failing, 'WorkerReady')).toEqual({ status: 'False', reason: 'KafkaUnreachable', message: 'worker-a: no route' });
    expect(of(stored(view([], { failure }), view([0], { worker: 'worker-b' })), 'WorkerReady').status).toBe('True');
  });
});

describe('bad records', () => {
  test('that were set aside are counted per partition, and the condition stays good', () => {
    const conditions = stored(view([0], { setAside: new Map([['in/0', 3]]) }), view([1], { worker: 'worker-b', setAside: new Map([['in/1', 5]]) }));
    expect(of(conditions, 'RecordsAccepted')).toEqual({
      status: 'True',
      reason: 'Accepted',
      message: 'in/0: 3 bad records set aside | in/1: 5 bad records set aside',
    });
  });

  test('of a share that stops the partition make it bad', () => {
    const conditions = stored(
      view([0, 1], {
        setAside: new Map([
          ['in/0', 3],
          ['in/1', 2],
        ]),
        problems: new Map([['in/0', paused]]),
      }),
    );
    expect(of(conditions, 'RecordsAccepted')).toEqual({
      status: 'False',
      reason: 'TooManyBadRecords',
      message: 'in/0: 40 of 100 records are bad | in/1: 2 bad records set aside',
    });
  });
});

test('a stage that was asked to stop is not ready, for that reason', () => {
  expect(of(stored(view([0]), view([], { stopped: true })), 'WorkerReady')).toEqual({ status: 'False', reason: 'Stopped', message: '' });
});

test('the message is bounded, and problems come before counts', () => {
  const partitions = Array.from({ length: 200 }, (_, partition) => partition);
  const setAside = new Map(partitions.map((partition) => [`in/${partition}`, 1]));
  const { message } = of(stored(view(partitions, { setAside, problems: new Map([['in/199', { ...paused, message: 'x'.repeat(5_000) }]]) })), 'RecordsAccepted');
  expect(message.split(' | ').length).toBeGreaterThan(15);
  expect(message).toContain('in/199: xxx');
  expect(message.length).toBeLessThanOrEqual(1_000);
});
