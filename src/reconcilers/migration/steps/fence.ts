import type { Phase } from '../../../api/stream-migration.ts';
import { advanceFence, takeFence } from '../../../parity/fence.ts';
import { type Decision, note, noteAndGoOn, poll, type Step, stall, waitFor } from '../decision.ts';
import type { Progress, Snapshot } from '../snapshot.ts';
import { flipDecided, timeOf } from '../status.ts';

/** A fence is worth taking once green is this close; taken earlier it would prove a state that is long past when readers move. */
const close = { seconds: 5, records: 2_000n };

/** Waits until everything up to a common point of the shared inputs has durably arrived on both sides. */
export const awaitFence: Step = (s) => {
  if (flipDecided(s)) return undefined;
  if (s.unreachable) return stall(phaseOf(s), 'PlatformUnavailable', s.unreachable.line, 5_000);
  const { progress } = s;
  if (progress === undefined) return waitFor(phaseOf(s), 'waiting for the first positions', poll);
  const { fence } = s.status;
  if (fence === undefined || fenceIsSpent(s)) return nextFence(s, progress);
  const { fence: advanced, changed, late, broken } = advanceFence(fence, progress.fenceInput);
  if (broken !== undefined) return note('CatchingUp', `fence ${fence.id} is void: ${broken}`, { fence: undefined, fencesPassed: 0 });
  const slowest = late[0];
  if (slowest !== undefined) {
    const message = `${progress.fenceInput.stages.length - late.length} of ${progress.fenceInput.stages.length} stages are at fence ${fence.id}, slowest ${slowest.revision} (${slowest.missing ?? 'unknown'} records at ${slowest.where})`;
    return changed ? noteAndGoOn(phaseOf(s), message, { fence: advanced }) : waitForStages(s, progress, message, 200);
  }
  return changed ? noteAndGoOn(phaseOf(s), `all stages are at fence ${fence.id}`, { fence: advanced }) : undefined;
};

/** A stage that has stopped by itself does not catch up, however long it is waited for: a person has to hear why. */
const waitForStages = (s: Snapshot, { unhealthy }: Progress, message: string, again: number): Decision =>
  unhealthy.length === 0 ? waitFor(phaseOf(s), message, again) : stall(phaseOf(s), 'StageUnhealthy', unhealthy.join('; '), 1_000);

/** On the way from one verdict to the next green has caught up. */
const phaseOf = ({ status }: Snapshot): Phase => ((status.fencesPassed ?? 0) > 0 ? 'Verifying' : 'CatchingUp');

/** A fence has been judged when the parity gate names it. */
export const fenceIsSpent = ({ status }: Snapshot): boolean =>
  status.fence !== undefined && status.gates?.find(({ name }) => name === 'Parity')?.fence === status.fence.id && !verdictHolds(status.fencesPassed);

/** Parity must hold at two fences, the second taken after the first was judged. */
export const neededFences = 2;
const verdictHolds = (passed: number | undefined): boolean => (passed ?? 0) >= neededFences;

function nextFence(s: Snapshot, progress: Progress) {
  const { lag, eta } = progress;
  const near = lag !== undefined && (lag <= close.records || (eta !== undefined && eta <= close.seconds));
  if (!near) {
    const message = lag === undefined ? 'a stage of green has no committed position yet' : `${lag} records behind`;
    return waitForStages(s, progress, message, poll);
  }
  const taken = takeFence((s.status.fence?.id ?? 0) + 1, timeOf(s), progress.fenceInput);
  if ('inconclusive' in taken) return waitFor(phaseOf(s), `no fence can be taken: ${taken.inconclusive}`, poll);
  return noteAndGoOn(phaseOf(s), `fence ${taken.id} taken at the end of the shared inputs`, { fence: taken });
}
