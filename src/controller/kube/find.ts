import type { KubeApi, KubeObject, ObjectRef, ResourceType } from './api.ts';
import { isKubeError } from './errors.ts';

/** The object as it is stored now; undefined when there is none. */
export async function find<T extends object = KubeObject>(
  kube: Pick<KubeApi, 'get'>,
  type: ResourceType,
  ref: ObjectRef,
  signal?: AbortSignal,
): Promise<T | undefined> {
  try {
    return (await kube.get(type, ref, { signal })) as unknown as T;
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return undefined;
    throw error;
  }
}
