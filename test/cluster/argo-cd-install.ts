import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../support/grue.ts';

const namespace = 'argocd';

/** Where Argo CD is to run, without pods of its own. */
export interface Place {
  /** Of an administrator. */
  readonly kubeconfig: string;
  readonly kubectl: string;
  /** For files of ours; it is there. */
  readonly directory: string;
}

export type Account = 'argocd-server' | 'argocd-application-controller';

/** Everything that its own installation applies, but what runs as pods; and the settings, each a patch of ConfigMap `argocd-cm`. */
export async function installArgoCd(place: Place, manifests: string, settings: readonly string[]): Promise<void> {
  const kubectl = kubectlOn(place);
  await kubectl(['create', 'namespace', namespace]).catch(unlessThere);
  const documents = (await readFile(manifests, 'utf8')).split(/^---$/m).filter((document) => !isOfPods(document));
  const file = join(place.directory, 'install.yaml');
  await writeFile(file, documents.join('---\n'));
  await kubectl(['apply', '--server-side', '--force-conflicts', '--filename', file]);
  // `kubectl wait` fails on definitions that nobody has looked at yet
  await eventually('Argo CD knows its kinds', () => kubectl(['get', 'applications,appprojects']).catch(() => undefined));
  for (const patch of settings) await kubectl(['patch', 'configmap', 'argocd-cm', '--type', 'merge', '--patch', patch]);
}

/** @returns the path of a kubeconfig for one of its accounts, with the rights that its installation gives to it */
export async function kubeconfigOf(place: Place, account: Account): Promise<string> {
  const kubectl = kubectlOn(place);
  const token = (await kubectl(['create', 'token', account, '--duration=24h'])).trim();
  const config = JSON.parse(await kubectl(['config', 'view', '--raw', '--minify', '--output', 'json'])) as { readonly users: readonly object[] };
  const users = config.users.map((user) => ({ ...user, user: { token } }));
  const path = join(place.directory, `${account}.kubeconfig`);
  await writeFile(path, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return path;
}

const kubectlOn =
  ({ kubeconfig, kubectl }: Place) =>
  async (args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(kubectl, ['--kubeconfig', kubeconfig, '--namespace', namespace, ...args], { maxBuffer: 16 << 20 })).stdout;

function unlessThere(error: Error): void {
  if (!/AlreadyExists/.test(error.message)) throw error;
}

const isOfPods = (document: string): boolean => /^kind: (Deployment|StatefulSet|Service|NetworkPolicy)$/m.test(document);
