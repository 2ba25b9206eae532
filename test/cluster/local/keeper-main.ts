import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../stack/commands.ts';
import { type Keeper, keep } from '../../stack/keeper.ts';
import { noted } from '../../stack/leftovers.ts';
import { requireAll } from '../../stack/needs.ts';
import { binaryNeeds, IMAGES, nodeBinaries } from './binaries.ts';
import { containerTools, environmentOf, localNeeds } from './debian.ts';
import { importImage } from './images.ts';
import { DNS_ADDRESS, layOutNode } from './layout.ts';
import { clearNode, firstProcess, initSpec, layWire, makeControlGroups, noteNamespace } from './namespaces.ts';
import type { LocalFacts, LocalOptions } from './protocol.ts';
import { apiServerSpec, containerdSpec, controllerManagerSpec, etcdSpec, kubeletSpec, type Node, proxySpec, schedulerSpec } from './servers.ts';

/** The keeper's own process: one argument, LocalOptions as JSON. */
const options = JSON.parse(process.argv[2] ?? '') as LocalOptions;

await keep(options.name, options.directory, bringUp, clearNode);

async function bringUp(keeper: Keeper): Promise<LocalFacts> {
  requireAll([...localNeeds, ...binaryNeeds()]);
  const { directory, progress, signal } = keeper;
  const binaries = await nodeBinaries(progress, signal);
  const debian = await containerTools({ progress, signal });
  const env = environmentOf(debian);
  const began = Date.now();
  const tell = (what: string) => progress(`${what} after ${((Date.now() - began) / 1000).toFixed(1)} s`);

  makeControlGroups(directory);
  await keeper.start(initSpec(join(debian, 'usr/bin/tini'), directory));
  const init = await firstProcess(noted(directory).find(({ name }) => name === 'node')?.pid ?? 0, signal);
  noteNamespace(directory, init);
  const wire = await layWire(init, directory, env);
  const layout = await layOutNode(directory, wire, join(debian, 'usr/lib/cni'), options.audit);
  const node: Node = { binaries, layout, init, env };

  await keeper.start(etcdSpec(node));
  await Promise.all([keeper.start(apiServerSpec(node)), keeper.start(containerdSpec(node)).then(() => importAll(node, keeper))]);
  tell('kube-apiserver: ready');
  await Promise.all([controllerManagerSpec, schedulerSpec, kubeletSpec, proxySpec].map((spec) => keeper.start(spec(node))));
  await applyDns(node, keeper);
  tell('node, service addresses and DNS: ready');
  const { kubeconfigPath, auditLog } = layout;
  return { init, env, kubeconfig: kubeconfigPath, nodeAddress: wire.host, kubectl: binaries.kubectl, helm: binaries.helm, ...(auditLog && { auditLog }) };
}

async function importAll({ binaries, init, env, layout }: Node, { signal }: Keeper): Promise<void> {
  for (const archive of binaries.images) await importImage({ init, env, directory: layout.directory }, archive, signal);
}

/** A pod that is ready shows that the scheduler, the kubelet, the network and kube-proxy work: it asks the API server by its service address. */
async function applyDns({ binaries, layout }: Node, { directory, signal }: Keeper): Promise<void> {
  const template = await readFile(join(import.meta.dirname, 'dns.yaml'), 'utf8');
  await writeFile(join(directory, 'dns.yaml'), template.replace('@IMAGE@', IMAGES.coredns).replace('@ADDRESS@', DNS_ADDRESS));
  const kubectl = (...args: readonly string[]) =>
    run([binaries.kubectl, '--kubeconfig', layout.kubeconfigPath, ...args], { cwd: directory, signal, log: join(directory, 'logs/dns.log') });
  await kubectl('apply', '-f', join(directory, 'dns.yaml'));
  await kubectl('rollout', 'status', '--namespace', 'kube-system', 'deployment/coredns', '--timeout', '120s');
}
