import { apiVersion } from '../../api/common.ts';
import { kinds } from '../../api/kinds.ts';
import type { Revision, RevisionStatus } from '../../api/revision.ts';
import { find } from '../../controller/kube/find.ts';
import { audited } from '../audit.ts';
import { setFinalizer } from '../finalizers.ts';
import { fieldManager, type World } from '../world.ts';
import { createRevision, revisionFinalizer } from './create.ts';

/** Gives up the hold on a deleted object. What it stood for is not touched. */
export const letGo = (revision: Revision, world: World, signal: AbortSignal): Promise<void> =>
  setFinalizer(kinds.Revision, revision, revisionFinalizer, false, world, signal);

/**
 * A deletion cannot be taken back; but an object of the same name with the same definition stands for the same things. If this process ends
 * between the two calls, what is live is recovered from the servers.
 */
export async function renew(revision: Revision, world: World, signal: AbortSignal): Promise<void> {
  const { metadata, spec, status } = revision;
  const { namespace, name } = metadata;
  if (!world.mayAct()) throw new Error(`the lease is in doubt: Revision ${namespace}/${name} is not made again now`);
  await letGo(revision, world, signal);
  await createRevision(namespace, name, spec, world, signal);
  if (status === undefined) return;
  const { reclaimedAt: _, conditions: __, ...kept }: RevisionStatus = status;
  await world.kube.applyStatus(
    kinds.Revision,
    { apiVersion, kind: 'Revision', metadata: { namespace, name }, status: kept },
    { fieldManager, force: true, signal },
  );
}

/**
 * Deletes an object whose logical resource is gone: that is asked of the server at this moment, because a cache may be late to hear that it
 * is back. The version guards the decision in the status.
 * @returns whether it was deleted
 */
export async function deleteReclaimed({ metadata, spec }: Revision, world: World, signal: AbortSignal): Promise<boolean> {
  const { namespace, name, uid, resourceVersion } = metadata;
  const { kind, name: resource } = spec.of;
  if (await find(world.kube, kinds[kind], { namespace, name: resource }, signal)) return false;
  const why = `${kind}/${resource} was deleted with reclaimPolicy Delete`;
  await audited({ verb: 'DeleteRevision', object: name, identity: uid, why, namespace, revision: name }, world, async () => {
    await world.kube.delete(kinds.Revision, { namespace, name }, { uid, resourceVersion, signal });
    return 'Deleted';
  });
  return true;
}
