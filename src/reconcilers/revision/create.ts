import { apiVersion } from '../../api/common.ts';
import { GrueError } from '../../api/errors.ts';
import { kinds } from '../../api/kinds.ts';
import type { RevisionSpec } from '../../api/revision.ts';
import { isKubeError } from '../../controller/kube/errors.ts';
import type { NewRevision } from '../../topology/realise.ts';
import { fieldManager, type World } from '../world.ts';

/** Holds a Revision until what it realised has been removed. */
export const revisionFinalizer = 'grue.dev/revision';

/** Creates the Revision, or finds the one that an earlier, lost pass has created. It has no owner: garbage collection must never reach production. */
export async function createRevision(namespace: string, name: string, spec: RevisionSpec, world: World, signal: AbortSignal): Promise<void> {
  const labels = { 'grue.dev/kind': spec.of.kind, 'grue.dev/name': spec.of.name };
  const object = { apiVersion, kind: 'Revision', metadata: { name, namespace, labels, finalizers: [revisionFinalizer] }, spec };
  try {
    await world.kube.create(kinds.Revision, object, { fieldManager, signal });
    world.log.info('created a Revision', { namespace, revision: name, fingerprint: spec.fingerprint });
  } catch (error) {
    if (!isKubeError(error, 'AlreadyExists')) throw error;
    const existing = (await world.kube.get(kinds.Revision, { namespace, name }, { signal })).spec as RevisionSpec;
    if (existing.fingerprint !== spec.fingerprint || existing.migration !== spec.migration)
      throw new GrueError('GRUE-KFK-002', `Revision ${name} exists and was made for something else`, { fix: 'the next pass takes the next number' });
  }
}

/** Creates those that the cache does not show: where calls fail often, a row of them that always begins at the first would never come to its end. */
export async function createRevisions(revisions: readonly NewRevision[], namespace: string, world: World, signal: AbortSignal): Promise<void> {
  for (const { name, spec } of revisions) {
    const known = world.caches.revisions.get(`${namespace}/${name}`);
    const isThere = known?.metadata.deletionTimestamp === undefined && known?.spec.fingerprint === spec.fingerprint && known.spec.migration === spec.migration;
    if (!isThere) await createRevision(namespace, name, spec, world, signal);
  }
}
