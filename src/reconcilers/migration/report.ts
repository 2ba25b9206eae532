import { durationMilliseconds } from '../../api/common.ts';
import { reasonOf } from '../../api/errors.ts';
import type { GateResult, MigrationStatus, Phase } from '../../api/stream-migration.ts';
import { kubeTime } from '../../controller/clock.ts';
import { mergeConditions, setCondition, type WantedCondition } from '../../controller/conditions.ts';
import { judgeChange, type OpenIds } from '../../parity/change.ts';
import { humanRate } from '../numbers.ts';
import type { Happening } from '../world.ts';
import type { Outcome } from './act.ts';
import type { Decision } from './decision.ts';
import { beforeFlip } from './gates/before-flip.ts';
import { openRounds } from './gates/parity.ts';
import type { Measurement } from './measurement.ts';
import { decide } from './plan.ts';
import type { Snapshot } from './snapshot.ts';
import { goesBack, isNewer, openKey, type StatusPatch, secondsSince, stateVersion, timeOf, withStatus } from './status.ts';

/** What a pass says in the end. */
export interface Report {
  readonly status: MigrationStatus;
  readonly happenings: readonly Happening[];
  /** Ids of Change streams that stay open until the next fence, by the key under which they are remembered. */
  readonly open: ReadonlyMap<string, OpenIds>;
}

/** Numbers for people are written at most this often; what decides is written at once. */
const numbersEverySeconds = 10;

/** Phase, message, gates and conditions from what was seen, decided and done. Pure. */
export function report(snapshot: Snapshot, decision: Decision, outcome: Outcome): Report {
  const { status: stored, migration } = snapshot;
  if (isNewer(stored)) return { status: heldAsNewer(snapshot, decision), happenings: [], open: new Map() };
  const learned = learn(snapshot, outcome);
  const next = decideAfter(snapshot, outcome, learned);
  const patch: StatusPatch = { ...decision.record, ...learned.patch, ...next?.record };
  const phase = outcome.kind === 'Refused' ? (stored.phase ?? decision.phase) : (next ?? decision).phase;
  const message = outcome.kind === 'Refused' ? outcome.error.line : (next?.message ?? learned.message ?? decision.message);
  const numbers = numbersOf(snapshot, phase);
  const silent =
    Object.keys(patch).length === 0 &&
    phase === stored.phase &&
    numbers === undefined &&
    outcome.kind !== 'Refused' &&
    decision.stalled === undefined &&
    !isStalled(stored);
  const merged = clean({
    ...stored,
    ...patch,
    ...(numbers ? { progress: numbers } : {}),
    stateVersion,
    observedGeneration: migration.metadata.generation,
    attempt: patch.attempt ?? stored.attempt ?? 1,
    startedAt: patch.startedAt ?? stored.startedAt ?? timeOf(snapshot),
    // The number that it begins with asks for the first attempt, and not for a second one as soon as that fails.
    ...(stored.startedAt === undefined ? { retrySeen: migration.spec.retry } : {}),
    phase,
    phaseSince: phase === stored.phase ? (stored.phaseSince ?? timeOf(snapshot)) : timeOf(snapshot),
    message: silent ? (stored.message ?? message) : message.slice(0, 2048),
  });
  const stalled = outcome.kind === 'Refused' ? reasonOf(outcome.error) : (decision.stalled?.reason ?? overdue(snapshot, merged));
  const conditions = mergeConditions(stored.conditions, conditionsOf(snapshot, merged, stalled), {
    now: kubeTime(snapshot.now),
    generation: migration.metadata.generation,
  });
  return { status: { ...merged, conditions: [...conditions] }, happenings: happeningsOf(stored, merged, stalled), open: learned.open };
}

/** What a newer operator has written stays as it is, but for the condition that says so. */
function heldAsNewer({ status, migration, now }: Snapshot, { stalled, message }: Decision): MigrationStatus {
  if (stalled === undefined) return status;
  const wanted = { type: 'Stalled', status: 'True', reason: stalled.reason, message } as const;
  return { ...status, conditions: [...setCondition(status.conditions, wanted, { now: kubeTime(now), generation: migration.metadata.generation })] };
}

const isStalled = (status: MigrationStatus): boolean => status.conditions?.some(({ type, status: truth }) => type === 'Stalled' && truth === 'True') ?? false;

/** Drops what a patch has set to undefined: an absent member, not a null one. */
const clean = (status: StatusPatch): MigrationStatus =>
  Object.fromEntries(Object.entries(status).filter(([, value]) => value !== undefined)) as MigrationStatus;

interface Learned {
  readonly patch: StatusPatch;
  readonly message?: string;
  readonly open: Report['open'];
}

