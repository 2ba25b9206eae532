import { findCondition } from '../../../controller/conditions.ts';
import { doNow, note, poll, type Step, stall, waitFor } from '../decision.ts';
import { flipDecided, greenClones, leave, ownGreen } from '../status.ts';

/** Makes the Revisions of the plan and waits until each is realised and runs. */
export const provisionGreen: Step = (s) => {
  if (flipDecided(s)) return undefined;
  const clones = greenClones(s);
  const there = new Set(ownGreen(s));
  const missing = clones.filter((name) => !there.has(name));
  if (missing.length > 0) return create(s, missing.length === clones.length);
  const waiting = clones.filter((name) => s.revisions.get(name)?.status?.state !== 'Running');
  const failed = clones.flatMap((name) => {
    const ready = findCondition(s.revisions.get(name)?.status?.conditions, 'Ready');
    return ready?.status === 'False' && s.revisions.get(name)?.status?.state === 'Failed' ? [`${name}: ${ready.message}`] : [];
  });
  if (failed.length > 0) return stall('Provisioning', 'ProvisioningFailed', failed.join('; '), 5_000);
  if (waiting.length > 0)
    return waitFor('Provisioning', `${clones.length - waiting.length} of ${clones.length} Revisions are ready, waiting for ${waiting[0]}`, poll);
  return undefined;
};

/** Definitions are frozen by creating the Revisions; if something was edited in between, the plan that was recorded cannot be carried out. */
function create(s: Parameters<Step>[0], untouched: boolean) {
  if (s.proposal && 'plan' in s.proposal && s.proposal.plan.hash === s.status.plan?.hash)
    return doNow('Provisioning', `creating ${s.proposal.plan.revisions.length} Revisions`, { kind: 'CreateRevisions', plan: s.proposal.plan }, poll);
  if (untouched) return note('Planning', 'the resources were edited after the plan was made: planning again', { plan: undefined, approved: undefined });
  return leave(s, 'Aborting', 'Retry', 'the resources were edited while their Revisions were made');
}
