import type { ObjectMeta, ResourceType } from '../controller/kube/api.ts';
import { isKubeError } from '../controller/kube/errors.ts';
import { fieldManager, type World } from './world.ts';

/** Adds our finalizer to an object, or takes it away; those of others stay. An object that is gone needs none. */
export async function setFinalizer(
  type: ResourceType,
  { metadata }: { readonly metadata: ObjectMeta },
  finalizer: string,
  hold: boolean,
  { kube }: World,
  signal: AbortSignal,
): Promise<void> {
  const others = (metadata.finalizers ?? []).filter((entry) => entry !== finalizer);
  const patch = { metadata: { resourceVersion: metadata.resourceVersion, finalizers: hold ? [...others, finalizer] : others } };
  try {
    await kube.mergePatch(type, metadata, patch, { fieldManager, signal });
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
  }
}