function learn(snapshot: Snapshot, outcome: Outcome): Learned {
  const nothing = { patch: {}, open: new Map() };
  if (outcome.kind === 'Measured') return { ...nothing, ...judge(snapshot, outcome.measurement) };
  if (outcome.kind !== 'Flipped') return nothing;
  const { flip } = snapshot.status;
  if (flip === undefined) return nothing;
  const { result } = outcome;
  // A call that was never answered may still arrive: only the aliases can tell, and the next pass reads them.
  if (!result.moved && result.mayStillMove) return { ...nothing, message: `the call to move readers was not answered: ${result.reason}` };
  if (!result.moved) return { ...nothing, patch: { flip: { ...flip, result: 'NotMoved' } }, message: `the aliases were not moved: ${result.reason}` };
  return {
    ...nothing,
    patch: { flip: { ...flip, result: 'Moved', movedAt: timeOf(snapshot), milliseconds: Math.round(result.milliseconds) } },
    message: `readers moved in ${Math.round(result.milliseconds)} ms`,
  };
}

/**
 * What follows from what an effect has taught is stored with it, unless it needs facts that are older than the effect: after a flip only that
 * the soak has begun; after a verdict the next fence, that a person is waited for, or the intent of the flip.
 */
function decideAfter(snapshot: Snapshot, outcome: Outcome, { patch }: Learned): Decision | undefined {
  if (Object.keys(patch).length === 0) return undefined;
  const seen = outcome.kind === 'Measured' ? { ...snapshot, progress: outcome.progress } : snapshot;
  const next = decide(withStatus(seen, patch));
  return next.effect === undefined && next.stalled === undefined && (outcome.kind === 'Measured' || next.record === undefined) ? next : undefined;
}

function judge(snapshot: Snapshot, measurement: Measurement): Learned {
  const time = timeOf(snapshot);
  const gates = beforeFlip.map((gate): GateResult => {
    const { outcome, observed, bound } = gate.judge(measurement);
    return { name: gate.name, outcome, observed: observed.slice(0, 2048), bound: bound.slice(0, 512), fence: measurement.fence, time };
  });
  const open = new Map<string, OpenIds>();
  for (const { alias, counts } of measurement.pairs) {
    const next = counts.type === 'Change' ? judgeChange({ ...counts, bounds: measurement.bounds, rounds: openRounds }).open : undefined;
    if (next) open.set(openKey(snapshot, alias), next);
  }
  const passed = gates.every(({ outcome }) => outcome === 'Pass');
  const failing = gates.find(({ outcome }) => outcome !== 'Pass');
  return {
    patch: { gates, fencesPassed: passed ? (snapshot.status.fencesPassed ?? 0) + 1 : 0 },
    message: failing
      ? `${failing.name} is ${failing.outcome} at fence ${measurement.fence}: ${failing.observed}`
      : `parity holds at fence ${measurement.fence}`,
    open,
  };
}

const withNumbers: ReadonlySet<Phase> = new Set(['CatchingUp', 'Verifying', 'AwaitingApproval']);

function numbersOf(snapshot: Snapshot, phase: Phase): MigrationStatus['progress'] | undefined {
  const { progress, status } = snapshot;
  if (!progress || !withNumbers.has(phase)) return undefined;
  if (status.progress && phase === status.phase && secondsSince(status.progress.time, snapshot) < numbersEverySeconds) return undefined;
  const parity = status.gates?.find(({ name }) => name === 'Parity')?.outcome;
  return {
    lag: progress.lag === undefined ? 'unknown' : progress.lag.toLocaleString('en-US'),
    rate: progress.rate === undefined ? '-' : `${humanRate(progress.rate)}/s`,
    eta: progress.eta === undefined ? '-' : `${Math.ceil(progress.eta)}s`,
    ...(parity ? { parity } : {}),
    time: timeOf(snapshot),
  };
}

/** Phases in which a migration is expected to move by itself. */
const moving: ReadonlySet<Phase> = new Set(['Planning', 'Provisioning', 'CatchingUp', 'Verifying', 'Flipping', 'TearingDown', 'Aborting', 'RollingBack']);

/** Past the deadline without progress: said, and nothing else. */
function overdue(snapshot: Snapshot, status: MigrationStatus): string | undefined {
  if (status.phase === undefined || !moving.has(status.phase) || status.phaseSince === undefined) return undefined;
  const moved = snapshot.progress?.rate !== undefined && snapshot.progress.rate > 0;
  const lasts = secondsSince(status.phaseSince, snapshot) * 1_000;
  const late = lasts > durationMilliseconds(snapshot.migration.spec.progressDeadline);
  return late && Number.isFinite(lasts) && !moved ? 'ProgressDeadlineExceeded' : undefined;
}

