import type { Revision } from '../api/revision.ts';
import type { StreamMigration } from '../api/stream-migration.ts';

export interface Reference {
  readonly revision: string;
  readonly as: 'green' | 'blue';
}

/** Has the alias call of the straight way been confirmed, and not been taken back? */
export const hasFlipped = ({ status }: StreamMigration): boolean => status?.flip?.direction === 'Forward' && status.flip.result === 'Moved';

/** Was the alias moved back to blue? */
export const hasFlippedBack = ({ status }: StreamMigration): boolean => status?.flip?.direction === 'Back' && status.flip.result === 'Moved';

/** Was the Revision made by this plan? A name alone does not tell: of two migrations that planned at the same moment one was first to take it. */
export function isMadeBy({ metadata, status }: StreamMigration, { metadata: { name }, spec }: Revision): boolean {
  const step = status?.plan?.steps.find(({ action, to }) => action === 'Clone' && to === name);
  return step !== undefined && spec.migration === metadata.name && spec.fingerprint === step.fingerprint;
}

/**
 * Which Revisions are needed by a migration or a first install, although no alias leads to them.
 * Green from its creation until the migration gives it up; blue from the flip until the point of no return or a deletion.
 */
export function references(migrations: readonly StreamMigration[], revisions: readonly Revision[]): readonly Reference[] {
  return [...migrations.flatMap((migration) => ofMigration(migration, revisions)), ...installing(revisions)];
}

function ofMigration(migration: StreamMigration, revisions: readonly Revision[]): readonly Reference[] {
  const { status } = migration;
  if (!status?.plan || status.outcome !== undefined || migration.metadata.deletionTimestamp !== undefined) return [];
  const clones = status.plan.steps.filter(({ action }) => action === 'Clone');
  const others = new Set(revisions.filter((revision) => !isMadeBy(migration, revision)).map(({ metadata }) => metadata.name));
  const green = clones.filter(({ to }) => !others.has(to)).map(({ to }): Reference => ({ revision: to, as: 'green' }));
  const blue = clones.flatMap(({ from }): readonly Reference[] => (from === undefined ? [] : [{ revision: from, as: 'blue' }]));
  if (hasFlippedBack(migration)) return [];
  // Between the intent and its confirmation either side may be the one that readers see: both are held.
  if (status.flip !== undefined) return status.pointOfNoReturn === undefined ? [...green, ...blue] : green;
  return status.ending?.way === 'Abort' || status.ending?.way === 'Retry' ? [] : green;
}

/** A first install runs before its alias is bound: until then nothing but the Revision itself says that it is wanted. */
function installing(revisions: readonly Revision[]): readonly Reference[] {
  return revisions
    .filter(
      ({ spec, status, metadata }) =>
        spec.connection !== undefined && spec.migration === '' && status?.bound !== true && metadata.deletionTimestamp === undefined,
    )
    .map(({ metadata }): Reference => ({ revision: metadata.name, as: 'green' }));
}
