import type { ResourceType } from '../controller/kube/api.ts';
import { find } from '../controller/kube/find.ts';
import type { World } from './world.ts';

export const namespaces: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };

/**
 * Is the namespace being deleted? Then all of its objects are deleted, whatever they stand for: that is no request to remove data. Without
 * the answer nothing is removed: an operator that may not read the namespace waits, and says so.
 */
export async function isEnding(namespace: string, { kube }: Pick<World, 'kube'>, signal: AbortSignal): Promise<boolean> {
  const found = await find(kube, namespaces, { name: namespace }, signal);
  return found?.metadata.deletionTimestamp !== undefined;
}
