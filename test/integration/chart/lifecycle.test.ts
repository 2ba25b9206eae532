import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiVersion } from '../../../src/api/common.ts';
import { examples } from '../../api/examples.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { chart, helm } from '../../support/helm.ts';

const run = promisify(execFile);
const namespace = 'flights';
const platform = { create: true, spec: examples.Platform };

let stack: Stack;
const directory = mkdtempSync(join(tmpdir(), 'chart-'));
// An API server of its own: a release owns the CRDs, which the tests beside this one use as well.
beforeAll(async () => {
  stack = await startStack({ only: ['kubernetes'] });
});
afterAll(async () => {
  await stack?.stop();
  rmSync(directory, { recursive: true });
});

const cluster = () => ({ kubeconfig: stack.kubernetes.kubeconfigPath });

async function kubectl(...args: readonly string[]): Promise<string> {
  const { kubectl: path, kubeconfigPath } = stack.kubernetes;
  return (await run(path, ['--kubeconfig', kubeconfigPath, ...args])).stdout;
}
const uids = async (): Promise<string> =>
  kubectl('get', 'grue', '-n', namespace, '-o', 'jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.uid}{"\\n"}{end}');
const column = () => kubectl('get', 'crd', 'streams.grue.dev', '-o', 'jsonpath={.spec.versions[0].additionalPrinterColumns[0].name}');
const write = (name: string, object: object): string => {
  const file = join(directory, `${name}.json`);
  writeFileSync(file, JSON.stringify(object));
  return file;
};

/** The chart with a CRD as another version of it may have had it. */
function otherVersion(change: (crd: string) => string): string {
  const copy = mkdtempSync(join(directory, 'version-'));
  cpSync(chart, copy, { recursive: true });
  const crd = join(copy, 'templates/crds/streams.yaml');
  writeFileSync(crd, change(readFileSync(crd, 'utf8')));
  return copy;
}

/** There are no nodes here: says for the Deployments that their pods are ready, which is what `--wait` waits for. */
async function sayAvailable(until: AbortSignal): Promise<void> {
  const conditions = [
    { type: 'Available', status: 'True' },
    { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
  ];
  const ready = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, conditions };
  while (!until.aborted) {
    for (const name of ['grue-operator', 'grue-worker']) {
      const patch = JSON.stringify({ status: ready });
      await kubectl('patch', 'deployment', name, '-n', namespace, '--subresource=status', '--type=merge', '-p', patch).catch(() => {});
    }
    await setTimeout(200);
  }
}

test('installed, upgraded, uninstalled and installed again: nothing that is live is harmed', async () => {
  const release = (verb: 'install' | 'upgrade', values: object, from = chart, ...flags: readonly string[]) =>
    helm([verb, 'grue', from, '--namespace', namespace, '--values', '-', ...flags], { ...cluster(), input: JSON.stringify({ platform, ...values }) });
  const uninstall = () => helm(['uninstall', 'grue', '--namespace', namespace], cluster());

  // Of a namespace that does not exist Helm says so; it is made only if that is asked for.
  await expect(release('install', {})).rejects.toThrow('namespaces "flights" not found');

  const older = otherVersion((crd) => crd.replace('- description: Append or Change.', '- description: Formerly.').replace('name: Type', 'name: Kind'));
  const installed = new AbortController();
  await Promise.all([
    release('install', {}, older, '--create-namespace', '--wait', '--timeout', '60s').finally(() => installed.abort()),
    sayAvailable(installed.signal),
  ]);
  expect(await column()).toBe('Kind');

  // What the operator has made meanwhile, under its own account, with the rights that the chart gives to it.
  await kubectl('apply', '-n', namespace, '-f', write('stream', { apiVersion, kind: 'Stream', metadata: { name: 'delays' }, spec: examples.Stream }));
  const revision = {
    apiVersion,
    kind: 'Revision',
    metadata: { name: 'stream-delays-1', namespace, finalizers: ['grue.dev/revision'] },
    spec: examples.Revision,
  };
  await kubectl('create', '--as', `system:serviceaccount:${namespace}:grue-operator`, '-f', write('revision', revision));
  const live = await uids();
  expect(
    live
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]),
  ).toEqual(['Platform/default', 'Revision/stream-delays-1', 'Stream/delays']);

  const notes = await release('upgrade', { operator: { replicas: 2 } });
  expect(notes).toContain('kubectl -n flights get gplat default');
  expect(await column()).toBe('Type');
  expect(await kubectl('get', 'deployment', 'grue-operator', '-n', namespace, '-o', 'jsonpath={.spec.replicas}')).toBe('2');
  expect(await uids()).toBe(live);

  // Another release cannot take the CRDs away from this one without being told to.
  await expect(helm(['install', 'other', chart, '--namespace', namespace], cluster())).rejects.toThrow(/CustomResourceDefinition .* cannot be imported/);

  const newer = otherVersion((crd) => crd.replace('crd-version: "1"', 'crd-version: "2"').replace('"version" 1', '"version" 2'));
  await release('upgrade', {}, newer);
  await expect(release('upgrade', {})).rejects.toThrow('the CRD streams.grue.dev in this cluster has version 2, this chart brings version 1');
  await release('upgrade', { crds: { install: false } });
  expect(await kubectl('get', 'crd', 'streams.grue.dev', '-o', 'jsonpath={.metadata.annotations.grue\\.dev/crd-version}')).toBe('2');
  expect(await uids()).toBe(live);

  const goodbye = await uninstall();
  expect(goodbye).toContain('[Platform] default');
  expect(await kubectl('get', 'deployments,services,roles,rolebindings', '-n', namespace, '-o', 'name')).toBe('');
  expect(await kubectl('get', 'clusterroles,clusterrolebindings,validatingadmissionpolicies', '-l', 'app.kubernetes.io/part-of=grue', '-o', 'name')).toBe('');
  expect(await uids()).toBe(live);

  await release('install', {}, newer);
  expect(await uids()).toBe(live);
  await uninstall();

  // The last resort of the README, for a namespace that is to go and has no operator any more.
  await kubectl('delete', 'namespace', namespace, '--wait=false');
  await kubectl('patch', 'grev', 'stream-delays-1', '-n', namespace, '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
  await kubectl('wait', '--for=delete', `namespace/${namespace}`, '--timeout=60s');
});
