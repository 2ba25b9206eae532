import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../../src/reconcilers/migration/act.ts';
import { decide } from '../../../src/reconcilers/migration/plan.ts';
import { report } from '../../../src/reconcilers/migration/report.ts';
import { at, gate, intent, progress, proposal, running, type Shape, snapshot, thePlan, verified } from './snapshots.ts';

const pass = (shape: Shape) => decide(snapshot(shape));

describe('one pass writes down all that needs no newer facts', () => {
  test('the plan, and that its Revisions are about to be made: making them is for the pass that finds it stored', () => {
    const decision = pass({ facts: { proposal } });
    expect(decision).toMatchObject({ phase: 'Provisioning', record: { plan: { hash: thePlan.hash } }, again: 0 });
    expect(decision.effect).toBeUndefined();
  });
  test('the plan, and that a person has to approve it', () => {
    expect(pass({ spec: { manual: ['Provision'] }, facts: { proposal } })).toMatchObject({
      phase: 'AwaitingApproval',
      record: { plan: { hash: thePlan.hash } },
    });
  });
  test('a fence, down to the last stage that is at it; it is judged when it is stored', () => {
    const decision = pass({ status: { plan: thePlan }, facts: running });
    expect(decision.record?.fence?.offsets.map(({ topic, at: end }) => `${topic} ${end}`)).toEqual([
      'delays-1 100,100,100',
      'delays-2 100,100,100',
      'flights-1 100,100,100',
    ]);
    expect(decision.effect).toBeUndefined();
  });
  test('a fence, as far as the stages have come', () => {
    const decision = pass({ status: { plan: thePlan }, facts: { ...running, progress: progress({ pipeline: 99n }) } });
    expect(decision.record?.fence?.offsets.find(({ topic }) => topic === 'delays-2')?.at).toBe('');
    expect(decision).toMatchObject({ phase: 'CatchingUp', message: expect.stringContaining('pipeline-delays-2') });
  });
  test('an approval, its answer, and the intent of the flip, but never the flip itself', () => {
    const request = { ask: { id: 'one', verb: 'promote' as const } };
    const decision = pass({ spec: { manual: ['Flip'] }, status: verified, facts: { ...running, request } });
    expect(decision).toMatchObject({
      phase: 'Flipping',
      record: { approved: [{ step: 'Flip' }], requests: [{ id: 'one', result: 'accepted: Flip' }], flip: { direction: 'Forward', intent } },
    });
    expect(decision.effect).toBeUndefined();
  });
  test('but not what has to be looked at again: an abort is only noted', () => {
    const request = { ask: { id: 'one', verb: 'abort' as const } };
    const decision = pass({ status: verified, facts: { ...running, request } });
    expect(decision.record).toMatchObject({ ending: { way: 'Abort' } });
    expect(decision.again).toBe(0);
  });
});

describe('what an effect leaves to wait for is said at once', () => {
  const statusAfter = (shape: Shape, outcome: Outcome) => report(snapshot(shape), decide(snapshot(shape)), outcome).status;
  test('the soak, when the aliases have moved', () => {
    const flip = { direction: 'Forward' as const, intent, intendedAt: at(1) };
    const status = statusAfter({ status: { ...verified, flip }, facts: running }, { kind: 'Flipped', result: { moved: true, milliseconds: 7 } });
    expect(status).toMatchObject({ phase: 'Soaking', flip: { result: 'Moved' } });
  });
  test('not a refused flip: it is held in a pass of its own', () => {
    const flip = { direction: 'Forward' as const, intent, intendedAt: at(1) };
    const status = statusAfter({ status: { ...verified, flip }, facts: running }, { kind: 'Flipped', result: { moved: false, reason: 'moved elsewhere' } });
    expect(status).toMatchObject({ phase: 'Flipping', flip: { result: 'NotMoved' } });
  });
  const side = { inRegion: [100], below: 0, beyond: 0, foreign: 0, total: 100 };
  const region = [{ root: 'flights', epoch: 0, partition: 0, from: 0n, to: 100n }];
  const equal = (fence: number): Outcome => ({
    kind: 'Measured',
    measurement: {
      fence,
      pairs: [{ alias: 'delays', counts: { type: 'Append', region, green: side, blue: side }, throughAlias: undefined }],
      newDeadLetters: { count: 0, examples: [] },
      disturbed: undefined,
      bounds: { tolerance: 0 },
    },
    progress: progress(),
  });
  const atFence = { ...verified, gates: [], fencesPassed: 0 };
  test('the next fence, taken from positions that are younger than the verdict', () => {
    expect(statusAfter({ status: atFence, facts: running }, equal(1))).toMatchObject({ phase: 'Verifying', fencesPassed: 1, fence: { id: 2 } });
  });
  test('after the last verdict the intent of the flip, or that a person is waited for', () => {
    const once = { ...atFence, fence: { ...verified.fence!, id: 2 }, fencesPassed: 1 };
    expect(statusAfter({ status: once, facts: running }, equal(2))).toMatchObject({ phase: 'Flipping', fencesPassed: 2, flip: { intent } });
    const manual = statusAfter({ spec: { manual: ['Flip'] }, status: once, facts: running }, equal(2));
    expect(manual).toMatchObject({ phase: 'AwaitingApproval', fencesPassed: 2 });
    expect(manual.flip).toBeUndefined();
  });
  test('between two verdicts it goes on verifying', () => {
    expect(pass({ status: { ...verified, gates: [gate('Pass')], fencesPassed: 1 }, facts: running })).toMatchObject({
      phase: 'Verifying',
      record: { fence: { id: 2 } },
    });
  });
});
