import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import type { Progress } from '../stack/commands.ts';
import { freePorts } from '../stack/ports.ts';
import { end, launch, type RunningServer, type ServerSpec, untilReady } from '../stack/server.ts';
import { findArgoCd } from './argo-cd-binaries.ts';
import { installArgoCd, kubeconfigOf, type Place } from './argo-cd-install.ts';

export interface ArgoCdOptions extends Place {
  /** The path of Helm, where charts are to be applied. */
  readonly helm?: string;
  readonly progress?: Progress;
  readonly signal: AbortSignal;
}

/** Argo CD, unmodified, beside a cluster: its servers are processes of this machine and act as the accounts that its installation makes. */
export interface ArgoCd extends AsyncDisposable {
  /** Runs its command line. @returns what it writes @throws Error with what it said, when it fails */
  run(...args: readonly string[]): Promise<string>;
  /** What it makes of an object by the settings that it is given, without the object being anywhere. */
  judge(object: object): Promise<{ readonly status: string; readonly message: string }>;
  /** Asks its API. */
  get<T>(path: string): Promise<T>;
}

/** What people are told to put into `argocd-cm`. */
const customisations = join(import.meta.dirname, '../../charts/grue/argo-cd/argocd-cm.yaml');

/** It looks often. Both ways of marking what it manages, so that both can be seen not to spread. */
const settings = {
  'timeout.reconciliation': '10s',
  'timeout.reconciliation.jitter': '0s',
  'application.resourceTrackingMethod': 'annotation+label',
};

/** @throws StackError when one of its servers does not start; nothing is left running then, and nothing when this process is gone */
export async function startArgoCd({ helm, progress = () => {}, signal, ...place }: ArgoCdOptions): Promise<ArgoCd> {
  const { argocd, redis, manifests } = await findArgoCd(progress, signal);
  const { directory } = place;
  await Promise.all(['tls', 'ssh', 'gpg', 'tmp', 'home'].map((name) => mkdir(join(directory, name), { recursive: true })));
  const ours = parse(await readFile(customisations, 'utf8')) as { readonly data: object };
  await installArgoCd(place, manifests, [JSON.stringify(ours), JSON.stringify({ data: settings })]);
  const controllerConfig = await kubeconfigOf(place, 'argocd-application-controller');
  const serverConfig = await kubeconfigOf(place, 'argocd-server');

  await using starting = new AsyncDisposableStack();
  const [http, redisPort, repo, metrics1, metrics2, metrics3] = (await freePorts(6)).map(String);
  const start = async (spec: Omit<ServerSpec, 'cwd'>): Promise<void> => {
    const server: RunningServer = await launch({ ...spec, cwd: directory }, directory);
    starting.defer(() => end(server, directory, 'SIGTERM'));
    await untilReady(server, directory, signal);
  };
  const part = (name: string, kubeconfig: string, args: readonly string[], ready: string) =>
    start({
      name,
      command: [argocd, ...args],
      env: {
        ARGOCD_BINARY_NAME: name,
        KUBECONFIG: kubeconfig,
        ARGOCD_FAKE_IN_CLUSTER: 'true', // the cluster that it manages is that of its kubeconfig
        ARGOCD_GPG_ENABLED: 'false',
        ARGOCD_TLS_DATA_PATH: join(directory, 'tls'),
        ARGOCD_SSH_DATA_PATH: join(directory, 'ssh'),
        ARGOCD_GNUPGHOME: join(directory, 'gpg'),
        TMPDIR: join(directory, 'tmp'),
        HOME: join(directory, 'home'),
        ...(helm === undefined ? {} : { PATH: `${dirname(helm)}:${process.env['PATH']}` }),
      },
      ready: async (probe) => (await fetch(ready, { signal: probe })).ok,
    });
  const listen = '127.0.0.1';
  const shared = ['--redis', `${listen}:${redisPort}`];
  const behind = [...shared, '--repo-server', `${listen}:${repo}`, '--repo-server-plaintext', '--namespace', 'argocd'];
  await start({ name: 'redis', command: [redis, `${listen}:${redisPort}`], ready: async () => true });
  await Promise.all([
    part(
      'argocd-repo-server',
      '/dev/null',
      [
        ...shared,
        '--address',
        listen,
        '--port',
        `${repo}`,
        '--metrics-address',
        listen,
        '--metrics-port',
        `${metrics1}`,
        '--disable-tls',
        '--revision-cache-expiration',
        '5s',
      ],
      `http://${listen}:${metrics1}/healthz`,
    ),
    part(
      'argocd-application-controller',
      controllerConfig,
      [...behind, '--metrics-port', `${metrics2}`, '--app-resync', '10', '--app-resync-jitter', '0'],
      `http://${listen}:${metrics2}/healthz`,
    ),
    part(
      'argocd-server',
      serverConfig,
      [...behind, '--insecure', '--disable-auth', '--address', listen, '--port', `${http}`, '--metrics-port', `${metrics3}`],
      `http://${listen}:${http}/healthz`,
    ),
  ]);
  const base = `${listen}:${http}`;
  const judged = join(directory, 'judged.yaml');
  const settingsFile = join(directory, 'argocd-cm.yaml');
  const metadata = { name: 'argocd-cm', namespace: 'argocd', labels: { 'app.kubernetes.io/part-of': 'argocd' } };
  await writeFile(settingsFile, JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, ...ours }));
  const all = starting.move();
  const env = { ...process.env, HOME: join(directory, 'home') };
  const program = async (...args: readonly string[]) => (await promisify(execFile)(argocd, args, { env, signal, maxBuffer: 16 << 20 })).stdout;
  return {
    run: (...args) => program('--server', base, '--plaintext', ...args),
    async judge(object) {
      await writeFile(judged, JSON.stringify(object));
      const said = await program('admin', 'settings', 'resource-overrides', 'health', judged, '--argocd-cm-path', settingsFile);
      const [, status = '', message = ''] = /^STATUS: (.*)\nMESSAGE: (.*)$/m.exec(said) ?? [];
      return { status, message };
    },
    async get(path) {
      const answer = await fetch(`http://${base}/api/v1/${path}`, { signal });
      if (!answer.ok) throw new Error(`Argo CD answers ${answer.status} to ${path}: ${await answer.text()}`);
      return (await answer.json()) as never;
    },
    async [Symbol.asyncDispose]() {
      await all.disposeAsync();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
