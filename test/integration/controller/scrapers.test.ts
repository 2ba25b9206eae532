import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/controller/kube/client.ts';
import { admitScrapers } from '../../../src/controller/scrapers.ts';
import { stack } from '../../stack/for-tests.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { clientFor, freshNamespace } from './world.ts';

let api: KubeClient;
let namespace: string;
beforeAll(async () => {
  api = clientFor(stack().kubernetes.kubeconfigPath);
  namespace = await freshNamespace(api);
});
afterAll(() => api.close());

function kubectl(...args: readonly string[]): string {
  const { kubectl: program, kubeconfigPath } = stack().kubernetes;
  return execFileSync(program, ['--kubeconfig', kubeconfigPath, '-n', namespace, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
}

test('the real API server says who a scraper is and what it may', async () => {
  const right = `grue-test-${namespace}`;
  for (const account of ['scraper', 'stranger']) kubectl('create', 'serviceaccount', account);
  kubectl('create', 'clusterrole', right, '--verb=get', '--non-resource-url=/metrics');
  kubectl('create', 'clusterrolebinding', right, `--clusterrole=${right}`, `--serviceaccount=${namespace}:scraper`);
  const logger = recordingLogger();
  const admit = admitScrapers(api, 'grue-test', logger);
  const server = createServer(async (request, response) => {
    const refusal = await admit(request);
    response.writeHead(refusal?.status ?? 200).end(refusal?.message);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const ask = async (token: string) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    return `${answer.status} ${await answer.text()}`;
  };
  try {
    expect(await ask(kubectl('create', 'token', 'scraper'))).toBe('200 ');
    expect(await ask(kubectl('create', 'token', 'stranger'))).toBe(`403 system:serviceaccount:${namespace}:stranger may not get the non-resource URL /metrics`);
    expect(await ask('forged')).toBe('401 the bearer token is not known');
    expect(logger.lines).toEqual([]);
  } finally {
    server.close();
    kubectl('delete', 'clusterrole', right);
    kubectl('delete', 'clusterrolebinding', right);
  }
});
