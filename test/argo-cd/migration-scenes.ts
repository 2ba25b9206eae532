import { GrueError } from '../../src/api/errors.ts';
import type { Phase, StreamMigration } from '../../src/api/stream-migration.ts';
import type { Outcome } from '../../src/reconcilers/migration/act.ts';
import { decide } from '../../src/reconcilers/migration/plan.ts';
import { report } from '../../src/reconcilers/migration/report.ts';
import {
  at,
  blue,
  bothColours,
  fenceAt100,
  flipped,
  gate,
  green,
  intent,
  named,
  onGreen,
  progress,
  proposal,
  revision,
  running,
  type Shape,
  snapshot,
  thePlan,
  verified,
} from '../reconcilers/migration/snapshots.ts';
import type { HealthState } from './argo-cd.ts';

const soaking = { revisions: bothColours, aliases: onGreen };
const rival = { name: 'older', newer: false, waitsForUs: false, planned: true, flipped: false, goesBack: false };
const failed = { way: 'Hold' as const, reason: 'gate Parity failed: 300 and 299', time: at(1) };
const asked = { way: 'Abort' as const, reason: 'abort requested', time: at(1) };
const back = { way: 'Rollback' as const, reason: 'rollback requested', time: at(1) };
const movedBack = { direction: 'Back' as const, intent, intendedAt: at(2), result: 'Moved' as const, movedAt: at(1), milliseconds: 9 };

/** A migration before a pass of the operator, and what Argo CD is to make of it afterwards. */
export interface Scene {
  readonly shape: Shape;
  readonly outcome?: Outcome;
  readonly phase: Phase;
  readonly health: HealthState;
  readonly says: string;
}

