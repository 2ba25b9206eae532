import { forget, noteLasting } from '../memory.ts';
import type { Requeue, World } from '../world.ts';
import { act } from './act.ts';
import { poll } from './decision.ts';
import { observe } from './observe.ts';
import { decide } from './plan.ts';
import { report } from './report.ts';

const afterRefusal = 2_000;

/** One pass over one StreamMigration. May be lost at any point: everything it needs is in the objects and the servers. */
export async function reconcileMigration(key: string, world: World, signal: AbortSignal): Promise<Requeue> {
  const snapshot = await observe(key, world, signal); // facts only, immutable
  if (!snapshot) return {};
  const decision = decide(snapshot); // pure
  const outcome = await act(decision, snapshot, world, signal); // at most one effect
  const { metadata } = snapshot.migration;
  noteLasting(world.memory.blocked, metadata.uid, decision.blocked ?? false, world.clock.monotonic());
  // Its finalizers are all that has changed: there is nothing to say, and the next pass sees the object as it is now.
  if (decision.effect?.kind === 'Protect' && outcome.kind === 'Done') {
    if (decision.stalled) world.tell(snapshot.migration, { type: 'Warning', reason: decision.stalled.reason, message: decision.message });
    // One that was let go may be gone, while a cache that lags still shows it: nobody waits for that pass.
    return { requeueAfterMilliseconds: decision.effect.hold ? 0 : poll };
  }
  const { status, happenings, open } = report(snapshot, decision, outcome); // pure
  await world.writeStatus(snapshot.migration, status, signal);
  for (const [at, ids] of open) world.memory.open.set(at, ids);
  // One that has ended and cannot be let go yet counts on: otherwise that would last for ever.
  if (status.outcome !== undefined && decision.blocked === undefined) forget(world.memory, metadata.uid);
  for (const happening of happenings) world.tell(snapshot.migration, happening);
  const again = outcome.kind === 'Refused' ? Math.max(decision.again ?? 0, afterRefusal) : decision.again;
  return again === undefined ? {} : { requeueAfterMilliseconds: again };
}
