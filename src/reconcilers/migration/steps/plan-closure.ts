import { note, noteAndGoOn, type Step } from '../decision.ts';
import { timeOf } from '../status.ts';
import { isProtected, protect } from './protection.ts';

/** What is cloned, what is shared, and why. The plan is frozen with its hash; approvals are for that hash. */
export const planClosure: Step = (s) => {
  if (s.status.plan !== undefined || s.proposal === undefined || 'refused' in s.proposal || 'moved' in s.proposal) return undefined;
  if ('nothingToDo' in s.proposal) return note('Completed', `nothing to do: ${s.proposal.nothingToDo}`, { outcome: 'NothingToDo', waitingFor: undefined });
  if (!isProtected(s)) return protect;
  const { hash, steps } = s.proposal.plan;
  const clones = steps.filter(({ action }) => action === 'Clone');
  return noteAndGoOn('Planning', `${clones.length} Revisions to clone, ${steps.length - clones.length} to share`, {
    plan: { hash, steps: [...steps], time: timeOf(s) },
    waitingFor: undefined,
  });
};