/** Each is what one pass of the operator makes of such a migration: nothing is written by hand but what went before. */
export const scenes: Readonly<Record<string, Scene>> = {
  'inputs that were edited a moment ago': {
    shape: { facts: { unsettled: [{ reason: 'Settling', message: 'Pipeline/delays changed less than 10 s ago' }] } },
    phase: 'Pending',
    health: 'Progressing',
    says: 'Pipeline/delays changed',
  },
  'inputs that are not there yet': {
    shape: { facts: { unsettled: [{ reason: 'WaitingForInputs', message: 'Pipeline/delays does not exist' }] } },
    phase: 'Pending',
    health: 'Healthy',
    says: 'Pipeline/delays does not exist',
  },
  'a base that is not live any more': {
    shape: { facts: { unsettled: [{ reason: 'WaitingForBase', message: 'GRUE-MIG-008: Pipeline/delays is live as another' }] } },
    phase: 'Pending',
    health: 'Healthy',
    says: 'GRUE-MIG-008',
  },
  'another migration before it': { shape: { facts: { rivals: [rival], proposal } }, phase: 'Pending', health: 'Healthy', says: 'waiting for migration older' },
  'servers that do not answer': {
    shape: { facts: { unreachable: new GrueError('GRUE-PLT-002', 'no broker answers') } },
    phase: 'Pending',
    health: 'Degraded',
    says: 'PlatformUnavailable: GRUE-PLT-002',
  },
  'a plan that is refused': {
    shape: { facts: { proposal: { refused: [new GrueError('GRUE-SQL-003', 'column "dealy" does not exist')] } } },
    phase: 'Planning',
    health: 'Degraded',
    says: 'PlanRefused: GRUE-SQL-003',
  },
  'a plan that was made': { shape: { unprotected: true, facts: { proposal } }, phase: 'Planning', health: 'Progressing', says: 'protecting' },
  'Revisions that are being made': {
    shape: {
      status: { plan: thePlan },
      facts: { revisions: named([...blue, ...green.slice(0, 2), revision('Connection', 'delays-index', 2, { state: 'Pending' })]) },
    },
    phase: 'Provisioning',
    health: 'Progressing',
    says: '2 of 3 Revisions',
  },
  'a topic that cannot be made': {
    shape: { status: { plan: thePlan, phase: 'Provisioning' }, facts: { proposal } },
    outcome: { kind: 'Refused', error: new GrueError('GRUE-KFK-008', 'the broker refuses') },
    phase: 'Provisioning',
    health: 'Degraded',
    says: 'GRUE_KFK_008: GRUE-KFK-008',
  },
  'a manual Provision': {
    shape: { spec: { manual: ['Provision'] }, status: { plan: thePlan }, facts: { proposal } },
    phase: 'AwaitingApproval',
    health: 'Suspended',
    says: 'approval of Provision',
  },
  'green behind a fence': {
    shape: { status: { plan: thePlan, fence: fenceAt100 }, facts: { revisions: bothColours, progress: progress({ sink: 10n }) } },
    phase: 'CatchingUp',
    health: 'Progressing',
    says: 'fence 1',
  },
  'a stage that has stopped by itself': {
    shape: {
      status: { plan: thePlan, fence: fenceAt100 },
      facts: { revisions: bothColours, progress: progress({ sink: 10n, unhealthy: ['connection-delays-index-2: every record is bad'] }) },
    },
    phase: 'CatchingUp',
    health: 'Degraded',
    says: 'StageUnhealthy: connection-delays-index-2',
  },
  'no progress for longer than its deadline': {
    shape: {
      status: { plan: thePlan, phase: 'Provisioning', phaseSince: at(601) },
      facts: { revisions: named([...blue, ...green.map((one) => ({ ...one, status: { state: 'Pending' as const } }))]) },
    },
    phase: 'Provisioning',
    health: 'Degraded',
    says: 'ProgressDeadlineExceeded',
  },
  'parity that is being counted': {
    shape: { status: { plan: thePlan, fence: fenceAt100 }, facts: running },
    phase: 'Verifying',
    health: 'Progressing',
    says: 'counting both sides',
  },
  'a manual Flip': {
    shape: { spec: { manual: ['Flip'] }, status: verified, facts: running },
    phase: 'AwaitingApproval',
    health: 'Suspended',
    says: 'grue promote delays-in-hours',
  },
  'readers about to be moved': { shape: { status: verified, facts: running }, phase: 'Flipping', health: 'Progressing', says: 'about to move' },
  'an alias that somebody has moved': {
    shape: {
      status: { ...verified, flip: { direction: 'Forward', intent, intendedAt: at(1) } },
      facts: { ...running, aliases: new Map([['delays', [{ index: 'theirs', uuid: 'theirs' }]]]) },
    },
    phase: 'Flipping',
    health: 'Degraded',
    says: 'AliasMoved: GRUE-ES-004',
  },
  'a soak': { shape: { status: flipped, spec: { soak: '10m' }, facts: soaking }, phase: 'Soaking', health: 'Progressing', says: 'blue stays fed until' },
  'a manual Teardown': {
    shape: { spec: { manual: ['Teardown'], soak: '10s' }, status: flipped, facts: soaking },
    phase: 'AwaitingApproval',
    health: 'Suspended',
    says: 'approval of Teardown',
  },
  'blue that is torn down': {
    shape: { status: { ...flipped, pointOfNoReturn: at(1) }, spec: { soak: '10s' }, facts: soaking },
    phase: 'TearingDown',
    health: 'Progressing',
    says: 'sinks of blue',
  },
  success: {
    shape: { status: { ...flipped, pointOfNoReturn: at(1) }, spec: { soak: '10s' }, facts: { ...soaking, revisions: named([...blue.slice(0, 1), ...green]) } },
    phase: 'Completed',
    health: 'Healthy',
    says: 'Completed: 3 Revisions are live',
  },
  'nothing to do': {
    shape: { facts: { proposal: { nothingToDo: 'everything is live' } } },
    phase: 'Completed',
    health: 'Healthy',
    says: 'NothingToDo: nothing to do',
  },
  'a gate that failed': {
    shape: { status: { ...verified, gates: [gate('Fail')] }, facts: running },
    phase: 'Held',
    health: 'Suspended',
    says: 'gate Parity failed',
  },
  'a gate that has failed long ago': {
    shape: { status: { ...verified, ending: failed }, facts: running },
    phase: 'Held',
    health: 'Suspended',
    says: 'green stays',
  },
  'green that is removed': { shape: { status: { ...verified, ending: asked }, facts: running }, phase: 'Aborting', health: 'Progressing', says: 'removing 3' },
  'an abort': {
    shape: { status: { ...verified, ending: asked }, facts: { revisions: named(blue) } },
    phase: 'Aborted',
    health: 'Degraded',
    says: 'Aborted: aborted: abort requested',
  },
  'readers that go back': {
    shape: { status: { ...flipped, ending: back }, facts: soaking },
    phase: 'RollingBack',
    health: 'Progressing',
    says: 'waiting until blue',
  },
  'a rollback': {
    shape: { status: { ...flipped, flip: movedBack, ending: back }, facts: { revisions: named(blue) } },
    phase: 'RolledBack',
    health: 'Degraded',
    says: 'RolledBack: rolled back: rollback requested',
  },
  'a pause in the spec': {
    shape: { spec: { paused: true }, status: { ...verified, phase: 'Verifying' }, facts: running },
    phase: 'Verifying',
    health: 'Suspended',
    says: 'paused',
  },
  'a pause by request': {
    shape: { status: { ...verified, phase: 'CatchingUp', pausedByRequest: true }, facts: running },
    phase: 'CatchingUp',
    health: 'Suspended',
    says: 'paused',
  },
  'a pause, and a flip that was decided before': {
    shape: { spec: { paused: true }, status: { ...verified, flip: { direction: 'Forward', intent, intendedAt: at(1) } }, facts: running },
    phase: 'Flipping',
    health: 'Progressing',
    says: 'moving 1 aliases',
  },
  'a pause, and an abort all the same': {
    shape: { spec: { paused: true }, status: { ...verified, ending: asked }, facts: running },
    phase: 'Aborting',
    health: 'Progressing',
    says: 'removing 3',
  },
};

/** The object as it is stored after the pass. */
export function stored({ shape, outcome = { kind: 'Done' } }: Pick<Scene, 'shape' | 'outcome'>): StreamMigration {
  const before = snapshot(shape);
  return { ...before.migration, status: report(before, decide(before), outcome).status };
}
