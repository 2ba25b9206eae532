import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { kinds } from '../../src/api/kinds.ts';
import type { StreamMigration } from '../../src/api/stream-migration.ts';
import { systemClock } from '../../src/controller/clock.ts';
import type { KubeObject } from '../../src/controller/kube/api.ts';
import { type KubeClient, kubeClient } from '../../src/controller/kube/client.ts';
import { loadKubeConfig } from '../../src/controller/kube/config.ts';
import { find as findObject } from '../../src/controller/kube/find.ts';
import { runtimeMetrics } from '../../src/controller/metrics.ts';
import { namespaces } from '../../src/reconcilers/namespace.ts';

const root = join(import.meta.dirname, '../..');

export interface GrueOptions {
  readonly kubeconfigPath: string;
  readonly namespace: string;
  /** Where the logs of the processes go. */
  readonly logDirectory: string;
  readonly workers?: number;
  /** How long resources must be unchanged before planning; tests do not wait as long as people do. */
  readonly settle?: string;
  /** How long a deletion that cannot be carried out holds its object. */
  readonly letGo?: string;
  /** Where the Lease lies; by default in the namespace that is watched. */
  readonly leaseNamespace?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** They stay when this process ends. */
  readonly lasting?: boolean;
}

/** An operator and workers as processes of their own, as in production, on the API server of a stack. */
export interface Grue extends AsyncDisposable {
  readonly kube: KubeClient;
  readonly operator: ChildProcess;
  readonly workers: readonly ChildProcess[];
  stop(): Promise<void>;
}

export function connectKube(kubeconfigPath: string): KubeClient {
  return kubeClient({ config: loadKubeConfig(kubeconfigPath), clock: systemClock, metrics: runtimeMetrics(), userAgent: 'grue-test' });
}

/**
 * Starts one process of ours; its log goes to a file. It ends with this process, however that ends, unless it is `lasting`. It is in a group of
 * its own: a Ctrl-C at the terminal is for us to pass on.
 */
export function startProcess(
  command: 'operator' | 'worker',
  args: readonly string[],
  logFile: string,
  { env = {}, lasting = false }: { readonly env?: Readonly<Record<string, string>> | undefined; readonly lasting?: boolean } = {},
): ChildProcess {
  const log = openSync(logFile, 'a');
  const endWithParent = lasting ? [] : ['--import', pathToFileURL(join(root, 'scripts/end-with-parent.js')).href];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...endWithParent, join(root, 'src/main.ts'), command, ...args], {
    stdio: ['ignore', log, log, lasting ? 'ignore' : 'ipc'],
    env: { ...process.env, ...env },
    detached: true,
  });
  closeSync(log);
  child.channel?.unref();
  return child;
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await gone;
  clearTimeout(kill);
}

export async function startGrue(options: GrueOptions): Promise<Grue> {
  const { kubeconfigPath, namespace, logDirectory, workers = 1, settle = '500ms', letGo = '10m', leaseNamespace = namespace, env, lasting = false } = options;
  mkdirSync(logDirectory, { recursive: true });
  const kube = connectKube(kubeconfigPath);
  const shared = ['--kubeconfig', kubeconfigPath, '--namespace', namespace];
  const operator = startProcess(
    'operator',
    [...shared, '--lease-namespace', leaseNamespace, '--settle', settle, '--let-go', letGo],
    join(logDirectory, 'operator.log'),
    {
      env,
      lasting,
    },
  );
  const workerProcesses = Array.from({ length: workers }, (_, index) =>
    startProcess('worker', shared, join(logDirectory, `worker-${index + 1}.log`), { env, lasting }),
  );
  const stop = async (): Promise<void> => {
    await Promise.all([operator, ...workerProcesses].map(stopProcess));
    kube.close();
  };
  return { kube, operator, workers: workerProcesses, stop, [Symbol.asyncDispose]: stop };
}

export async function createNamespace(kube: KubeClient, name: string): Promise<void> {
  await kube.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { fieldManager: 'test' });
}

/** Creates or edits an object of ours, as `kubectl apply --server-side` does. */
export async function apply(kube: KubeClient, object: KubeObject): Promise<KubeObject> {
  const type = kinds[object.kind as keyof typeof kinds];
  return kube.apply(type, object, { fieldManager: 'test', force: true });
}

export const find = <T extends KubeObject>(kube: KubeClient, kind: keyof typeof kinds, namespace: string, name: string): Promise<T | undefined> =>
  findObject<T>(kube, kinds[kind], { namespace, name });

/** Waits until `check` gives something. @throws Error that says what was waited for, and what was seen last */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined>,
  seconds = 60,
  seen: () => Promise<unknown> = async () => '',
): Promise<T> {
  const end = performance.now() + seconds * 1_000;
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}; last seen: ${JSON.stringify(await seen())}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until a migration is in one of the phases. */
export async function phase(kube: KubeClient, namespace: string, name: string, wanted: readonly string[], seconds = 90): Promise<StreamMigration> {
  return eventually(
    `migration ${name} in ${wanted.join(' or ')}`,
    async () => {
      const found = await find<StreamMigration>(kube, 'StreamMigration', namespace, name);
      return found?.status?.phase !== undefined && wanted.includes(found.status.phase) ? found : undefined;
    },
    seconds,
    async () => (await find<StreamMigration>(kube, 'StreamMigration', namespace, name))?.status,
  );
}
