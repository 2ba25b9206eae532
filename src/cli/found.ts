import { GrueError } from '../api/errors.ts';
import type { KubeApi, ObjectRef, ResourceType } from '../controller/kube/api.ts';
import { find } from '../controller/kube/find.ts';

/** @throws GrueError GRUE-CLI-002 when there is no such object */
export async function found<T extends object>(kube: KubeApi, type: ResourceType, ref: ObjectRef): Promise<T> {
  const object = await find<T>(kube, type, ref);
  if (object !== undefined) return object;
  throw new GrueError('GRUE-CLI-002', `there is no ${type.kind}/${ref.name} in namespace ${ref.namespace}`, {
    fix: `see kubectl get ${type.plural}, and name the namespace with -n`,
  });
}
