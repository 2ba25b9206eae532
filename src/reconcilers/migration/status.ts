import type { MigrationStatus, MigrationStep, Phase, PlannedStep } from '../../api/stream-migration.ts';
import { isMadeBy } from '../references.ts';
import type { Decision } from './decision.ts';
import type { Snapshot } from './snapshot.ts';

/** The version of what stands in a migration's status. An operator that meets a newer one holds. */
export const stateVersion = 1;

export const isNewer = ({ stateVersion: written = 0 }: MigrationStatus): boolean => written > stateVersion;

export type StatusPatch = { readonly [Key in keyof MigrationStatus]?: MigrationStatus[Key] | undefined };

/** What would be seen if that were stored. */
export function withStatus(snapshot: Snapshot, patch: StatusPatch): Snapshot {
  const status = { ...snapshot.status, ...patch } as MigrationStatus;
  return { ...snapshot, status, migration: { ...snapshot.migration, status } };
}

export const timeOf = (snapshot: Snapshot): string => new Date(snapshot.now).toISOString();

/** Seconds since a recorded time. One that is still to come was recorded by another clock, before this process began: nobody knows how long ago. */
export const secondsSince = (time: string, snapshot: Snapshot): number => {
  const seconds = (snapshot.now - Date.parse(time)) / 1_000;
  return seconds < 0 ? Number.POSITIVE_INFINITY : seconds;
};

/** Everything that belongs to one attempt, cleared in this one place: what stays of an attempt that was given up would decide in the next one. */
export const freshAttempt = (snapshot: Snapshot): StatusPatch => ({
  attempt: (snapshot.status.attempt ?? 1) + 1,
  startedAt: timeOf(snapshot),
  retrySeen: snapshot.migration.spec.retry,
  plan: undefined,
  fence: undefined,
  fencesPassed: undefined,
  gates: undefined,
  flip: undefined,
  approved: undefined,
  ending: undefined,
  outcome: undefined,
  supersededBy: undefined,
  pointOfNoReturn: undefined,
  progress: undefined,
  waitingFor: undefined,
});

/** Decides to leave the straight way; the step that carries it out reads this back. */
export const leave = (snapshot: Snapshot, phase: Phase, way: NonNullable<MigrationStatus['ending']>['way'], reason: string): Decision => ({
  phase,
  message: reason,
  record: { ending: { way, reason: reason.slice(0, 1024), time: timeOf(snapshot) } },
  again: 0,
});

/** Has a flip been decided? From then on only what the aliases show counts. */
export const flipDecided = ({ status }: Snapshot): boolean => status.flip !== undefined;

/** Have readers been moved to green, and not back? */
export const readersOnGreen = ({ status }: Snapshot): boolean => status.flip?.direction === 'Forward' && status.flip.result === 'Moved';

/** Do readers of the alias see this index, and nothing beside it? An identity that is not known is not compared. */
export function isOnlyOn({ aliases }: Snapshot, alias: string, { index, uuid }: { readonly index: string; readonly uuid?: string }): boolean {
  const [target, ...others] = aliases.get(alias) ?? [];
  return target !== undefined && others.length === 0 && target.index === index && (uuid === undefined || target.uuid === uuid);
}

/** Where the aliases of the flip are now, by concrete index and uuid. */
export function whereReadersAre(snapshot: Snapshot): 'from' | 'to' | 'elsewhere' {
  const moves = snapshot.status.flip?.intent ?? [];
  const at = (side: 'from' | 'to') => moves.every((move) => isOnlyOn(snapshot, move.alias, move[side]));
  return at('to') ? 'to' : at('from') ? 'from' : 'elsewhere';
}

/** Ended, and nothing was rolled out by it although something should have been. */
export const hasFailed = ({ outcome }: MigrationStatus): boolean => outcome !== undefined && outcome !== 'Completed' && outcome !== 'NothingToDo';

/** The step that a promotion without a named step means. */
export function nextManualStep({ status }: Snapshot): MigrationStep {
  if (status.flip !== undefined) return 'Teardown';
  return status.gates === undefined && status.fence === undefined ? 'Provision' : 'Flip';
}

/** Does the plan make live again what another migration has replaced? */
export const goesBack = (steps: readonly PlannedStep[]): boolean => steps.some(({ action }) => action === 'FlipBack');

/** Names of the Revisions that the plan makes. */
export const greenClones = ({ status }: Snapshot): readonly string[] =>
  (status.plan?.steps ?? []).filter(({ action }) => action === 'Clone').map(({ to }) => to);

/** Those of them that are there, and are ours. */
export const ownGreen = (snapshot: Snapshot): readonly string[] =>
  greenClones(snapshot).filter((name) => {
    const revision = snapshot.revisions.get(name);
    return revision !== undefined && isMadeBy(snapshot.migration, revision);
  });

/** Names of the Revisions that they replace. */
export const blueOriginals = ({ status }: Snapshot): readonly string[] =>
  (status.plan?.steps ?? []).filter(({ action }) => action === 'Clone').flatMap(({ from }) => from ?? []);

/** Where the ids that earlier fences left open are remembered. */
export const openKey = ({ migration, status }: Snapshot, alias: string): string => `${migration.metadata.uid}/${status.attempt ?? 1}/${alias}`;