function conditionsOf(snapshot: Snapshot, status: MigrationStatus, stalled: string | undefined): readonly WantedCondition[] {
  const phase = status.phase ?? 'Pending';
  const message = status.message ?? '';
  const held = status.ending?.way === 'Hold';
  const finished = status.outcome !== undefined || held;
  const success = status.outcome === 'Completed' || status.outcome === 'NothingToDo';
  const wentBack = status.outcome === 'Completed' && goesBack(status.plan?.steps ?? []);
  const promoted = wentBack || (status.flip?.direction === 'Forward' && status.flip.result === 'Moved');
  const caughtUp = promoted || (status.gates?.length ?? 0) > 0;
  const verified = status.gates?.every(({ outcome }) => outcome === 'Pass') ?? false;
  const is = (type: string, holds: boolean, reason: string, text = ''): WantedCondition => ({ type, status: holds ? 'True' : 'False', reason, message: text });
  return [
    is('Ready', success, status.outcome ?? phase, message),
    is('Reconciling', !finished && stalled === undefined && phase !== 'AwaitingApproval', phase, message),
    is('Stalled', stalled !== undefined && status.outcome === undefined, stalled ?? (held ? 'Held' : 'NotStalled'), stalled === undefined ? '' : message),
    is('CaughtUp', caughtUp, caughtUp ? 'AtFence' : 'Behind', status.fence ? `fence ${status.fence.id}` : ''),
    is('Verified', verified, verified ? 'GatesPassed' : 'NotVerified', (status.gates ?? []).map(({ name, outcome }) => `${name} ${outcome}`).join(', ')),
    is('Promoted', promoted, promoted ? 'ReadersMoved' : 'ReadersOnBlue'),
    rollbackPossible(snapshot, status, promoted),
    is('Finished', finished, status.outcome ?? (held ? 'Held' : 'Running'), finished ? message : ''),
  ];
}

/** A rollback loses nothing only while blue keeps reaching fresh fences. */
const provenWithinSeconds = 30;

function rollbackPossible(snapshot: Snapshot, status: MigrationStatus, promoted: boolean): WantedCondition {
  const { soak } = snapshot;
  const type = 'RollbackPossible';
  if (!promoted || status.outcome !== undefined) return { type, status: 'False', reason: 'NotPromoted', message: '' };
  if (status.pointOfNoReturn !== undefined) return { type, status: 'False', reason: 'PointOfNoReturn', message: 'blue is being torn down' };
  if (soak !== undefined && soak.unhealthy.length > 0) return { type, status: 'False', reason: 'BlueUnhealthy', message: soak.unhealthy.join('; ') };
  // Before the first fence of the soak there is the one of the verdict: both colours had reached it.
  const provenSecondsAgo = soak?.blueProvenSecondsAgo ?? (status.fence ? secondsSince(status.fence.time, snapshot) : Number.POSITIVE_INFINITY);
  if (provenSecondsAgo <= provenWithinSeconds) return { type, status: 'True', reason: 'BlueIsFed', message: 'blue has everything up to a recent fence' };
  return soak?.blueProvenSecondsAgo === undefined
    ? { type, status: 'Unknown', reason: 'NotProvenYet', message: 'blue is being followed to a fence' }
    : { type, status: 'False', reason: 'BlueIsBehind', message: `blue has not reached a fence for more than ${provenWithinSeconds} s` };
}

/** Phases that are on the way to those that people look for, and undone without a trace or announced by the one before. */
const passing: ReadonlySet<Phase> = new Set(['Pending', 'Planning', 'Provisioning', 'CatchingUp', 'Verifying', 'Flipping', 'TearingDown']);

/** What is worth telling: a new phase, a verdict that is no pass, a stall. */
function happeningsOf(before: MigrationStatus, after: MigrationStatus, stalled: string | undefined): readonly Happening[] {
  const found: Happening[] = [];
  const bad = after.gates?.find(({ outcome }) => outcome === 'Fail');
  if (bad && before.gates !== after.gates) found.push({ type: 'Warning', reason: `${bad.name}Failed`, message: bad.observed });
  if (after.phase !== before.phase)
    found.push({
      type: after.phase === 'Held' || after.phase === 'Failed' ? 'Warning' : 'Normal',
      reason: after.phase ?? 'Pending',
      message: after.message ?? '',
      ...(after.phase !== undefined && passing.has(after.phase) ? { quiet: true } : {}),
    });
  if (stalled !== undefined && !isStalled(before)) found.push({ type: 'Warning', reason: 'Stalled', message: after.message ?? stalled });
  return found;
}
