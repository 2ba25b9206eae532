import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { root } from '../scripts/processes.ts';
import type { Revision } from '../src/api/revision.ts';
import type { KubeObject } from '../src/controller/kube/api.ts';
import type { KubeClient } from '../src/controller/kube/client.ts';
import type { Stack } from '../test/stack/stack.ts';
import { apply, connectKube, createNamespace, eventually } from '../test/support/grue.ts';

/** The bundled program as a process, as in production. */
export interface GrueProcess {
  readonly pid: number;
  /** The sum of the samples of a metric that carry all of these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  stop(): Promise<void>;
}

/** A namespace on the stack, with the CRDs installed and a client that is not Grue's. */
export interface Scene extends AsyncDisposable {
  readonly namespace: string;
  readonly kube: KubeClient;
  /** @param kubeconfigPath how the process reaches the API server; the stack's own way when absent */
  start(command: 'operator' | 'worker', kubeconfigPath?: string): Promise<GrueProcess>;
  apply(kind: string, name: string, spec: unknown): Promise<void>;
}

const run = promisify(execFile);

export async function openScene(stack: Stack, title: string): Promise<Scene> {
  const { kubectl, kubeconfigPath } = stack.kubernetes;
  const crds = join(root, 'crds');
  await run(kubectl, ['--kubeconfig', kubeconfigPath, 'apply', '--server-side', '--force-conflicts', '-f', crds]);
  await run(kubectl, ['--kubeconfig', kubeconfigPath, 'wait', '--for=condition=Established', '--timeout=60s', '-f', crds]);
  const namespace = `${title}-${randomBytes(3).toString('hex')}`;
  const kube = connectKube(kubeconfigPath);
  await createNamespace(kube, namespace);
  const running: GrueProcess[] = [];
  return {
    namespace,
    kube,
    async start(command, config = kubeconfigPath) {
      const started = await startGrue(command, config, namespace, join(stack.directory, 'logs', namespace));
      running.push(started);
      return started;
    },
    apply: async (kind, name, spec) => void (await apply(kube, { apiVersion: 'grue.dev/v1alpha1', kind, metadata: { name, namespace }, spec } as KubeObject)),
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map(({ stop }) => stop()));
      kube.close();
    },
  };
}

async function startGrue(command: 'operator' | 'worker', kubeconfigPath: string, namespace: string, logDirectory: string): Promise<GrueProcess> {
  const port = await freePort();
  mkdirSync(logDirectory, { recursive: true });
  const log = openSync(join(logDirectory, `${command}-${port}.log`), 'a');
  const child = spawn(
    process.execPath,
    [
      // as the first line of the program has it
      '--max-semi-space-size=1',
      ...['--import', pathToFileURL(join(root, 'scripts/end-with-parent.js')).href, join(root, 'dist/grue.js'), command],
      ...['--kubeconfig', kubeconfigPath, '--namespace', namespace, '--listen', `127.0.0.1:${port}`],
      ...(command === 'operator' ? ['--lease-namespace', namespace, '--settle', '500ms'] : []),
    ],
    { stdio: ['ignore', log, log, 'ipc'] },
  );
  closeSync(log);
  child.channel?.unref();
  const url = `http://127.0.0.1:${port}`;
  await eventually(`the ${command} is ready`, async () => ((await fetch(`${url}/readyz`).catch(() => undefined))?.ok ? true : undefined), 60);
  return {
    pid: child.pid ?? 0,
    metric: async (name, labels = {}) => sumOf(await (await fetch(`${url}/metrics`)).text(), name, labels),
    stop: () => stopProcess(child),
  };
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(kill);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function sumOf(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return text
    .split('\n')
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && wanted.every((part) => line.includes(part)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Whether a Revision is what its resource's readers see. */
export const isLive = ({ status }: Revision): boolean => status?.role === 'live';
