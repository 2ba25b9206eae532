import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import type { ServerSpec } from '../server.ts';
import type { KubernetesBinaries } from './binaries.ts';
import { type Authority, authorityOf, type Credentials, issueServer, issueUser, makeAuthority, pem } from './certificates.ts';

export const AUTHORITY = 'grue-stack-authority';

export interface ClusterPorts {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly api: number;
}

export interface ClusterLayout {
  readonly directory: string;
  readonly server: string;
  readonly ports: ClusterPorts;
  readonly kubeconfigPath: string;
  readonly certificate: string;
  readonly admin: Credentials;
}

/** Which rights are used by whom is asked about accounts of programs; those of the cluster itself say the same everywhere. */
const audit = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', userGroups: ['system:serviceaccounts:kube-system'] },
    { level: 'Metadata', userGroups: ['system:serviceaccounts'] },
    { level: 'None' },
  ],
};

/** Writes certificates, keys and the administrator's kubeconfig of a new cluster. */
export async function layOutCluster(directory: string, ports: ClusterPorts): Promise<ClusterLayout> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const authority = makeAuthority(AUTHORITY);
  const server = `https://127.0.0.1:${ports.api}`;
  const serving = issueServer(authority, ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'], ['127.0.0.1', '10.0.0.1']);
  const tokens = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const admin = issueUser(authority, 'grue-stack-admin', ['system:masters']);
  const manager = issueUser(authority, 'system:kube-controller-manager', []);
  const files = {
    'ca.crt': authority.certificate,
    'ca.key': pem(authority.key),
    'server.crt': serving.certificate,
    'server.key': serving.key,
    'tokens.key': pem(tokens.privateKey),
    'tokens.pub': tokens.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    'admin.kubeconfig': kubeconfig(server, authority.certificate, 'admin', admin),
    'controller-manager.kubeconfig': kubeconfig(server, authority.certificate, 'controller-manager', manager),
    'audit.yaml': JSON.stringify(audit),
  };
  await Promise.all(Object.entries(files).map(([name, content]) => writeFile(join(directory, name), content, { mode: 0o600 })));
  return { directory, server, ports, kubeconfigPath: join(directory, 'admin.kubeconfig'), certificate: authority.certificate, admin };
}

/** A file of JSON lines: what accounts of programs have asked of the cluster whose files are in this directory, and what let them. */
export const auditLog = (directory: string): string => join(directory, 'audit.log');

export function etcdSpec(binaries: KubernetesBinaries, { directory, ports }: ClusterLayout): ServerSpec {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return {
    name: 'etcd',
    command: [
      binaries.etcd,
      ...['--name', 'local', '--data-dir', join(directory, 'etcd'), '--log-level', 'warn'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `local=${peer}`],
      '--unsafe-no-fsync', // nothing in it has to survive the machine
    ],
    cwd: directory,
    ready: async (signal) => (await fetch(`${client}/health`, { signal })).ok,
  };
}

export function apiServerSpec(binaries: KubernetesBinaries, layout: ClusterLayout): ServerSpec {
  const file = (name: string) => join(layout.directory, name);
  return {
    name: 'kube-apiserver',
    command: [
      binaries.apiServer,
      ...['--etcd-servers', `http://127.0.0.1:${layout.ports.etcd}`],
      ...['--bind-address', '127.0.0.1', '--secure-port', `${layout.ports.api}`],
      // loopback cannot be advertised as an endpoint, and there are no pods that would look for one
      ...['--advertise-address', '127.0.0.1', '--endpoint-reconciler-type', 'none'],
      ...[
        '--tls-cert-file',
        file('server.crt'),
        '--tls-private-key-file',
        file('server.key'),
        '--client-ca-file',
        file('ca.crt'),
        '--cert-dir',
        layout.directory,
      ],
      ...[
        '--service-account-issuer',
        'https://kubernetes.default.svc',
        '--service-account-key-file',
        file('tokens.pub'),
        '--service-account-signing-key-file',
        file('tokens.key'),
      ],
      ...['--authorization-mode', 'RBAC', '--service-cluster-ip-range', '10.0.0.0/24'],
      ...['--audit-policy-file', file('audit.yaml'), '--audit-log-path', auditLog(layout.directory)],
      // without it a stop waits a minute for watches to end by themselves
      ...['--shutdown-watch-termination-grace-period', '1s'],
    ],
    cwd: layout.directory,
    ready: (signal) => answersOk(layout, '/readyz', signal),
  };
}

/** Namespaces go, owned objects are collected, service accounts and aggregated roles come; there are no pods to care for. */
const CONTROLLERS = [
  'namespace-controller',
  'garbage-collector-controller',
  'serviceaccount-controller',
  'root-ca-certificate-publisher-controller',
  'clusterrole-aggregation-controller',
  'validatingadmissionpolicy-status-controller',
];

export function controllerManagerSpec(program: string, layout: ClusterLayout): ServerSpec {
  const file = (name: string) => join(layout.directory, name);
  return {
    name: 'kube-controller-manager',
    command: [
      program,
      ...['--kubeconfig', file('controller-manager.kubeconfig'), '--controllers', CONTROLLERS.join(',')],
      ...['--leader-elect=false', '--secure-port', '0', '--use-service-account-credentials'],
      ...['--service-account-private-key-file', file('tokens.key'), '--root-ca-file', file('ca.crt')],
    ],
    cwd: layout.directory,
    // its work is the proof: it gives every namespace a service account
    ready: (signal) => answersOk(layout, '/api/v1/namespaces/default/serviceaccounts/default', signal),
  };
}

/** Writes a kubeconfig for a new user, known to the cluster by nothing but its certificate, and returns its path. */
export async function writeUser(directory: string, server: string, name: string, groups: readonly string[]): Promise<string> {
  const certificate = await readFile(join(directory, 'ca.crt'), 'utf8');
  const authority: Authority = authorityOf(certificate, createPrivateKey(await readFile(join(directory, 'ca.key'))), AUTHORITY);
  const users = join(directory, 'users');
  await mkdir(users, { recursive: true, mode: 0o700 });
  const path = join(users, `${encodeURIComponent([name, ...groups].join('+'))}.kubeconfig`);
  await writeFile(path, kubeconfig(server, certificate, name, issueUser(authority, name, groups)), { mode: 0o600 });
  return path;
}

/** A file for kubectl and other clients: in JSON, which is YAML too. */
export function kubeconfig(server: string, authority: string, user: string, credentials: Credentials): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'stack',
    clusters: [{ name: 'stack', cluster: { server, 'certificate-authority-data': base64(authority) } }],
    contexts: [{ name: 'stack', context: { cluster: 'stack', user } }],
    users: [{ name: user, user: { 'client-certificate-data': base64(credentials.certificate), 'client-key-data': base64(credentials.key) } }],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Whether the API server answers 200, asked as the administrator. */
export function answersOk(
  { server, certificate, admin }: Pick<ClusterLayout, 'server' | 'certificate' | 'admin'>,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const asked = request(`${server}${path}`, { ca: certificate, cert: admin.certificate, key: admin.key, signal, agent: false }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode === 200));
  });
  asked.on('error', reject).end();
  return promise;
}
