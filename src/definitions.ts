import { GrueError } from './api/errors.ts';
import { crdVersion, crdVersionAnnotation, kinds } from './api/kinds.ts';
import type { KubeApi, ResourceType } from './controller/kube/api.ts';
import { isKubeError } from './controller/kube/errors.ts';
import type { Logger } from './controller/logger.ts';

const definitions: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

/**
 * Makes sure that the CRDs of the cluster are those of this operator. With older ones the server drops fields that it writes and needs; of
 * newer ones it does not know what the fields mean. An operator that may not read them says so and goes on.
 * @throws GrueError GRUE-API-009
 */
export async function checkDefinitions(kube: Pick<KubeApi, 'get'>, logger: Logger, signal: AbortSignal): Promise<void> {
  for (const { plural, group } of Object.values(kinds)) {
    const name = `${plural}.${group}`;
    let found: number;
    try {
      const { metadata } = await kube.get(definitions, { name }, { signal });
      found = Number(metadata.annotations?.[crdVersionAnnotation] ?? 0);
    } catch (error) {
      if (isKubeError(error, 'NotFound'))
        throw new GrueError('GRUE-API-009', `there is no CustomResourceDefinition ${name}`, { fix: 'install the CRDs: kubectl apply --server-side -f crds' });
      if (!isKubeError(error, 'Forbidden')) throw error;
      logger.warn('the versions of the CRDs are not looked at', { error });
      return;
    }
    if (found > crdVersion)
      throw new GrueError('GRUE-API-009', `CustomResourceDefinition ${name} is of version ${found}, and this operator knows version ${crdVersion}`, {
        fix: 'use the operator that belongs to them',
      });
    if (found < crdVersion)
      throw new GrueError('GRUE-API-009', `CustomResourceDefinition ${name} is of version ${found}, and this operator needs version ${crdVersion}`, {
        fix: 'upgrade the CRDs: kubectl apply --server-side -f crds',
      });
  }
}
