import type { MigrationStep } from '../../../api/stream-migration.ts';
import { type Step, waitFor } from '../decision.ts';
import { ownGreen } from '../status.ts';

/** Waits before a manual step until a person has approved it for this very plan, by request or in Git. */
export const awaitApproval =
  (step: MigrationStep): Step =>
  (s) => {
    const { manual, approvals } = s.migration.spec;
    const hash = s.status.plan?.hash;
    if (!manual.includes(step) || hash === undefined || isBehind[step](s)) return undefined;
    const approved = [...(s.status.approved ?? []), ...(approvals ?? [])].some((approval) => approval.step === step && approval.plan === hash);
    return approved ? undefined : waitFor('AwaitingApproval', `waiting for approval of ${step} for plan ${hash}: grue promote ${s.migration.metadata.name}`);
  };

/** A step that has been taken needs no approval any more. */
const isBehind: Readonly<Record<MigrationStep, (s: Parameters<Step>[0]) => boolean>> = {
  Provision: (s) => ownGreen(s).length > 0 || s.status.flip !== undefined,
  Flip: (s) => s.status.flip !== undefined,
  Teardown: (s) => s.status.pointOfNoReturn !== undefined,
};
