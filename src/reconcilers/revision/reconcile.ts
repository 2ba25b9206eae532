import type { Requeue, World } from '../world.ts';
import { act } from './act.ts';
import { observe } from './observe.ts';
import { plan } from './plan.ts';
import { report } from './report.ts';

/** One pass over one Revision: what it realises is made, kept, stopped or removed. May be lost at any point. */
export async function reconcileRevision(key: string, world: World, signal: AbortSignal): Promise<Requeue> {
  const snapshot = await observe(key, world, signal);
  if (!snapshot) return {};
  const decision = plan(snapshot);
  const outcome = await act(decision, snapshot, world, signal);
  if (outcome.kind !== 'Released') await world.writeStatus(snapshot.revision, report(snapshot, decision, outcome), signal);
  const again = outcome.kind === 'Refused' ? 5_000 : decision.again;
  return again === undefined ? {} : { requeueAfterMilliseconds: again };
}
