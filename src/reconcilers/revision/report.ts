import { reasonOf } from '../../api/errors.ts';
import type { Revision, RevisionStatus } from '../../api/revision.ts';
import { kubeTime } from '../../controller/clock.ts';
import { mergeConditions, type WantedCondition } from '../../controller/conditions.ts';
import { humanRate } from '../numbers.ts';
import type { Outcome } from './act.ts';
import type { Decision } from './plan.ts';
import { reclaimAfterOf, releasedCondition } from './released.ts';
import type { Snapshot } from './snapshot.ts';

/** Condition types of the operator; all others in a Revision are the workers'. */
export const ownsCondition = (type: string): boolean => type === 'Ready' || type === 'Released';

/** The status of a Revision: identities and floor are kept for ever, everything else mirrors what was found. Pure. */
export function report(snapshot: Snapshot, decision: Decision, outcome: Outcome): RevisionStatus {
  const { revision, role, now } = snapshot;
  const { status, metadata, spec } = revision;
  const refused = outcome.kind === 'Refused' ? outcome.error : undefined;
  const learned = outcome.kind === 'Done' ? outcome.learned : undefined;
  const state = refused ? 'Failed' : decision.state;
  const shownRole = role ?? status?.role;
  const ready: WantedCondition = refused
    ? { type: 'Ready', status: 'False', reason: reasonOf(refused), message: refused.line }
    : {
        type: 'Ready',
        status: snapshot.unreachable ? 'Unknown' : decision.state === 'Running' && decision.wanted === 'Running' ? 'True' : 'False',
        reason: decision.reason,
        message: decision.message,
      };
  const conditions = mergeConditions(status?.conditions, [ready, ...releasedCondition(snapshot)], {
    now: kubeTime(now),
    generation: metadata.generation,
    owns: ownsCondition,
  });
  const reclaimAfter = reclaimAfterOf(snapshot);
  const decided = decision.reclaims ? (status?.reclaimedAt ?? kubeTime(now)) : undefined;
  const reclaimedAt = metadata.deletionTimestamp === undefined ? decided : status?.reclaimedAt;
  const kept = {
    ...(reclaimAfter === undefined ? {} : { reclaimAfter }),
    ...(reclaimedAt ? { reclaimedAt } : {}),
    ...(status?.uuids ? { uuids: status.uuids } : {}),
    ...(status?.startOffsets ? { startOffsets: status.startOffsets } : {}),
    // Readers have used it: if the alias is elsewhere one day, somebody else has moved it.
    ...(status?.bound || (role === 'live' && spec.connection) ? { bound: true } : {}),
    ...learned,
  };
  return {
    ...kept,
    observedGeneration: metadata.generation,
    of: `${spec.of.kind}/${spec.of.name}`,
    target: targetOf(revision),
    state,
    wanted: refused ? (status?.wanted ?? 'Stopped') : decision.wanted,
    ...(shownRole ? { role: shownRole } : {}),
    ...columnsOf(snapshot),
    conditions: [...conditions],
  };
}

function columnsOf({ revision: { status }, physical }: Snapshot): Pick<RevisionStatus, 'lag' | 'rate'> {
  if (physical?.columns === undefined) return {};
  if (physical.columns === 'AsBefore') return { ...(status?.lag ? { lag: status.lag } : {}), ...(status?.rate ? { rate: status.rate } : {}) };
  const { lag, rate } = physical.columns;
  return { ...(lag === undefined ? {} : { lag: lag.toLocaleString('en-US') }), ...(rate === undefined ? {} : { rate: `${humanRate(rate)}/s` }) };
}

function targetOf({ spec }: Revision): string {
  const { topic, group, index } = spec.physical;
  return index === undefined ? (topic === undefined ? `group ${group}` : `topic ${topic}`) : `index ${index}`;
}
