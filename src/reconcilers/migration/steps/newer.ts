import { type Step, stall, waitFor } from '../decision.ts';
import { isNewer, stateVersion } from '../status.ts';
import { leaveBehind } from './deletion.ts';
import { isProtected, release } from './protection.ts';

/**
 * After a downgrade of the operator: what a newer one has written may mean what this one does not know, so it takes no step, and requests wait
 * for an operator that understands it. A deletion waits as long as any that cannot be carried out.
 */
export const holdNewer: Step = (s) => {
  if (!isNewer(s.status)) return undefined;
  const phase = s.status.phase ?? 'Pending';
  const isDeleted = s.migration.metadata.deletionTimestamp !== undefined && isProtected(s);
  if (isDeleted && s.namespaceEnds) return release('its namespace is being deleted');
  if (isDeleted && s.blockedMilliseconds >= s.letGoMilliseconds) return leaveBehind(s, 'a newer operator has begun it');
  if (s.status.outcome !== undefined && !isDeleted && s.request === undefined) return waitFor(phase, s.status.message ?? '');
  const message = `its status has version ${s.status.stateVersion}, and this operator knows ${stateVersion}: it holds until a newer operator goes on`;
  return { ...stall(phase, 'NewerVersion', message, 5_000), ...(isDeleted ? { blocked: true } : {}) };
};
