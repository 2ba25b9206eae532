import { durationMilliseconds } from '../../../api/common.ts';
import { type Step, waitFor } from '../decision.ts';

/** Blue stays fed for a while, so that a rollback loses nothing. */
export const soak: Step = (s) => {
  const movedAt = s.status.flip?.movedAt;
  if (movedAt === undefined || s.status.pointOfNoReturn !== undefined) return undefined;
  const left = remaining(Date.parse(movedAt), durationMilliseconds(s.migration.spec.soak), s);
  if (left <= 0) return undefined;
  return waitFor('Soaking', `readers are on green; blue stays fed until ${untilOf(Date.parse(movedAt), s)}`, Math.min(left, 2_000));
};

const untilOf = (movedAt: number, s: Parameters<Step>[0]): string => new Date(movedAt + durationMilliseconds(s.migration.spec.soak)).toISOString();

/** A process that begins with a clock which is ahead leaves people at least so long to go back. Longer, and one that is killed again and again would not end it. */
const leastWatch = 60_000;

/** Recorded times tell of the time before this process; since then it has measured. */
const remaining = (movedAt: number, span: number, { now, flippedMilliseconds: seen }: Parameters<Step>[0]): number =>
  Math.min(Math.max(movedAt + span - now, Math.min(span, leastWatch) - seen), span - seen);
