import { describe, expect, test } from 'vitest';
import { GrueError } from '../../../src/api/errors.ts';
import { type MigrationStatus, migrationStatus } from '../../../src/api/stream-migration.ts';
import type { Outcome } from '../../../src/reconcilers/migration/act.ts';
import { plan } from '../../../src/reconcilers/migration/plan.ts';
import { report } from '../../../src/reconcilers/migration/report.ts';
import { lintStatus, lintStatusChange } from '../../support/status-lint.ts';
import { at, blue, fenceAt100, flipped, green, intent, named, now, onGreen, progress, type Shape, snapshot, thePlan, verified } from './snapshots.ts';

const done: Outcome = { kind: 'Done' };
const bothColours = named([...blue, ...green]);
const running = { revisions: bothColours, progress: progress() };

/** One pass without the world: what it would have written. */
function pass(shape: Shape, outcome: Outcome = done) {
  const before = snapshot(shape);
  const decision = plan(before);
  return { before, decision, ...report(before, decision, outcome) };
}
const condition = (status: MigrationStatus, type: string) => status.conditions?.find((one) => one.type === type);

const scenes: Readonly<Record<string, Shape>> = {
  'a new one': {},
  'one that waits for inputs': { facts: { unsettled: [{ reason: 'WaitingForInputs', message: 'Pipeline/delays does not exist' }] } },
  'one that is planned': { status: { plan: thePlan } },
  'one that catches up': { status: { plan: thePlan, fence: fenceAt100 }, facts: { revisions: bothColours, progress: progress({ sink: 10n }) } },
  'one that is verified': { status: verified, facts: running },
  'one that soaks': { status: flipped, spec: { soak: '10m' }, facts: { revisions: bothColours, aliases: onGreen } },
  'one that tears down': { status: { ...flipped, pointOfNoReturn: at(1) }, facts: { revisions: bothColours, aliases: onGreen } },
  'one that is held': { status: { ...verified, ending: { way: 'Hold', reason: 'gate Parity failed', time: at(1) } }, facts: running },
  'one that is paused': { spec: { paused: true }, status: verified, facts: running },
  'one that rolls back': {
    status: { ...flipped, ending: { way: 'Rollback', reason: 'asked', time: at(3) } },
    facts: { revisions: bothColours, aliases: onGreen },
  },
  'one whose servers are away': { facts: { unreachable: new GrueError('GRUE-PLT-002', 'no broker answers') } },
};

describe('the status', () => {
  test.each(Object.entries(scenes))('of %s keeps the rules of Kubernetes and fits the schema', (_, shape) => {
    const { before, status } = pass(shape);
    const after = { ...before.migration, status };
    expect(
      lintStatus(after, { now, required: ['Ready', 'Reconciling', 'Stalled', 'CaughtUp', 'Verified', 'Promoted', 'RollbackPossible', 'Finished'] }),
    ).toEqual([]);
    expect(lintStatusChange(before.migration, after)).toEqual([]);
    expect(migrationStatus.safeParse(status).error).toBeUndefined();
  });

  test.each(Object.entries(scenes))('of %s is the same again when nothing has changed, so nothing is written', (_, shape) => {
    const first = pass(shape);
    if (first.decision.record !== undefined) return;
    const second = pass({ ...shape, status: first.status });
    expect(second.status).toEqual(first.status);
    expect(second.happenings).toEqual([]);
  });
});

test('the retry that a migration begins with starts no second attempt when the first one fails', () => {
  const { status } = pass({ spec: { retry: 1 } });
  expect(status).toMatchObject({ attempt: 1, retrySeen: 1 });
  const held: Shape = {
    spec: { retry: 1 },
    status: { ...verified, ...status, ending: { way: 'Hold', reason: 'gate Parity failed', time: at(1) } },
    facts: running,
  };
  expect(pass(held).status).toMatchObject({ phase: 'Held', attempt: 1 });
});

