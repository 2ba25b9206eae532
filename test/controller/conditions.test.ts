import { expect, test } from 'vitest';
import { type Condition, findCondition, isConditionTrue, mergeConditions, setCondition } from '../../src/controller/conditions.ts';

const early = '2026-01-01T00:00:00Z';
const late = '2026-01-01T00:05:00Z';
const ready: Condition = { type: 'Ready', status: 'False', reason: 'Starting', message: '', lastTransitionTime: early, observedGeneration: 1 };

test('lastTransitionTime stays while the status stays, whatever the reason says', () => {
  const [merged] = mergeConditions([ready], [{ type: 'Ready', status: 'False', reason: 'Waiting', message: 'for Kafka' }], { now: late, generation: 2 });
  expect(merged).toEqual({ ...ready, reason: 'Waiting', message: 'for Kafka', observedGeneration: 2 });
});

test('lastTransitionTime moves when the status moves', () => {
  const [merged] = mergeConditions([ready], [{ type: 'Ready', status: 'True', reason: 'Running', message: '' }], { now: late, generation: 1 });
  expect(merged?.lastTransitionTime).toBe(late);
});

test('an unchanged set is deep-equal to what is stored, also when it is wanted in another order', () => {
  const stalled: Condition = { ...ready, type: 'Stalled' };
  const again = mergeConditions([ready, stalled], [stalled, ready], { now: late, generation: 1 });
  expect(again).toEqual([ready, stalled]);
});

test('types are unique, also when one is wanted twice: the last word counts', () => {
  const wanted = { type: 'Ready', status: 'True', reason: 'A', message: '' } as const;
  expect(mergeConditions([], [wanted, { ...wanted, reason: 'B' }], { now: late })).toEqual([{ ...wanted, reason: 'B', lastTransitionTime: late }]);
});

test('every condition carries the generation that it was computed from', () => {
  const merged = mergeConditions([ready], [ready, { ...ready, type: 'Stalled' }], { now: late, generation: 7 });
  expect(merged.map((condition) => condition.observedGeneration)).toEqual([7, 7]);
});

test('conditions of types that the caller does not own are neither changed nor removed', () => {
  const worker: Condition = { ...ready, type: 'WorkerRunning' };
  const merged = mergeConditions([worker, ready], [], { now: late, owns: (type) => type !== 'WorkerRunning' });
  expect(merged).toEqual([worker]);
});

test('an owned type that is no longer wanted is removed', () => {
  expect(mergeConditions([ready], [], { now: late })).toEqual([]);
});

test('setting one condition leaves all others untouched', () => {
  const merged = setCondition([ready], { type: 'Stalled', status: 'True', reason: 'Held', message: 'parity' }, { now: late, generation: 3 });
  expect(merged).toEqual([ready, { type: 'Stalled', status: 'True', reason: 'Held', message: 'parity', lastTransitionTime: late, observedGeneration: 3 }]);
});

test('a condition that is absent or Unknown is not true', () => {
  expect(isConditionTrue(undefined, 'Ready')).toBe(false);
  expect(isConditionTrue([{ ...ready, status: 'Unknown' }], 'Ready')).toBe(false);
  expect(isConditionTrue([{ ...ready, status: 'True' }], 'Ready')).toBe(true);
  expect(findCondition([ready], 'Ready')).toBe(ready);
});

test('a message is one line of at most 1,024 characters', () => {
  const wanted = { type: 'Ready', status: 'False', reason: 'Refused', message: `first\n  second ${'x'.repeat(2_000)}` } as const;
  const [condition] = mergeConditions([], [wanted], { now: '2026-11-21T12:00:00Z' });
  expect(condition?.message).toMatch(/^first second x+…$/);
  expect(condition?.message).toHaveLength(1_024);
});
