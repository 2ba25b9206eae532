import { GrueError } from '../api/errors.ts';
import { kinds } from '../api/kinds.ts';
import type { LogicalStatus } from '../api/stream.ts';
import type { KubeApi, KubeObject } from '../controller/kube/api.ts';
import { found } from './found.ts';

export interface Target {
  readonly kind: 'Stream' | 'Pipeline' | 'Connection';
  readonly name: string;
}

/** A Stream, Pipeline or Connection as it is stored. */
export type LogicalObject = KubeObject & { readonly kind: Target['kind']; readonly spec: Readonly<Record<string, unknown>>; readonly status?: LogicalStatus };

/** `Pipeline/delays`, also `pipeline/delays` and the short names of kubectl. @throws GrueError GRUE-CLI-001 */
export function parseTarget(text: string): Target {
  const [written = '', name = '', ...more] = text.split('/');
  const kind = (['Stream', 'Pipeline', 'Connection'] as const).find((one) =>
    [one.toLowerCase(), kinds[one].plural, kinds[one].shortName].includes(written.toLowerCase()),
  );
  if (kind === undefined || name === '' || more.length > 0)
    throw new GrueError('GRUE-CLI-001', `${text} does not name a resource`, { fix: 'write Stream/<name>, Pipeline/<name> or Connection/<name>' });
  return { kind, name };
}

/** @throws GrueError GRUE-CLI-002 when there is none */
export const logicalObject = (kube: KubeApi, namespace: string, { kind, name }: Target): Promise<LogicalObject> =>
  found<LogicalObject>(kube, kinds[kind], { namespace, name });
