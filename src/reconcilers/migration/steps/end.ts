import type { MigrationStatus, Phase } from '../../../api/stream-migration.ts';
import { deleting, doNow, note, type Step, waitFor } from '../decision.ts';
import type { Snapshot } from '../snapshot.ts';
import { freshAttempt, ownGreen, timeOf } from '../status.ts';
import { isProtected } from './protection.ts';

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
  const late = outcome === 'Aborted' || outcome === 'RolledBack' ? comeLate(s) : [];
  if (late.length > 0) return deleting(phaseOf[outcome], message ?? '', late);
  if (isProtected(s)) return doNow(phaseOf[outcome], message ?? '', { kind: 'Protect', hold: false });
  if (s.newer !== undefined && s.status.supersededBy === undefined) return note(phaseOf[outcome], message ?? '', { supersededBy: s.newer });
  return waitFor(phaseOf[outcome], message ?? '');
};

/** Revisions of green whose creation was on its way when its pass gave up, and came when all that was given up had been removed. */
const comeLate = (s: Snapshot): readonly string[] =>
  ownGreen(s).filter((name) => {
    const revision = s.revisions.get(name);
    return revision?.metadata.deletionTimestamp === undefined && revision?.status?.role !== 'live';
  });

/** Every step of the way is behind. */
export const completed: Step = (s) => {
  const clones = (s.status.plan?.steps ?? []).filter(({ action }) => action === 'Clone').length;
  return note('Completed', `${clones} Revisions are live; readers moved at ${s.status.flip?.movedAt ?? timeOf(s)}`, { outcome: 'Completed' });
};
