import { durationMilliseconds } from '../../../api/common.ts';
import { type Step, waitFor } from '../decision.ts';

/** Blue stays fed for a while, so that a rollback loses nothing. */
export const soak: Step = (s) => {
  const movedAt = s.status.flip?.movedAt;
  if (movedAt === undefined || s.status.pointOfNoReturn !== undefined) return undefined;
  const end = Date.parse(movedAt) + durationMilliseconds(s.migration.spec.soak);
  if (s.now >= end) return undefined;
  return waitFor('Soaking', `readers are on green; blue stays fed until ${new Date(end).toISOString()}`, Math.min(end - s.now, 2_000));
};
