import { type Decision, type Step, waitFor } from '../decision.ts';
import type { Snapshot } from '../snapshot.ts';

/** A definition that is tried once more costs less than a migration that does not go on. */
const withinMilliseconds = 30_000;

/** What a migration gave up is told from its status until the resources say it themselves. What ends or clears that status waits for them. */
export const mustBeSaidFirst = (s: Snapshot): boolean => s.unremembered && s.blockedMilliseconds < withinMilliseconds;

export const untilSaid = (phase: Decision['phase']): Decision => ({
  ...waitFor(phase, 'the resources have to say first what was given up', 300),
  blocked: true,
});

/** A retry begins with nothing of the attempt before. */
export const rememberBeforeRetry: Step = (s) => (asksForRetry(s) && mustBeSaidFirst(s) ? untilSaid(s.status.phase ?? 'Pending') : undefined);

const asksForRetry = ({ request, migration, status }: Snapshot): boolean =>
  (request !== undefined && 'ask' in request && request.ask.verb === 'retry') || migration.spec.retry > (status.retrySeen ?? 0);
