/**
 * Conditions as KEP-1623 defines them, purely.
 *
 * Invariants:
 * 1. `lastTransitionTime` moves only when the status of the condition moves.
 * 2. Types are unique and keep the order in which they first appeared, so an unchanged set stays deep-equal.
 * 3. Every condition carries the generation that it was computed from.
 * 4. Conditions of types that the caller does not own are neither changed nor removed.
 * 5. An owned type that is no longer wanted is removed.
 * 6. A message is one line of at most 1,024 characters, whatever an error of a server has put into it.
 */

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** One entry of `status.conditions`, as stored. */
export interface Condition {
  readonly type: string;
  readonly status: ConditionStatus;
  /** CamelCase, never empty. Programs read it. */
  readonly reason: string;
  /** People read it. May be empty. */
  readonly message: string;
  /** RFC 3339, whole seconds. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

/** What a pass wants to say; times and generation are added by `mergeConditions`. */
export type WantedCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

export interface MergeContext {
  /** RFC 3339, whole seconds (`kubeTime`). */
  readonly now: string;
  /** `metadata.generation` of the object that the wanted conditions were computed from. */
  readonly generation?: number | undefined;
  /** Which types the caller owns; all of them when absent. */
  readonly owns?: (type: string) => boolean;
}

/** The stored conditions with `wanted` set in them. Owned types that are not wanted are left out. */
export function mergeConditions(stored: readonly Condition[] | undefined, wanted: readonly WantedCondition[], context: MergeContext): readonly Condition[] {
  const owns = context.owns ?? (() => true);
  const wantedByType = new Map(wanted.map((condition) => [condition.type, condition]));
  const kept = (stored ?? []).flatMap((condition) => {
    const replacement = wantedByType.get(condition.type);
    wantedByType.delete(condition.type);
    if (replacement) return [stamp(condition, replacement, context)];
    return owns(condition.type) ? [] : [condition];
  });
  const added = [...wantedByType.values()].map((condition) => stamp(undefined, condition, context));
  return [...kept, ...added];
}

/** The stored conditions with one condition set and all others untouched. */
export function setCondition(stored: readonly Condition[] | undefined, wanted: WantedCondition, context: Omit<MergeContext, 'owns'>): readonly Condition[] {
  return mergeConditions(stored, [wanted], { ...context, owns: () => false });
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** True only if the condition is there and its status is `True`. */
export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

function stamp(before: Condition | undefined, wanted: WantedCondition, context: MergeContext): Condition {
  const moved = before?.status !== wanted.status;
  return {
    type: wanted.type,
    status: wanted.status,
    reason: wanted.reason,
    message: shortened(wanted.message),
    lastTransitionTime: moved ? context.now : before.lastTransitionTime,
    ...(context.generation === undefined ? {} : { observedGeneration: context.generation }),
  };
}

const longestMessage = 1_024;

function shortened(message: string): string {
  const line = message.replace(/\s*[\r\n]+\s*/g, ' ');
  return line.length <= longestMessage ? line : `${line.slice(0, longestMessage - 1)}…`;
}
