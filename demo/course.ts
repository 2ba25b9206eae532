import { kinds } from '../src/api/kinds.ts';
import type { Revision } from '../src/api/revision.ts';
import type { MigrationStatus, Phase, StreamMigration } from '../src/api/stream-migration.ts';
import { systemClock } from '../src/controller/clock.ts';
import { findCondition } from '../src/controller/conditions.ts';
import type { KubeApi, KubeObject, ResourceType } from '../src/controller/kube/api.ts';
import { type Reflector, reflector } from '../src/controller/kube/reflector.ts';
import { silentLogger } from '../src/controller/logger.ts';
import { runtimeMetrics } from '../src/controller/metrics.ts';
import { orAborted } from './abort.ts';

/** How a migration goes, as its status tells: for the view, for phases and their times, and for knowing when to do what. Never evidence. */
export interface Course {
  readonly name: string;
  status(): MigrationStatus | undefined;
  /** In the order of their first appearance; a phase that came several times has the sum. The last one is still running unless it is an ending. */
  phases(): readonly { readonly name: Phase; readonly seconds: number }[];
  /** Resolves as soon as the migration is in the phase. @throws Error with what it says when it ends otherwise, stays stalled, or does not come in time */
  until(wanted: Phase, patienceSeconds: number): Promise<MigrationStatus>;
}

export interface TopologyWatch {
  revisions(): readonly Revision[];
  course(name: string, onPhase: (phase: Phase, status: MigrationStatus) => void): Course;
}

/** A stall that lasts so long, in seconds, will not pass by itself. */
const stallPatience = 30;

const endings: ReadonlySet<Phase> = new Set(['Completed', 'Held', 'Aborted', 'RolledBack', 'Failed']);

/** Follows the migrations and Revisions of a namespace until `signal` aborts. */
export async function watchTopology(kube: KubeApi, namespace: string, signal: AbortSignal): Promise<TopologyWatch> {
  const metrics = runtimeMetrics();
  const watch = <T extends KubeObject>(type: ResourceType): Reflector<T> =>
    reflector<T>({ api: kube, type, clock: systemClock, logger: silentLogger, metrics, selection: { namespace } });
  const migrations = watch<StreamMigration & KubeObject>(kinds.StreamMigration);
  const revisions = watch<Revision & KubeObject>(kinds.Revision);
  for (const source of [migrations, revisions]) void source.run(signal);
  await orAborted(Promise.all([migrations.hasSynced, revisions.hasSynced]), signal);
  return {
    revisions: () => revisions.cache.list(namespace),
    course: (name, onPhase) =>
      courseOf(
        name,
        (told) => migrations.subscribe({ enqueue: (key) => key === `${namespace}/${name}` && told(migrations.cache.get(key)?.status) }),
        onPhase,
        signal,
      ),
  };
}

/** @param listen calls back with every version of the status. Exported for tests. */
export function courseOf(
  name: string,
  listen: (told: (status: MigrationStatus | undefined) => void) => void,
  onPhase: (phase: Phase, status: MigrationStatus) => void,
  signal: AbortSignal,
  now: () => number = () => performance.now(),
): Course {
  const entered: { readonly phase: Phase; readonly at: number }[] = [];
  const waiting = new Set<() => void>();
  let status: MigrationStatus | undefined;

  listen((told) => {
    if (told?.phase === undefined) return;
    status = told;
    if (entered.at(-1)?.phase !== told.phase) {
      entered.push({ phase: told.phase, at: now() });
      onPhase(told.phase, told);
    }
    for (const look of waiting) look();
  });

  const summed = (): Map<Phase, number> => {
    const sums = new Map<Phase, number>();
    for (const [i, { phase, at }] of entered.entries()) {
      const left = entered[i + 1]?.at ?? (endings.has(phase) ? at : now());
      sums.set(phase, (sums.get(phase) ?? 0) + (left - at) / 1_000);
    }
    return sums;
  };

  return {
    name,
    status: () => status,
    phases: () => [...summed()].map(([phase, seconds]) => ({ name: phase, seconds: Math.round(seconds * 10) / 10 })),
    async until(wanted, patienceSeconds) {
      const { promise, resolve, reject } = Promise.withResolvers<MigrationStatus>();
      const refuse = (why: string) => reject(new Error(`migration ${name} ${why}\n  ${describe(status)}`));
      const look = (): void => {
        if (status?.phase === wanted) resolve(status);
        else if (status?.phase !== undefined && endings.has(status.phase)) refuse(`ended in ${status.phase}, not in ${wanted}`);
      };
      const late = setTimeout(() => refuse(`was not in ${wanted} within ${patienceSeconds} s`), patienceSeconds * 1_000);
      const stalls = setInterval(() => isStalledFor(status, stallPatience) && refuse(`has been stalled for ${stallPatience} s`), 1_000);
      const abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      waiting.add(look);
      look();
      return promise.finally(() => {
        clearTimeout(late);
        clearInterval(stalls);
        signal.removeEventListener('abort', abort);
        waiting.delete(look);
      });
    },
  };
}

function isStalledFor(status: MigrationStatus | undefined, seconds: number): boolean {
  const stalled = findCondition(status?.conditions, 'Stalled');
  return stalled?.status === 'True' && Date.now() - Date.parse(stalled.lastTransitionTime) > seconds * 1_000;
}

function describe(status: MigrationStatus | undefined): string {
  if (status === undefined) return 'it has no status: does the operator run?';
  const gates = (status.gates ?? [])
    .filter(({ outcome }) => outcome !== 'Pass')
    .map(({ name, outcome, observed }) => `gate ${name} is ${outcome}: ${observed}`);
  return [`${status.phase}: ${status.message ?? ''}`, ...gates].join('\n  ');
}
