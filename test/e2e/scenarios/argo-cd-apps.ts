import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../../../scripts/processes.ts';
import type { ArgoCd } from '../../cluster/argo-cd.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds } from '../../support/workspace.ts';

/** Where an Application of the examples is to be taken from, and to go to. */
export interface AppOptions {
  readonly name: string;
  readonly repository: string;
  readonly namespace: string;
  readonly path?: string;
  /** Of the chart: the name of its release, and its values. */
  readonly release?: { readonly releaseName: string; readonly valuesObject: object };
}

/** One of the Applications in examples/argo-cd: all else of it is as people are told to write it. */
export async function applicationOf(example: 'operator' | 'topology' | 'migrations', options: AppOptions): Promise<string> {
  const { metadata, spec, ...rest } = parse(await readFile(join(root, 'examples/argo-cd', `${example}.yaml`), 'utf8')) as Example;
  const { name, repository, namespace, path = spec.source.path, release } = options;
  const helm = release === undefined ? {} : { helm: { ...spec.source.helm, ...release } };
  const source = { ...spec.source, repoURL: repository, path, ...helm };
  return JSON.stringify({ ...rest, metadata: { ...metadata, name }, spec: { ...spec, source, destination: { ...spec.destination, namespace } } });
}

interface Example {
  readonly metadata: object;
  readonly spec: { readonly source: { readonly path: string; readonly helm?: object }; readonly destination: object };
}

export interface AppStatus {
  readonly sync: { readonly status: string; readonly revision?: string };
  readonly health: { readonly status: string };
  /** One entry for each sync that has succeeded. */
  readonly history?: readonly unknown[];
  readonly operationState?: { readonly phase: string; readonly message?: string; readonly startedAt: string; readonly retryCount?: number };
}

export interface Health {
  readonly status: string;
  readonly message?: string;
}

/** One Application, as people see it. */
export interface App {
  readonly name: string;
  status(): Promise<AppStatus>;
  /** Asks for a look at Git now, and waits until the Application is as it is wanted. */
  until(what: string, holds: (status: AppStatus) => boolean): Promise<AppStatus>;
  /** Of one of its resources; undefined while there is none. */
  health(kind: string, name: string): Promise<Health | undefined>;
  /** Runs an action of a resource, as its button does. @throws Error with what Argo CD says, when it is refused */
  act(action: string, kind: string, name: string): Promise<string>;
}

export function appOf(argoCd: ArgoCd, name: string): App {
  const status = async (refresh = ''): Promise<AppStatus> => (await argoCd.get<{ readonly status: AppStatus }>(`applications/${name}${refresh}`)).status;
  return {
    name,
    status: () => status(),
    async until(what, holds) {
      await status('?refresh=hard');
      const look = async () => {
        const found = await status();
        return holds(found) ? found : undefined;
      };
      return eventually(`Application ${name} ${what}`, look, patienceSeconds, () => status());
    },
    async health(kind, resource) {
      const tree = await argoCd.get<{ readonly nodes?: readonly TreeNode[] }>(`applications/${name}/resource-tree`);
      return tree.nodes?.find((node) => node.kind === kind && node.name === resource)?.health;
    },
    act: (action, kind, resource) => argoCd.run('app', 'actions', 'run', name, action, '--kind', kind, '--resource-name', resource),
  };
}

interface TreeNode {
  readonly kind: string;
  readonly name: string;
  readonly health?: Health;
}
