import { advanceFence, takeFence } from '../../../parity/fence.ts';
import { type Decision, note, poll, type Step, stall, waitFor } from '../decision.ts';
import type { Progress, Snapshot } from '../snapshot.ts';
import { flipDecided, timeOf } from '../status.ts';

/** A fence is worth taking once green is this close; taken earlier it would prove a state that is long past when readers move. */
const close = { seconds: 5, records: 2_000n };

/** Waits until everything up to a common point of the shared inputs has durably arrived on both sides. */
export const awaitFence: Step = (s) => {
  if (flipDecided(s)) return undefined;
  if (s.unreachable) return stall('CatchingUp', 'PlatformUnavailable', s.unreachable.line, 5_000);
  const { progress } = s;
  if (progress === undefined) return waitFor('CatchingUp', 'waiting for the first positions', poll);
  const { fence } = s.status;
  if (fence === undefined || fenceIsSpent(s)) return nextFence(s, progress);
  const { fence: advanced, changed, late, broken } = advanceFence(fence, progress.fenceInput);
  if (broken !== undefined) return note('CatchingUp', `fence ${fence.id} is void: ${broken}`, { fence: undefined, fencesPassed: 0 });
  const slowest = late[0];
  if (slowest !== undefined) {
    const message = `${progress.fenceInput.stages.length - late.length} of ${progress.fenceInput.stages.length} stages are at fence ${fence.id}, slowest ${slowest.revision} (${slowest.missing ?? 'unknown'} records at ${slowest.where})`;
    return changed ? note('CatchingUp', message, { fence: advanced }) : waitForStages(progress, message, 200);
  }
  return changed ? note('CatchingUp', `all stages are at fence ${fence.id}`, { fence: advanced }) : undefined;
};

/** A stage that has stopped by itself does not catch up, however long it is waited for: a person has to hear why. */
const waitForStages = ({ unhealthy }: Progress, message: string, again: number): Decision =>
  unhealthy.length === 0 ? waitFor('CatchingUp', message, again) : stall('CatchingUp', 'StageUnhealthy', unhealthy.join('; '), 1_000);

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
    return waitForStages(progress, message, poll);
  }
  const taken = takeFence((s.status.fence?.id ?? 0) + 1, timeOf(s), progress.fenceInput);
  if ('inconclusive' in taken) return waitFor('CatchingUp', `no fence can be taken: ${taken.inconclusive}`, poll);
  return note('CatchingUp', `fence ${taken.id} taken at the end of the shared inputs`, { fence: taken });
}
