import type { AliasMove } from '../../../api/stream-migration.ts';
import { doNow, type ParityPair, type Step, waitFor } from '../decision.ts';
import type { Snapshot } from '../snapshot.ts';
import { flipDecided, leave, secondsSince } from '../status.ts';
import { neededFences } from './fence.ts';

/** A verdict is about a moment; readers move only on a fresh one. */
const validSeconds = 60;

/** A gate that fails is an answer, not a delay: the region that it judged is closed, so another fence would say the same. */
export const stopAtFailedGate: Step = (s) => {
  const failed = s.status.gates?.find(({ outcome }) => outcome === 'Fail');
  if (failed === undefined || flipDecided(s)) return undefined;
  const reason = `gate ${failed.name} failed: ${failed.observed} (bound: ${failed.bound})`;
  return s.migration.spec.onFailure === 'Abort' ? leave(s, 'Aborting', 'Abort', reason) : leave(s, 'Held', 'Hold', reason);
};

/** Judges parity at the fence. Only two passes in a row, the last one fresh, let the migration go on. */
export const verifyParity: Step = (s) => {
  if (flipDecided(s)) return undefined;
  const { fence, gates, fencesPassed } = s.status;
  if (fence === undefined) return undefined;
  const parity = gates?.find(({ name }) => name === 'Parity');
  const judged = parity?.fence === fence.id;
  if (!judged) return doNow('Verifying', `counting both sides at fence ${fence.id}`, { kind: 'Measure', fence, pairs: parityPairs(s) });
  if ((fencesPassed ?? 0) < neededFences) return waitFor('Verifying', 'waiting for the next fence', 0);
  if (secondsSince(parity.time, s) > validSeconds && !waitsForApproval(s))
    return { phase: 'Verifying', message: 'the verdict is too old: taking another fence', record: { fencesPassed: neededFences - 1 }, again: 0 };
  return undefined;
};

/** While a person decides there is no use in counting again and again; it is done when they have. */
const waitsForApproval = (s: Snapshot): boolean =>
  s.migration.spec.manual.includes('Flip') &&
  ![...(s.status.approved ?? []), ...(s.migration.spec.approvals ?? [])].some(({ step, plan }) => step === 'Flip' && plan === s.status.plan?.hash);

/** The pairs of indices behind the aliases of the plan. */
export function parityPairs(s: Snapshot): readonly ParityPair[] {
  return (s.status.plan?.steps ?? []).flatMap((step): readonly ParityPair[] => {
    if (step.of.kind !== 'Connection' || step.action !== 'Clone' || step.from === undefined) return [];
    const blue = sideOf(s, step.from);
    const green = sideOf(s, step.to);
    const alias = s.revisions.get(step.to)?.spec.connection?.destination.alias;
    return blue && green && alias !== undefined ? [{ alias, blue, green }] : [];
  });
}

/** The move of readers from blue to green, in one call. */
export const forwardMoves = (s: Snapshot): AliasMove[] =>
  parityPairs(s).map(({ alias, blue, green }) => ({
    alias,
    from: { index: blue.index, uuid: blue.uuid },
    to: { index: green.index, uuid: green.uuid },
  }));

function sideOf(s: Snapshot, revision: string): ParityPair['blue'] | undefined {
  const found = s.revisions.get(revision);
  const index = found?.spec.physical.index;
  const uuid = found?.status?.uuids?.index;
  return index === undefined || uuid === undefined ? undefined : { revision, index, uuid };
}
