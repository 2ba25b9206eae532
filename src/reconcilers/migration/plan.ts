import { type Decision, firstDecision, type Step } from './decision.ts';
import type { Snapshot } from './snapshot.ts';
import { withStatus } from './status.ts';
import { awaitApproval } from './steps/approval.ts';
import { honourDeletion } from './steps/deletion.ts';
import { completed, ended } from './steps/end.ts';
import { awaitFence } from './steps/fence.ts';
import { flip } from './steps/flip.ts';
import { findReadersMoved, removeForgotten } from './steps/found.ts';
import { goBack } from './steps/go-back.ts';
import { abort, rollBack } from './steps/leave.ts';
import { holdNewer } from './steps/newer.ts';
import { planClosure } from './steps/plan-closure.ts';
import { provisionGreen } from './steps/provision.ts';
import { rememberBeforeRetry } from './steps/remember.ts';
import { honourRequests, pause } from './steps/requests.ts';
import { awaitRivals, settleInputs } from './steps/settle.ts';
import { soak } from './steps/soak.ts';
import { tearDown } from './steps/teardown.ts';
import { stopAtFailedGate, verifyParity } from './steps/verify.ts';

/** The way of a migration: the first step with something to say decides. Read it from top to bottom. */
export const way: readonly Step[] = [
  holdNewer, //      what a newer operator has written
  honourDeletion,
  rememberBeforeRetry, // a retry clears what the attempt before has given up
  ended,
  honourRequests, // promote, abort, rollback, pause, resume, retry
  abort, //          off the way before the flip
  rollBack, //       off the way after it
  pause,
  settleInputs, //   named resources there, sound, and unchanged for a while
  awaitRivals, //    one migration at a time over the same resources
  planClosure, //    what is cloned, what is shared, and why
  findReadersMoved, // where they are counts, and not what is written
  removeForgotten, // green of an attempt whose status was lost
  goBack, //         where the blue of another's soak is what is wanted
  awaitApproval('Provision'),
  provisionGreen,
  stopAtFailedGate,
  awaitFence, //     everything up to a common point has arrived on both sides
  verifyParity, //   and both sides hold the same there, twice
  awaitApproval('Flip'),
  flip,
  soak, //           blue stays fed, so that rollback loses nothing
  awaitApproval('Teardown'),
  tearDown, //       the point of no return
  completed,
];

export const plan = (snapshot: Snapshot): Decision => firstDecision(way, snapshot);

/** More in a row would be a circle. */
const longest = 8;

/**
 * All that one pass decides. Notes that need no newer facts are written down together: each write is a call, and nobody could have seen
 * what lies between. An effect is left to the pass that finds its intent stored.
 */
export function decide(snapshot: Snapshot): Decision {
  let decision = plan(snapshot);
  for (let notes = 1; decision.goesOn && notes < longest; notes++) decision = joined(decision, plan(after(snapshot, decision)));
  return decision;
}

const after = (snapshot: Snapshot, { phase, record }: Decision): Snapshot => ({
  ...withStatus(snapshot, { ...record, phase }),
  request: record?.requests === undefined ? snapshot.request : undefined,
});

function joined({ record }: Decision, { effect, goesOn, ...next }: Decision): Decision {
  if (effect !== undefined) return { phase: next.phase, message: next.message, record: { ...record, ...next.record }, again: 0 };
  return { ...next, record: { ...record, ...next.record }, ...(goesOn ? { goesOn } : {}) };
}