describe('what a flip teaches', () => {
  const decided: Shape = { status: { ...verified, flip: { direction: 'Forward', intent, intendedAt: at(1) } }, facts: running };
  test('a confirmed move is recorded with its time', () => {
    const { status } = pass(decided, { kind: 'Flipped', result: { moved: true, milliseconds: 12.4 } });
    expect(status.flip).toMatchObject({ result: 'Moved', milliseconds: 12, movedAt: new Date(now).toISOString() });
    expect(condition(status, 'Promoted')).toMatchObject({ status: 'True' });
  });
  test('a call that was never answered is not taken for a refusal: it may still arrive', () => {
    const { status } = pass(decided, { kind: 'Flipped', result: { moved: false, reason: 'no answer', mayStillMove: true } });
    expect(status.flip?.result).toBeUndefined();
  });
  test('a refusal is recorded, and the next pass holds', () => {
    const { status } = pass(decided, { kind: 'Flipped', result: { moved: false, reason: 'GRUE-ES-004: moved elsewhere' } });
    expect(status.flip?.result).toBe('NotMoved');
    expect(plan(snapshot({ ...decided, status })).record).toMatchObject({ ending: { way: 'Hold' } });
  });
});

describe('RollbackPossible', () => {
  const soaking = (soak: object | undefined): Shape => ({
    status: flipped,
    spec: { soak: '10m' },
    facts: { revisions: bothColours, aliases: onGreen, soak: soak as never },
  });
  const possible = (shape: Shape) => condition(pass(shape).status, 'RollbackPossible');
  test('holds right after the flip: both colours had reached the fence of the verdict', () => {
    expect(possible(soaking(undefined))).toMatchObject({ status: 'True' });
  });
  test('is unknown when that is long past and blue has not reached a fence since', () => {
    const old = { ...flipped, fence: { ...fenceAt100, time: at(40) } };
    expect(possible({ ...soaking({ blueProvenSecondsAgo: undefined, unhealthy: [], openSearches: 0, members: 0 }), status: old })).toMatchObject({
      status: 'Unknown',
    });
  });
  test('holds while blue keeps reaching fresh fences', () => {
    expect(possible(soaking({ blueProvenSecondsAgo: 3, unhealthy: [], openSearches: 0, members: 0 }))).toMatchObject({ status: 'True' });
    expect(possible(soaking({ blueProvenSecondsAgo: 300, unhealthy: [], openSearches: 0, members: 0 }))).toMatchObject({
      status: 'False',
      reason: 'BlueIsBehind',
    });
  });
  test('does not hold while a stage of blue is in trouble', () => {
    expect(possible(soaking({ blueProvenSecondsAgo: 3, unhealthy: ['connection-delays-index-1: paused'], openSearches: 0, members: 0 }))).toMatchObject({
      status: 'False',
      reason: 'BlueUnhealthy',
    });
  });
  test('ends at the point of no return', () => {
    expect(possible({ ...soaking(undefined), status: { ...flipped, pointOfNoReturn: at(1) } })).toMatchObject({ status: 'False', reason: 'PointOfNoReturn' });
  });
});

test('an error of the servers leaves the phase as it was and is said with its code', () => {
  const { status } = pass(
    { status: { ...verified, phase: 'Verifying', gates: [] }, facts: running },
    { kind: 'Refused', error: new GrueError('GRUE-PLT-003', 'no node answers') },
  );
  expect(status.phase).toBe('Verifying');
  expect(condition(status, 'Stalled')).toMatchObject({ status: 'True', reason: 'GRUE_PLT_003' });
});

test('without progress for longer than the deadline it says so, and aborts nothing', () => {
  const status: MigrationStatus = { plan: thePlan, phase: 'Provisioning', phaseSince: at(601) };
  const late = pass({ status, facts: { revisions: named([...blue, ...green.map((one) => ({ ...one, status: { state: 'Pending' as const } }))]) } });
  expect(condition(late.status, 'Stalled')).toMatchObject({ status: 'True', reason: 'ProgressDeadlineExceeded' });
  expect(late.status.ending).toBeUndefined();
});
