import type { KubeObject, ResourceType } from '../controller/kube/api.ts';
import { isKubeError } from '../controller/kube/errors.ts';
import type { World } from './world.ts';

const namespaces: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };

/**
 * Is the namespace being deleted? Then all of its objects are deleted, whatever they stand for: that is no request to remove data.
 * An operator that may not read the namespace goes by the objects alone.
 */
export async function isEnding(namespace: string, { kube }: Pick<World, 'kube'>, signal: AbortSignal): Promise<boolean> {
  try {
    const { metadata } = await kube.get<KubeObject>(namespaces, { name: namespace }, { signal });
    return metadata.deletionTimestamp !== undefined;
  } catch (error) {
    if (isKubeError(error, 'NotFound') || isKubeError(error, 'Forbidden')) return false;
    throw error;
  }
}
