import { kinds } from '../api/kinds.ts';
import { setFinalizer } from './finalizers.ts';
import { finalizer as migrationFinalizer } from './migration/steps/protection.ts';
import { isEnding } from './namespace.ts';
import { revisionFinalizer } from './revision/create.ts';
import type { Requeue, World } from './world.ts';

const again = 1_000;

/**
 * Lets everything go that we hold in a namespace which is being deleted; what it stands for stays. It needs no leadership, and no replica waits
 * for it: where the Lease was in that namespace nobody can lead any more, because nothing can be created there, and the rights of the
 * operator may go in a moment. What is not deleted yet will be: a namespace never comes back from this.
 */
export async function letGoOfEnding(namespace: string, world: World, signal: AbortSignal): Promise<Requeue> {
  const { caches } = world;
  const revisions = caches.revisions.list(namespace).filter(({ metadata }) => metadata.finalizers?.includes(revisionFinalizer));
  const migrations = caches.migrations.list(namespace).filter(({ metadata }) => metadata.finalizers?.includes(migrationFinalizer));
  if (revisions.length + migrations.length === 0 || !(await isEnding(namespace, world, signal))) return {};
  world.log.info('the namespace is being deleted: what is held there is let go', { namespace, revisions: revisions.length, migrations: migrations.length });
  for (const migration of migrations) await setFinalizer(kinds.StreamMigration, migration, migrationFinalizer, false, world, signal);
  for (const revision of revisions) await setFinalizer(kinds.Revision, revision, revisionFinalizer, false, world, signal);
  return { requeueAfterMilliseconds: again };
}
