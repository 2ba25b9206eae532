import { stringify } from 'yaml';
import { apiVersion } from '../api/common.ts';
import { GrueError } from '../api/errors.ts';
import { kinds } from '../api/kinds.ts';
import type { Revision } from '../api/revision.ts';
import type { KubeApi, KubeObject } from '../controller/kube/api.ts';
import { logicalSpecOf } from '../topology/definition.ts';
import { type LogicalObject, logicalObject, parseTarget } from './targets.ts';

/**
 * What `grue export Pipeline/delays` prints: the resource as it is live, to be put into Git. What does not belong to the definition (how to reclaim
 * it) is as in the stored resource.
 * @throws GrueError GRUE-CLI-001 for a bad target, GRUE-CLI-002 when nothing of that name is there or live
 */
export async function exportText(kube: KubeApi, namespace: string, target: string): Promise<string> {
  const { kind, name } = parseTarget(target);
  const stored = await logicalObject(kube, namespace, { kind, name });
  const live = await liveRevision(kube, namespace, stored);
  const spec = { ...stored.spec, ...logicalSpecOf(live) };
  return stringify({ apiVersion, kind, metadata: { name, namespace }, spec }, { lineWidth: 0 });
}

export async function liveRevision(kube: KubeApi, namespace: string, { kind, metadata, status }: LogicalObject): Promise<Revision> {
  const nothing = new GrueError('GRUE-CLI-002', `nothing of ${kind}/${metadata.name} is live`, { fix: 'kubectl describe it says why' });
  if (status?.live === undefined) throw nothing;
  return kube.get<Revision & KubeObject>(kinds.Revision, { namespace, name: status.live });
}
