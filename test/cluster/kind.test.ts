import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findKind, type KindTools, startKind } from './kind.ts';

let home: string;
let commands: string[];
let clusters: string[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'grue-kind-test-'));
  vi.stubEnv('XDG_CACHE_HOME', home);
  commands = [];
  clusters = [];
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const directory = (name: string) => join(home, 'grue/clusters', `kind-${name}`);

/** Answers as kind and docker would; the commands are noted with the test's own directory left out. */
function tools(answers: Readonly<Record<string, string | Error>> = {}): KindTools {
  return {
    kubectl: '/bin/kubectl',
    helm: '/bin/helm',
    execute: async (command) => {
      const line = command.join(' ').replaceAll(home, 'HOME');
      commands.push(line);
      if (line === 'kind get clusters') return clusters.join('\n');
      const answer = Object.entries(answers).find(([start]) => line.startsWith(start))?.[1] ?? '';
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

const NETWORK = { 'docker network inspect kind': 'fc00:f853:ccd:e793::1 172.18.0.1 \n' };

test('a cluster of kind is made with a kubeconfig of its own, and pods reach the host by the IPv4 gateway of its network', async () => {
  const cluster = await startKind('mine', false, tools(NETWORK));
  expect(commands).toEqual([
    'kind get clusters',
    'kind create cluster --name grue-mine --kubeconfig HOME/grue/clusters/kind-mine/kubeconfig --config HOME/grue/clusters/kind-mine/config.yaml --wait 180s',
    'docker network inspect kind --format {{range .IPAM.Config}}{{.Gateway}} {{end}}',
  ]);
  expect(cluster).toMatchObject({ flavour: 'kind', nodeAddress: '172.18.0.1', kubectl: '/bin/kubectl', helm: '/bin/helm' });
  expect(cluster.auditLog).toBeUndefined();
  expect(JSON.parse(readFileSync(join(directory('mine'), 'config.yaml'), 'utf8')).nodes).toEqual([{ role: 'control-plane' }]);
});

test('with audit the API server writes into the directory of the cluster', async () => {
  const cluster = await startKind('mine', true, tools(NETWORK));
  expect(cluster.auditLog).toBe(join(directory('mine'), 'audit.log'));
  const [node] = JSON.parse(readFileSync(join(directory('mine'), 'config.yaml'), 'utf8')).nodes;
  expect(node.extraMounts).toEqual([{ hostPath: directory('mine'), containerPath: '/var/log/grue' }]);
  expect(JSON.parse(node.kubeadmConfigPatches[0]).apiServer.extraArgs['audit-log-path']).toBe('/var/log/grue/audit.log');
  expect(readdirSync(directory('mine'))).toEqual(expect.arrayContaining(['policy.yaml', 'audit.log']));
});

test('an image is loaded from its archive, and stopping deletes the cluster and forgets it', async () => {
  const cluster = await startKind('mine', false, tools(NETWORK));
  commands = [];
  await cluster.loadImage('grue:abc');
  await cluster.stop();
  expect(commands).toEqual([
    'kind load image-archive HOME/grue/images/grue_abc.tar --name grue-mine',
    'kind delete cluster --name grue-mine --kubeconfig HOME/grue/clusters/kind-mine/kubeconfig',
  ]);
  expect(findKind('mine')).toBeUndefined();
});

test('another process finds the cluster by its name, and a second one of that name is refused', async () => {
  const { nodeAddress, kubeconfig } = await startKind('mine', false, tools(NETWORK));
  expect(findKind('mine')?.(tools())).toMatchObject({ nodeAddress, kubeconfig, flavour: 'kind' });
  expect(findKind('other')).toBeUndefined();
  await expect(startKind('mine', false, tools(NETWORK))).rejects.toThrow('STACK-STATE: the cluster "mine" is up already');
});

test('what a killed process left is deleted by the next start; clusters of living processes and of others stay', async () => {
  clusters = ['kind', 'grue-temporary-4194999-abc', `grue-temporary-${process.pid}-def`, 'grue-default'];
  mkdirSync(directory('temporary-4194999-abc'), { recursive: true });
  await startKind('mine', false, tools(NETWORK));
  expect(commands.filter((line) => line.includes('delete'))).toEqual([
    'kind delete cluster --name grue-temporary-4194999-abc --kubeconfig HOME/grue/clusters/kind-temporary-4194999-abc/kubeconfig',
  ]);
});

test('when it cannot be created nothing of it stays', async () => {
  await expect(startKind('mine', false, tools({ 'kind create': new Error('no room') }))).rejects.toThrow('no room');
  expect(commands.at(-1)).toMatch(/^kind delete cluster --name grue-mine /);
  expect(readdirSync(join(home, 'grue/clusters'))).toEqual([]);
});
