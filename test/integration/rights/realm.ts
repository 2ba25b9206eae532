import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { apiVersion } from '../../../src/api/common.ts';
import { type Kind, kinds } from '../../../src/api/kinds.ts';
import { examples } from '../../api/examples.ts';
import { stack } from '../../stack/for-tests.ts';
import { connectKube, eventually } from '../../support/grue.ts';
import { type Manifest, manifestsOf, render } from '../../support/helm.ts';
import { installCrds } from '../api/server.ts';

/** A namespace with the roles and policies of the chart, and people who have one role each in it. */
export interface Realm extends AsyncDisposable {
  readonly namespace: string;
  /** What of the chart is in force here: accounts, roles, bindings and policies. */
  readonly rights: readonly Manifest[];
  /** Paths of their kubeconfigs. */
  readonly users: Readonly<Record<User, string>>;
  /** kubectl as one of them in the namespace, `input` at its standard input. @returns what it prints; rejects with what the server says */
  kubectl(user: User, args: readonly string[], input?: unknown): Promise<string>;
  /** The command line of ours in the same way. */
  grue(user: User, ...args: readonly string[]): Promise<string>;
  /** Writes these fields of a status; kubectl would read it first, which needs a right of its own. */
  writeStatus(user: User, kind: Kind, name: string, status: object): Promise<void>;
  /** Makes an object as somebody who may do anything, with the status that the operator would write. */
  make(kind: Kind, name: string, parts?: { readonly spec?: object; readonly status?: object; readonly annotations?: object }): Promise<void>;
}

/** What people and programs are called; `root` is the administrator of the cluster. */
export type User = 'victor' | 'edith' | 'petra' | 'ada' | 'argo' | 'operator' | 'worker' | 'root';

const roleOf = { victor: 'grue-view', edith: 'grue-editor', petra: 'grue-promoter', ada: 'grue-admin' } as const;
/** The account of Argo CD, and those that the chart gives to a release called grue. */
const accounts = { argo: 'argocd-application-controller', operator: 'grue-operator', worker: 'grue-worker' } as const;

export const accountName = (namespace: string, account: keyof typeof accounts): string => `system:serviceaccount:${namespace}:${accounts[account]}`;

/** Of the chart only who may do what: it has neither pods nor CRDs of its own here. */
const rightsKinds = /^(ServiceAccount|(Cluster)?Role(Binding)?|ValidatingAdmissionPolicy(Binding)?)$/;

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../../src/main.ts');

/** Opens a realm in a new namespace. All policies hold when it returns. */
export async function openRealm(): Promise<Realm> {
  await installCrds();
  const namespace = `rights-${randomBytes(3).toString('hex')}`;
  const { kubectl: program, kubeconfigPath } = stack().kubernetes;
  const users: Record<User, string> = { root: kubeconfigPath } as Record<User, string>;

  const kubectl = async (user: User, args: readonly string[], input?: unknown): Promise<string> => {
    const process = run(program, ['--kubeconfig', users[user], '--namespace', namespace, ...args], { maxBuffer: 16 * 1024 * 1024 });
    process.child.stdin?.end(typeof input === 'string' ? input : JSON.stringify(input ?? {}));
    return (await process).stdout.trim();
  };
  const writeStatus: Realm['writeStatus'] = async (user, kind, name, status) => {
    const kube = connectKube(users[user]);
    try {
      await kube.mergePatch(kinds[kind], { namespace, name }, { status }, { fieldManager: user, subresource: 'status' });
    } finally {
      kube.close();
    }
  };
  const make: Realm['make'] = async (kind, name, { spec = examples[kind], status, annotations } = {}) => {
    const object = { apiVersion, kind, metadata: { name, namespace, annotations }, spec };
    const maker = kind === 'Revision' ? 'operator' : 'root';
    await kubectl(maker, ['create', '-f', '-'], object);
    if (status) await writeStatus('operator', kind, name, status);
  };
  const grant = (role: string, subject: string) =>
    kubectl('root', ['create', 'rolebinding', `${role}-${randomBytes(3).toString('hex')}`, `--clusterrole=${role}`, subject]);

  await kubectl('root', ['create', 'namespace', namespace]);
  const items = manifestsOf(await render({}, { namespace })).filter(({ kind }) => rightsKinds.test(kind));
  // Server-side: files that run beside each other apply the same ClusterRoles at the same time.
  await kubectl('root', ['apply', '--server-side', '--force-conflicts', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
  for (const [user, role] of Object.entries(roleOf)) {
    users[user as User] = await stack().kubernetes.makeUser(user);
    await grant(role, `--user=${user}`);
  }
  await kubectl('root', ['create', 'serviceaccount', accounts.argo]);
  for (const [user, account] of Object.entries(accounts)) {
    users[user as User] = await tokenConfig(await kubectl('root', ['create', 'token', account]), namespace, account);
  }
  await grant('grue-editor', `--serviceaccount=${namespace}:${accounts.argo}`);

  const realm: Realm = {
    ...{ namespace, rights: items, users, kubectl, make, writeStatus },
    grue: async (user, ...args) => (await run(process.execPath, [main, ...args, '--kubeconfig', users[user], '--namespace', namespace])).stdout.trim(),
    // The namespace stays, as those of other tests; but a policy is asked about every object of the cluster.
    async [Symbol.asyncDispose]() {
      const policies = items.flatMap(({ kind, metadata }) => (kind.startsWith('ValidatingAdmissionPolicy') ? [`${kind}/${metadata.name}`] : []));
      await kubectl('root', ['delete', ...policies]);
    },
  };
  await untilInForce(realm);
  return realm;
}

/** The kubeconfig of the stack with a token in place of the certificate. */
async function tokenConfig(token: string, namespace: string, account: string): Promise<string> {
  const config = JSON.parse(readFileSync(stack().kubernetes.kubeconfigPath, 'utf8')) as { users: [{ user: object }] };
  config.users[0].user = { token };
  const path = join(stack().directory, `${namespace}-${account}.kubeconfig`);
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

/** A policy holds some time after it was accepted: each is asked something that it refuses to everybody. */
async function untilInForce({ kubectl, make, namespace }: Realm): Promise<void> {
  const forged = { 'grue.dev/request-id': '1', 'grue.dev/request-verb': 'takeover', 'grue.dev/request-by': 'nobody' };
  const create = (kind: Kind, annotations: object) =>
    kubectl('root', ['create', '--dry-run=server', '-f', '-'], { apiVersion, kind, metadata: { name: 'probe', annotations }, spec: examples[kind] });
  await make('Stream', 'probe', { status: { live: 'stream-probe-1' } });
  const probes = {
    requests: () => create('StreamMigration', forged),
    takeover: () => create('Platform', forged),
    revisions: () => create('Revision', {}),
    deletion: () => kubectl('root', ['delete', 'streams', 'probe', '--dry-run=server']),
    status: () => kubectl('root', ['patch', 'streams', 'probe', '--subresource=status', '--dry-run=server', '--type=merge', '-p', '{"status":{"live":"x"}}']),
  };
  for (const [policy, probe] of Object.entries(probes)) {
    const refused = `ValidatingAdmissionPolicy '${namespace}-grue-${policy}'`;
    await eventually(`policy ${policy} in force`, async () => ((await probe().catch(String)).includes(refused) ? true : undefined));
  }
}
