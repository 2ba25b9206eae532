import { expect, test } from 'vitest';
import { type Read, readLog } from '../../demo/read-log.ts';

const hits = (...indices: readonly string[]): Read => ({ indices });
const nobody = (): void => {};

test('a read with documents of one index is a good one', () => {
  const log = readLog(2, nobody);
  log.note(0, 0, 1, [hits('blue', 'blue'), hits('blue', 'blue')]);
  expect(log.counts()).toEqual({ total: 2, failed: 0, empty: 0, mixed: 0 });
  expect(log.current()).toBe('blue');
});

test('a failure, a document that is not found, and documents of two indices are three different faults', () => {
  const told: string[] = [];
  const log = readLog(2, (what) => told.push(what));
  log.note(0, 0, 1, [{ failure: 'HTTP 503' }, hits('blue'), hits(), hits('blue', 'green')]);
  expect(log.counts()).toEqual({ total: 4, failed: 1, empty: 2, mixed: 1 });
  expect(told).toEqual([
    'failed: HTTP 503',
    'empty: 1 of 2 documents in blue',
    'empty: 0 of 2 documents in no index',
    'mixed: one response has hits of blue and green',
  ]);
});

test('the same fault is told once, however often it comes', () => {
  const told: string[] = [];
  const log = readLog(2, (what) => told.push(what));
  for (let i = 0; i < 10; i++) log.note(0, i, i + 1, [{ failure: 'HTTP 503' }]);
  expect(told).toHaveLength(1);
  expect(log.counts().failed).toBe(10);
});

test('each migration has counts and indices of its own', () => {
  const log = readLog(1, nobody);
  log.note(0, 0, 1, [hits('one')]);
  log.note(0, 1, 2, [hits('two'), hits('two')]);
  log.nextChapter();
  log.note(0, 2, 3, [hits('two')]);
  expect(log.indices(0)).toEqual(['one', 'two']);
  expect(log.indices(1)).toEqual(['two']);
  expect([log.counts(0).total, log.counts(1).total]).toEqual([3, 1]);
});

test('what readers notice of a move is for how long both indices answered, and the slowest answer meanwhile', () => {
  const log = readLog(1, nobody);
  log.note(0, 0, 10, [hits('blue')]);
  log.note(1, 0, 100, [hits('blue')]); // asked before the move, answered after it
  log.note(0, 90, 98, [hits('green')]);
  log.note(1, 100, 110, [hits('green')]);
  log.note(0, 500, 900, [hits('green')]); // long after
  expect(log.move('blue', 'green')).toEqual({ overlapMilliseconds: 2, slowestMilliseconds: 100 });
  expect(log.move('green', 'blue')).toBeUndefined();
});

test('a move there and a move back are told apart', () => {
  const log = readLog(1, nobody);
  for (const [i, index] of ['blue', 'green', 'blue'].entries()) log.note(0, i * 10, i * 10 + 1, [hits(index)]);
  expect(log.move('blue', 'green')).toEqual({ overlapMilliseconds: 0, slowestMilliseconds: 5 });
  expect(log.move('green', 'blue')).toEqual({ overlapMilliseconds: 0, slowestMilliseconds: 5 });
});
