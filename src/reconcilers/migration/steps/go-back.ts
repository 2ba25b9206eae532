import { note, poll, type Step, waitFor } from '../decision.ts';
import type { Snapshot } from '../snapshot.ts';
import { goesBack, isOnlyOn } from '../status.ts';
import { awaitApproval } from './approval.ts';

/** What is wanted is the blue of a migration in its soak: that one moves its readers back, with the same proof as in every rollback. */
export const goBack: Step = (s) => {
  const { plan, waitingFor } = s.status;
  if (plan === undefined || !goesBack(plan.steps)) return undefined;
  if (readersAreBack(s))
    return note('Completed', `readers are back on what was live before ${waitingFor ?? 'it'}`, { outcome: 'Completed', waitingFor: undefined });
  const soaking = s.rivals.find(({ flipped }) => flipped);
  if (soaking === undefined)
    return note('Planning', 'blue is no longer there to go back to: planning again', { plan: undefined, approved: undefined, waitingFor: undefined });
  const message = `${soaking.name} moves its readers back: its blue is what is wanted, and is still fed`;
  if (waitingFor !== soaking.name) return awaitApproval('Flip')(s) ?? note('Flipping', message, { waitingFor: soaking.name });
  return waitFor('Flipping', message, poll);
};

const readersAreBack = (s: Snapshot): boolean =>
  (s.status.plan?.steps ?? [])
    .filter(({ of, action }) => of.kind === 'Connection' && action === 'FlipBack')
    .every(({ to }) => {
      const { connection, physical } = s.revisions.get(to)?.spec ?? {};
      return isOnlyOn(s, connection?.destination.alias ?? '', { index: physical?.index ?? '' });
    });
