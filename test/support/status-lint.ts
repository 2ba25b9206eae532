import { type Condition, findCondition, isConditionTrue } from '../../src/controller/conditions.ts';
import type { KubeObject } from '../../src/controller/kube/api.ts';

/**
 * What must hold for every status that any test produces. Each rule has a number, which a finding begins with.
 *
 *  S1  the types of conditions are unique
 *  S2  types and reasons are CamelCase and not empty; messages are there, of one line and at most 1,024 characters
 *  S3  statuses are True, False or Unknown; times are RFC 3339 in UTC with whole seconds, and not in the future
 *  S4  every condition was computed from a generation, and from none that is still to come
 *  S5  `status.observedGeneration` is not ahead of the object
 *  S6  the required conditions are there
 *  S7  Ready=True excludes Reconciling=True and Stalled=True
 *  S8  Reconciling and Stalled are not both True (kstatus reads Stalled as: it will not get better by waiting)
 *  S9  Finished=True excludes Reconciling=True
 *  S10 the status is plain JSON without null, so that it reads back as it was written
 *  S11 the status is smaller than 400 KiB (an object must stay below etcd's 1.5 MiB with its spec and its field owners)
 *  S12 no secret is in it
 */
export interface LintOptions {
  /** Types that must be there; Ready when absent. */
  readonly required?: readonly string[];
  /** Wall time in milliseconds; what lies after it is in the future. */
  readonly now?: number;
}

/** Findings, each with the number of its rule; empty for a good status. */
export function lintStatus(object: KubeObject, options: LintOptions = {}): readonly string[] {
  const status = (object.status ?? {}) as { conditions?: readonly Condition[]; observedGeneration?: number };
  const conditions = status.conditions ?? [];
  const generation = object.metadata.generation ?? Number.POSITIVE_INFINITY;
  return [
    ...duplicates(conditions.map(({ type }) => type)).map((type) => `S1: ${type} is there twice`),
    ...conditions.flatMap(malformed),
    ...conditions.flatMap((condition) => misdated(condition, options.now ?? Number.POSITIVE_INFINITY)),
    ...conditions.flatMap((condition) => unfounded(condition, generation)),
    ...when((status.observedGeneration ?? 0) > generation, `S5: observedGeneration ${status.observedGeneration} is ahead of ${generation}`),
    ...(options.required ?? ['Ready']).filter((type) => !findCondition(conditions, type)).map((type) => `S6: ${type} is missing`),
    ...['Reconciling', 'Stalled'].flatMap((type) => both(conditions, 'S7', 'Ready', type)),
    ...both(conditions, 'S8', 'Reconciling', 'Stalled'),
    ...both(conditions, 'S9', 'Finished', 'Reconciling'),
    ...notPlain(status, 'status').map((path) => `S10: ${path} is no plain JSON`),
    ...when(Buffer.byteLength(JSON.stringify(status)) > 400 * 1024, 'S11: the status is larger than 400 KiB'),
    ...when(secret.test(JSON.stringify(status)), 'S12: there is something like a secret in it'),
  ];
}

/**
 * What must hold between two statuses of one object, the later one written after the earlier.
 *
 *  T1  lastTransitionTime moves exactly when the status of its condition moves
 *  T2  observedGeneration never goes back
 */
export function lintStatusChange(before: KubeObject, after: KubeObject): readonly string[] {
  const [earlier, later] = [before, after].map(({ status }) => (status ?? {}) as { conditions?: readonly Condition[]; observedGeneration?: number });
  return [
    ...(later?.conditions ?? []).flatMap((condition) => {
      const old = findCondition(earlier?.conditions, condition.type);
      if (!old) return [];
      const moved = old.status !== condition.status;
      return [
        ...when(!moved && old.lastTransitionTime !== condition.lastTransitionTime, `T1: ${condition.type} stayed, but its time moved`),
        ...when(moved && old.lastTransitionTime > condition.lastTransitionTime, `T1: the time of ${condition.type} went back`),
        ...when((condition.observedGeneration ?? 0) < (old.observedGeneration ?? 0), `T2: ${condition.type} went back to an earlier generation`),
      ];
    }),
    ...when((later?.observedGeneration ?? 0) < (earlier?.observedGeneration ?? 0), 'T2: observedGeneration went back'),
  ];
}

const camelCase = /^[A-Z][A-Za-z0-9]*$/;
const wholeSeconds = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const secret = /:\/\/[^\s/@"]+:[^\s/@"]+@|\b(bearer|basic) [\w.~+/-]{12,}|"[^"]*password"/i;

function malformed({ type, reason, message }: Condition): readonly string[] {
  return [
    ...when(!camelCase.test(type), `S2: the type "${type}" is not CamelCase`),
    ...when(!camelCase.test(reason), `S2: the reason "${reason}" of ${type} is not CamelCase`),
    ...when(
      typeof message !== 'string' || message.length > 1_024 || message.includes('\n'),
      `S2: the message of ${type} is not one line of at most 1,024 characters`,
    ),
  ];
}

function misdated({ type, status, lastTransitionTime }: Condition, now: number): readonly string[] {
  return [
    ...when(!['True', 'False', 'Unknown'].includes(status), `S3: the status "${status}" of ${type}`),
    ...when(!wholeSeconds.test(lastTransitionTime), `S3: the time "${lastTransitionTime}" of ${type}`),
    ...when(Date.parse(lastTransitionTime) > now, `S3: ${type} changes in the future`),
  ];
}

function unfounded({ type, observedGeneration }: Condition, generation: number): readonly string[] {
  return [
    ...when(observedGeneration === undefined, `S4: ${type} has no observedGeneration`),
    ...when((observedGeneration ?? 0) > generation, `S4: ${type} is ahead of generation ${generation}`),
  ];
}

function both(conditions: readonly Condition[], rule: string, one: string, other: string): readonly string[] {
  return when(isConditionTrue(conditions, one) && isConditionTrue(conditions, other), `${rule}: ${one} and ${other} are both True`);
}

function notPlain(value: unknown, path: string): readonly string[] {
  if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value) || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item, i) => (item === undefined ? [`${path}[${i}]`] : notPlain(item, `${path}[${i}]`)));
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? Object.entries(value).flatMap(([key, member]) => notPlain(member, `${path}.${key}`)) : [path];
}

function duplicates(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
}

function when(holds: boolean, finding: string): readonly string[] {
  return holds ? [finding] : [];
}
