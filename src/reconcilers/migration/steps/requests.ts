import type { Request } from '../../../api/requests.ts';
import type { RequestResult } from '../../../api/stream-migration.ts';
import { type Decision, deleting, note, noteAndGoOn, type Step, waitFor } from '../decision.ts';
import type { Snapshot } from '../snapshot.ts';
import { flipDecided, freshAttempt, nextManualStep, readersOnGreen, type StatusPatch, timeOf } from '../status.ts';

/** Deletes the given Revisions, and waits until what they realised is gone. */
export function removeGreen(s: Snapshot, phase: 'Aborting' | 'RollingBack', left: readonly string[]): Decision {
  const asked = left.filter((name) => s.revisions.get(name)?.metadata.deletionTimestamp === undefined);
  if (asked.length > 0) return deleting(phase, `removing ${asked.length} Revisions of green`, asked);
  return waitFor(phase, `${left.length} Revisions of green are being removed`, 1_000);
}

/** Answers a person's request once, and what the spec asks for. The annotation stays; its id is recorded with the result. */
export const honourRequests: Step = (s) => {
  const { request } = s;
  if (request !== undefined) {
    if ('error' in request) return answered(s, { id: request.id, verb: 'unknown' }, `refused: ${request.error.line}`, {});
    const { result, patch } = answer(s, request.ask);
    return answered(s, request.ask, result, patch);
  }
  const { spec } = s.migration;
  if (spec.abort && mayAbort(s)) return note('Aborting', 'spec.abort is true', ending(s, 'Abort', 'spec.abort is true'));
  if (spec.rollback && mayRollBack(s)) return note('RollingBack', 'spec.rollback is true', ending(s, 'Rollback', 'spec.rollback is true'));
  if (spec.retry > (s.status.retrySeen ?? 0) && s.status.ending?.way === 'Hold')
    return note('Aborting', `spec.retry is ${spec.retry}`, ending(s, 'Retry', `spec.retry is ${spec.retry}`));
  return undefined;
};

const mayAbort = (s: Snapshot): boolean => !flipDecided(s) && (s.status.ending === undefined || s.status.ending.way === 'Hold');
const mayRollBack = (s: Snapshot): boolean => readersOnGreen(s) && s.status.pointOfNoReturn === undefined && s.status.ending === undefined;

const ending = (s: Snapshot, way: 'Abort' | 'Rollback' | 'Retry', reason: string): StatusPatch => ({ ending: { way, reason, time: timeOf(s) } });

interface Answer {
  readonly result: string;
  readonly patch: StatusPatch;
}

const refuse = (why: string): Answer => ({ result: `refused: GRUE-MIG-003: ${why}`, patch: {} });

function answer(s: Snapshot, ask: Request): Answer {
  const attempt = s.status.attempt ?? 1;
  if (ask.attempt !== undefined && ask.attempt !== attempt) return refuse(`it is about attempt ${ask.attempt}, and this is attempt ${attempt}`);
  if (ask.plan !== undefined && ask.plan !== s.status.plan?.hash) return refuse('it is about another plan');
  const reason = ask.reason ?? `${ask.verb} requested${ask.by === undefined ? '' : ` by ${ask.by}`}`;
  switch (ask.verb) {
    case 'promote':
      return promote(s, ask);
    case 'abort':
      if (flipDecided(s)) return refuse('readers have moved; use rollback');
      return mayAbort(s) ? { result: 'accepted', patch: ending(s, 'Abort', reason) } : refuse('it is ending already');
    case 'rollback':
      if (!readersOnGreen(s)) return refuse('readers have not moved; use abort');
      return mayRollBack(s) ? { result: 'accepted', patch: ending(s, 'Rollback', reason) } : refuse('blue is being torn down');
    case 'pause':
      return { result: 'accepted', patch: { pausedByRequest: true } };
    case 'resume':
      if (s.migration.spec.paused) return refuse('spec.paused is true');
      return { result: 'accepted', patch: { pausedByRequest: false } };
    case 'retry':
      return retry(s, reason);
  }
}

function promote(s: Snapshot, ask: Request): Answer {
  const { plan } = s.status;
  if (plan === undefined) return refuse('there is no plan to approve yet');
  const step = ask.step ?? nextManualStep(s);
  if (!s.migration.spec.manual.includes(step)) return refuse(`${step} is not a manual step of this migration`);
  return { result: `accepted: ${step}`, patch: { approved: [...(s.status.approved ?? []).filter((a) => a.step !== step), { step, plan: plan.hash }] } };
}

function retry(s: Snapshot, reason: string): Answer {
  const { outcome } = s.status;
  if (s.status.ending?.way === 'Hold') return { result: 'accepted', patch: ending(s, 'Retry', reason) };
  if (outcome === 'Aborted' || outcome === 'RolledBack' || outcome === 'Failed' || outcome === 'NothingToDo')
    return { result: 'accepted', patch: freshAttempt(s) };
  return refuse('it is neither held nor ended without success');
}

function answered(
  s: Snapshot,
  ask: { readonly id: string; readonly verb: string; readonly by?: string | undefined },
  result: string,
  patch: StatusPatch,
): Decision {
  const entry: RequestResult = { id: ask.id, verb: ask.verb, ...(ask.by === undefined ? {} : { by: ask.by }), result: result.slice(0, 512), time: timeOf(s) };
  const requests = [...(s.status.requests ?? []), entry].slice(-10);
  // An approval changes nothing but what may be done next.
  return (patch.approved === undefined ? note : noteAndGoOn)(s.status.phase ?? 'Pending', `${ask.verb}: ${result}`, { ...patch, requests });
}

export const pause: Step = (s) => {
  if (!s.migration.spec.paused && s.status.pausedByRequest !== true) return undefined;
  if (s.status.flip !== undefined && s.status.flip.result === undefined) return undefined; // A flip that was decided is seen through.
  return waitFor(s.status.phase ?? 'Pending', 'paused: what runs goes on running, and no step is taken');
};
