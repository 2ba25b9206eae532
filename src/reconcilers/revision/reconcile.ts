import { forget } from '../memory.ts';
import type { Requeue, World } from '../world.ts';
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
  const { uid } = snapshot.revision.metadata;
  if (outcome.kind === 'Released') forget(world.memory, uid);
  else if (outcome.kind === 'Refused' || isWorthSaying(decision, uid, world))
    await world.writeStatus(snapshot.revision, report(snapshot, decision, outcome), signal);
  const again = outcome.kind === 'Refused' ? 5_000 : decision.again;
  return again === undefined ? {} : { requeueAfterMilliseconds: again };
}

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
