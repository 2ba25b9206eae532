import type { Revision } from '../../api/revision.ts';
import { findCondition } from '../../controller/conditions.ts';
import { forget, noteLasting } from '../memory.ts';
import type { Happening, Requeue, World } from '../world.ts';
import { act } from './act.ts';
import { observe } from './observe.ts';
import { type Decision, plan } from './plan.ts';
import { report } from './report.ts';

/** One pass over one Revision: what it realises is made, kept, stopped or removed. May be lost at any point. */
export async function reconcileRevision(key: string, world: World, signal: AbortSignal): Promise<Requeue> {
  const snapshot = await observe(key, world, signal);
  if (!snapshot) return {};
  const decision = plan(snapshot);
  const outcome = await act(decision, snapshot, world, signal);
  const { revision } = snapshot;
  const { uid, deletionTimestamp } = revision.metadata;
  noteLasting(world.memory.blocked, uid, deletionTimestamp !== undefined && (decision.blocked || outcome.kind === 'Refused'), world.clock.monotonic());
  if (outcome.kind === 'Gone') {
    forget(world.memory, uid);
    if (outcome.leftBehind !== undefined) world.tell(revision, leftBehind(revision, outcome.leftBehind));
    return {};
  }
  if (outcome.kind === 'Refused' || isWorthSaying(decision, uid, world)) {
    const status = report(snapshot, decision, outcome);
    await world.writeStatus(revision, status, signal);
    const released = findCondition(status.conditions, 'Released');
    if (released && !findCondition(revision.status?.conditions, 'Released'))
      world.tell(revision, { type: 'Normal', reason: 'Released', message: released.message });
  }
  const again = outcome.kind === 'Refused' ? 5_000 : decision.again;
  return again === undefined ? {} : { requeueAfterMilliseconds: again };
}

const leftBehind = ({ spec: { physical }, metadata }: Revision, why: string): Happening => ({
  type: 'Warning',
  reason: 'LeftBehind',
  message: `Revision ${metadata.name} is let go and nothing of it removed (${why}): ${Object.values(physical).join(', ')}`,
});

/** What passes by itself is said when it has not passed after so long. */
const patienceMilliseconds = 3_000;

function isWorthSaying({ passing }: Decision, uid: string, { memory, clock }: World): boolean {
  if (passing === undefined) {
    memory.passing.delete(uid);
    return true;
  }
  const since = memory.passing.get(uid) ?? clock.monotonic();
  memory.passing.set(uid, since);
  return clock.monotonic() - since >= patienceMilliseconds;
}
