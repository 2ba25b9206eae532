import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { processStart } from '../../scripts/lock.js';
import { StackError } from '../stack/errors.ts';
import { TEMPORARY } from '../stack/leftovers.ts';
import { cacheHome } from '../stack/paths.ts';
import type { Cluster } from './cluster.ts';
import { archiveOf } from './image/archive.ts';

/** Runs a program and gives what it prints. @throws Error with what it says */
export type Execute = (command: readonly string[]) => Promise<string>;

/** Programs that are not kind's, and how commands are run. */
export interface KindTools {
  readonly kubectl: string;
  readonly helm: string;
  readonly execute: Execute;
}

interface KindFacts {
  readonly name: string;
  readonly kubeconfig: string;
  readonly nodeAddress: string;
  readonly auditLog?: string;
}

const directoryOf = (name: string) => join(cacheHome(), 'clusters', `kind-${name}`);
const stateOf = (name: string) => join(directoryOf(name), 'kind.json');

/** What kind calls it: other clusters of this machine are left alone. */
const PREFIX = 'grue-';
const kindName = (name: string) => `${PREFIX}${name}`;

export async function startKind(name: string, audit: boolean, tools: KindTools): Promise<Cluster> {
  const { execute } = tools;
  await sweep(execute);
  const directory = directoryOf(name);
  if (existsSync(stateOf(name)))
    throw new StackError('STACK-STATE', `the cluster "${name}" is up already`, 'end it with `npm run cluster -- down`, or choose another --name');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(join(directory, 'policy.yaml'), JSON.stringify(POLICY));
  await writeFile(join(directory, 'config.yaml'), JSON.stringify(configuration(directory, audit)));
  // made by us, because what the API server makes it lets nobody else read
  if (audit) await writeFile(join(directory, 'audit.log'), '');
  const kubeconfig = join(directory, 'kubeconfig');
  const create = [
    'kind',
    'create',
    'cluster',
    '--name',
    kindName(name),
    '--kubeconfig',
    kubeconfig,
    '--config',
    join(directory, 'config.yaml'),
    '--wait',
    '180s',
  ];
  try {
    await execute(create);
    const nodeAddress = gateway(await execute(['docker', 'network', 'inspect', 'kind', '--format', '{{range .IPAM.Config}}{{.Gateway}} {{end}}']));
    const facts: KindFacts = { name, kubeconfig, nodeAddress, ...(audit && { auditLog: join(directory, 'audit.log') }) };
    await writeFile(stateOf(name), JSON.stringify(facts));
    return clusterOf(facts, tools);
  } catch (error) {
    await stopKind(name, execute);
    throw error;
  }
}

/** The cluster of this name as `startKind` noted it. */
export function findKind(name: string): ((tools: KindTools) => Cluster) | undefined {
  if (!existsSync(stateOf(name))) return undefined;
  const facts = JSON.parse(readFileSync(stateOf(name), 'utf8')) as KindFacts;
  return (tools) => clusterOf(facts, tools);
}

export async function stopKind(name: string, execute: Execute): Promise<void> {
  await execute(['kind', 'delete', 'cluster', '--name', kindName(name), '--kubeconfig', join(directoryOf(name), 'kubeconfig')]);
  await rm(directoryOf(name), { recursive: true, force: true });
}

function clusterOf(facts: KindFacts, { kubectl, helm, execute }: KindTools): Cluster {
  const stop = () => stopKind(facts.name, execute);
  return {
    ...facts,
    flavour: 'kind',
    kubectl,
    helm,
    loadImage: async (tag) => {
      await execute(['kind', 'load', 'image-archive', archiveOf(tag), '--name', kindName(facts.name)]);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A cluster of kind outlives a process that was killed; the next one that starts a cluster ends it. */
async function sweep(execute: Execute): Promise<void> {
  const names = (await execute(['kind', 'get', 'clusters'])).split('\n').filter((name) => name.startsWith(`${PREFIX}${TEMPORARY}`));
  for (const name of names) {
    const [pid] = name.slice(PREFIX.length + TEMPORARY.length).split('-');
    if (processStart(Number(pid)) === undefined) await stopKind(name.slice(PREFIX.length), execute);
  }
}

/** Of the two addresses that the network may have the one that servers here listen on. */
function gateway(printed: string): string {
  const found = printed.split(/\s+/).find((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address));
  if (found === undefined) throw new StackError('STACK-HOST', `Docker's network "kind" has no IPv4 gateway: ${printed.trim() || 'nothing'}`);
  return found;
}

const POLICY = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules: [{ level: 'Metadata' }] };

/** Where the directory of the cluster is in the node, and in the API server's pod. */
const MOUNTED = '/var/log/grue';

function configuration(directory: string, audit: boolean): unknown {
  const node = { role: 'control-plane', ...(audit && { extraMounts: [{ hostPath: directory, containerPath: MOUNTED }], kubeadmConfigPatches: [AUDIT_PATCH] }) };
  return { apiVersion: 'kind.x-k8s.io/v1alpha4', kind: 'Cluster', nodes: [node] };
}

const AUDIT_PATCH = JSON.stringify({
  kind: 'ClusterConfiguration',
  apiServer: {
    extraArgs: { 'audit-policy-file': `${MOUNTED}/policy.yaml`, 'audit-log-path': `${MOUNTED}/audit.log` },
    extraVolumes: [{ name: 'audit', hostPath: MOUNTED, mountPath: MOUNTED, readOnly: false, pathType: 'Directory' }],
  },
});
