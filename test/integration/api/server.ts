import { execFile } from 'node:child_process';
import https from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { stack } from '../../stack/for-tests.ts';

const run = promisify(execFile);

/** kubectl against the API server of the stack. @returns what it prints; a refusal is an error that holds what it said */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const { kubectl: path, kubeconfigPath } = stack().kubernetes;
  const { stdout } = await run(path, ['--kubeconfig', kubeconfigPath, ...args], { maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}

/** Installs the committed CRDs, or brings them up to date, and waits until their kinds are served. Safe to call from several files at once. */
export async function installCrds(): Promise<void> {
  const directory = join(import.meta.dirname, '../../../crds');
  await kubectl('apply', '--server-side', '--force-conflicts', '-f', directory);
  await kubectl('wait', '--for=condition=Established', '--timeout=60s', '-f', directory);
}

export interface Answer {
  readonly code: number;
  readonly body: unknown;
}

const agent = new https.Agent({ keepAlive: true });

/** One request as it is, without any client's help: what the server says to it is what the tests want to know. */
export async function ask(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  value?: unknown,
  contentType = 'application/json',
): Promise<Answer> {
  const config = new KubeConfig();
  config.loadFromFile(stack().kubernetes.kubeconfigPath);
  const options: https.RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const server = new URL(config.getCurrentCluster()?.server ?? '');
  return new Promise((resolve, reject) => {
    const request = https.request(
      { ...options, agent, method, host: server.hostname, port: server.port, path, headers: { ...options.headers, 'content-type': contentType } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) }));
      },
    );
    request.on('error', reject);
    request.end(value === undefined ? undefined : JSON.stringify(value));
  });
}

/** A new namespace of its own for a test file, so that files can run beside each other. */
export async function makeNamespace(): Promise<string> {
  const { body } = await ask('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'api-' } });
  return (body as { metadata: { name: string } }).metadata.name;
}

export async function removeNamespace(name: string): Promise<void> {
  await ask('DELETE', `/api/v1/namespaces/${name}`);
}
