import type { MigrationStatus, Phase } from '../../../api/stream-migration.ts';
import { doNow, note, type Step, waitFor } from '../decision.ts';
import { freshAttempt, timeOf } from '../status.ts';
import { finalizer } from './requests.ts';

const phaseOf: Readonly<Record<NonNullable<MigrationStatus['outcome']>, Phase>> = {
  Completed: 'Completed',
  NothingToDo: 'Completed',
  Aborted: 'Aborted',
  RolledBack: 'RolledBack',
  Failed: 'Failed',
};

/** An ended migration does nothing more, unless a retry is asked for. */
export const ended: Step = (s) => {
  const { outcome, message } = s.status;
  if (outcome === undefined || s.request !== undefined) return undefined;
  const { retry } = s.migration.spec;
  if (outcome !== 'Completed' && retry > (s.status.retrySeen ?? 0)) return note('Pending', `spec.retry is ${retry}: a new attempt`, freshAttempt(s));
  if (s.migration.metadata.finalizers?.includes(finalizer)) return { ...doNow(phaseOf[outcome], message ?? '', { kind: 'Protect', hold: false }) };
  return waitFor(phaseOf[outcome], message ?? '');
};

/** Every step of the way is behind. */
export const completed: Step = (s) => {
  const clones = (s.status.plan?.steps ?? []).filter(({ action }) => action === 'Clone').length;
  return note('Completed', `${clones} Revisions are live; readers moved at ${s.status.flip?.movedAt ?? timeOf(s)}`, { outcome: 'Completed' });
};
