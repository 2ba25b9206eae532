import { note, type Step, stall, waitFor } from '../decision.ts';
import { goesBack } from '../status.ts';

/** The named resources are there, sound and unchanged for a while. */
export const settleInputs: Step = (s) => {
  if (s.status.plan !== undefined) return undefined;
  if (s.unreachable) return stall('Pending', 'PlatformUnavailable', s.unreachable.line, 5_000);
  const first = s.unsettled[0];
  if (first?.reason === 'Settling') return waitFor('Pending', first.message, 500);
  if (first) return stall('Pending', first.reason, s.unsettled.map(({ message }) => message).join('; '), 1_000);
  if (s.proposal && 'refused' in s.proposal) return stall('Planning', 'PlanRefused', s.proposal.refused.map(({ line }) => line).join('; '), 5_000);
  return undefined;
};

/**
 * One at a time over the same resources. Only a migration that could be planned says that it waits: by this it supersedes an older one
 * whose readers have not moved, and one with an error in it supersedes nothing.
 */
export const awaitRivals: Step = (s) => {
  if (s.status.plan !== undefined || s.proposal === undefined) return undefined;
  // One that is tried again after a newer one has begun comes after that. Who goes back to the blue of a soak does not wait for its end.
  const back = 'plan' in s.proposal && goesBack(s.proposal.plan.steps);
  // Nor does one that finds nothing to do wait for others that have no plan: of what is applied all at once none supersedes another.
  const idle = 'nothingToDo' in s.proposal;
  const first = s.rivals.find((rival) => (rival.planned || !(rival.newer || idle)) && !(back && rival.flipped));
  if (first === undefined) return undefined;
  const message = `GRUE-MIG-002: waiting for migration ${first.name}, which holds some of the same resources`;
  return s.status.waitingFor === first.name ? waitFor('Pending', message, 2_000) : { ...note('Pending', message, { waitingFor: first.name }), again: 2_000 };
};
