import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { find } from '../../../src/controller/kube/find.ts';
import { leaseType } from '../../../src/controller/lease.ts';
import { namespaces } from '../../../src/reconcilers/namespace.ts';
import { stack } from '../../stack/for-tests.ts';
import { connectKube, createNamespace, startProcess, stopProcess } from '../../support/grue.ts';
import { conditionBecomes } from '../bad-input/conditions.ts';
import { becomes, openTopology, type Topology } from './topology.ts';

/** The namespace controller looks again after a while of its own choosing when something is left at its first look. */
const withinSeconds = 40;

let topology: Topology | undefined;
afterEach(async () => {
  await topology?.[Symbol.asyncDispose]();
  topology = undefined;
});

/** The operator keeps its Lease elsewhere: it lives in a namespace of its own, as in a cluster-wide installation. */
async function open(title: string): Promise<Topology> {
  const leaseNamespace = `leases-${randomBytes(3).toString('hex')}`;
  const kube = connectKube(stack().kubernetes.kubeconfigPath);
  await createNamespace(kube, leaseNamespace);
  kube.close();
  topology = await openTopology(title, { leaseNamespace });
  await topology.apply(1);
  await topology.shows(1);
  return topology;
}

async function deleteNamespace(deleted: Topology): Promise<void> {
  await askForDeletion(deleted);
  await isGone(deleted);
}

async function askForDeletion({ scene: { grue, namespace } }: Topology): Promise<void> {
  const { metadata } = await grue.kube.get(namespaces, { name: namespace });
  await grue.kube.delete(namespaces, { name: namespace }, { uid: metadata.uid ?? '' });
}

async function isGone({ scene: { grue, namespace } }: Topology): Promise<void> {
  await becomes(
    `namespace ${namespace} to be gone`,
    () => find<KubeObject>(grue.kube, namespaces, { name: namespace }),
    (found) => found === undefined,
    withinSeconds,
  );
}

test('a namespace goes in seconds with all that is in it, a migration under way included, and its data stays', async () => {
  const { scene, apply, physical, audit, shows } = await open('leaving');
  await apply(2);
  await scene.migrate('under-way', ['Pipeline/priced'], { manual: ['Flip'] });
  await scene.inPhase('under-way', 'AwaitingApproval');
  const before = await physical();
  expect(before.indices).toHaveLength(2);
  await deleteNamespace(topology as Topology);
  expect(await physical()).toEqual(before);
  expect(await audit()).toEqual([]);
  await shows(1);
});

test('a namespace that is there again with the same resources takes up what it has left, and makes nothing beside it', async () => {
  const { scene, applyRoot, apply, physical, produce, shows } = await open('returning');
  const before = await physical();
  await deleteNamespace(topology as Topology);
  await produce(20);
  await createNamespace(scene.grue.kube, scene.namespace);
  await applyRoot();
  await apply(1);
  await shows(1);
  await conditionBecomes(scene, 'Pipeline', 'priced', 'Synced', 'True');
  expect(await physical()).toEqual(before);
});

test('a namespace goes in seconds also when its servers are gone', async () => {
  const { scene, physical, shows } = await open('deserted');
  await scene.apply({
    kind: 'Platform',
    name: 'default',
    spec: { kafka: { bootstrapServers: ['127.0.0.1:1'] }, elasticsearch: { url: 'http://127.0.0.1:1' } },
  });
  await conditionBecomes(scene, 'Platform', 'default', 'Ready', 'False', 'GRUE-PLT-002');
  const before = await physical();
  await deleteNamespace(topology as Topology);
  expect(await physical()).toEqual(before);
  await shows(1);
});

describe('a namespace in which the Lease of its operator lies, as in an installation of one namespace,', () => {
  async function openOwn(title: string): Promise<Topology> {
    topology = await openTopology(title);
    await topology.apply(1);
    await topology.shows(1);
    await topology.apply(2);
    await topology.scene.migrate('under-way', ['Pipeline/priced'], { manual: ['Flip'] });
    await topology.scene.inPhase('under-way', 'AwaitingApproval');
    return topology;
  }

  test('goes in seconds, and its data stays', async () => {
    const own = await openOwn('own');
    const before = await own.physical();
    await deleteNamespace(own);
    expect(await own.physical()).toEqual(before);
  });

  test('goes also when its operator comes too late to lead: no Lease can be made there any more', async () => {
    const own = await openOwn('late');
    const { grue, namespace } = own.scene;
    const before = await own.physical();
    await stopProcess(grue.operator);
    await askForDeletion(own);
    await becomes(
      'the Lease to be gone',
      () => find<KubeObject>(grue.kube, leaseType, { namespace, name: 'grue-operator' }),
      (found) => found === undefined,
      withinSeconds,
    );
    const args = ['--kubeconfig', stack().kubernetes.kubeconfigPath, '--namespace', namespace, '--lease-namespace', namespace];
    const late = startProcess('operator', args, join(stack().directory, 'logs', namespace, 'late.log'));
    try {
      await isGone(own);
    } finally {
      await stopProcess(late);
    }
    expect(await own.physical()).toEqual(before);
  });
});
