import { type Step, stall, waitFor } from '../decision.ts';

/** The named resources are there, sound and unchanged for a while, and nobody else is changing them. */
export const settleInputs: Step = (s) => {
  if (s.status.plan !== undefined) return undefined;
  if (s.unreachable) return stall('Pending', 'PlatformUnavailable', s.unreachable.line, 5_000);
  const first = s.unsettled[0];
  if (first?.reason === 'Settling') return waitFor('Pending', first.message, 500);
  if (first) return stall('Pending', first.reason, s.unsettled.map(({ message }) => message).join('; '), 1_000);
  const older = s.rivals.find((rival) => !rival.newer || rival.flipped);
  if (older) return waitFor('Pending', `GRUE-MIG-002: waiting for migration ${older.name}, which holds some of the same resources`, 2_000);
  return undefined;
};
