import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Kind, kinds } from '../../../src/api/kinds.ts';
import type { Platform } from '../../../src/api/platform.ts';
import type { Revision } from '../../../src/api/revision.ts';
import type { LogicalStatus } from '../../../src/api/stream.ts';
import { orphansText, takeOver } from '../../../src/cli/platforms.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { isKubeError } from '../../../src/controller/kube/errors.ts';
import { stack } from '../../stack/for-tests.ts';
import { apply, eventually, startProcess, stopProcess } from '../../support/grue.ts';
import { keepOn, type Traffic } from '../../support/workload/traffic.ts';
import { patienceSeconds, type Row, type Written } from '../../support/workspace.ts';
import { startReaders } from '../migration/readers.ts';
import { contentBecomes, openScene, platform, type Scene } from '../migration/scene.ts';

let scene: Scene;
let traffic: Traffic;
let readers: ReturnType<typeof startReaders>;
let factor = 1;
const orders: Row[] = [];
const started: ChildProcess[] = [];

const schema = { fields: ['id', 'amount'].map((name) => ({ name, type: 'BIGINT' })) };
/** A prefix of its own: its claim changes hands here. */
const prefix = (): string => scene.namespace;
const root = (): string => `${scene.namespace}-orders`;
const alias = (): string => `${scene.namespace}-priced`;
const pipeline = (): Written => ({ kind: 'Pipeline', name: 'priced', spec: { sql: `INSERT INTO priced SELECT id, amount * ${factor} AS amount FROM orders` } });
const topology = (): readonly Written[] => [
  { ...platform(), spec: { ...(platform().spec as object), prefix: prefix() } },
  { kind: 'Stream', name: 'orders', spec: { type: 'Append', external: { topic: root() }, schema } },
  pipeline(),
  { kind: 'Stream', name: 'priced', spec: { type: 'Append', partitions: 2, schema } },
  {
    kind: 'Connection',
    name: 'priced',
    spec: { type: 'Sink', connector: 'elasticsearch', stream: 'priced', destination: { alias: alias(), settings: { number_of_replicas: 0 } } },
  },
];

async function produce(count: number): Promise<void> {
  const made = Array.from({ length: count }, (_, i) => ({ id: orders.length + i, amount: (orders.length + i) % 50 }));
  await scene.produce(
    root(),
    made.map((order) => ({ value: JSON.stringify(order) })),
  );
  orders.push(...made);
}

const shown = () =>
  contentBecomes(
    scene,
    alias(),
    orders.map(({ id, amount }) => ({ id, amount: Number(amount) * factor })),
  );

/** Takes all objects of a kind away without asking anybody, as a lost etcd does. */
async function lose(kind: Kind): Promise<void> {
  const { kube } = scene.grue;
  for (const { metadata } of (await kube.list(kinds[kind], { namespace: scene.namespace })).items) {
    const ref = { namespace: scene.namespace, name: metadata.name };
    await kube.mergePatch(kinds[kind], ref, { metadata: { finalizers: null } }, { fieldManager: 'test' });
    await scene.remove(kind, metadata.name);
  }
}

/** What the live Revisions are, and what they stand for. */
async function identities(): Promise<unknown> {
  const live = (await scene.revisions()).filter(({ status }) => status?.role === 'live' && status.state === 'Running' && status.uuids !== undefined);
  return Object.fromEntries(live.map(({ metadata, spec, status }) => [metadata.name, { spec, uuids: status?.uuids }]));
}

/** The four live Revisions, once all have been told that they are. */
async function liveWith(sink: string): Promise<unknown> {
  return eventually(
    `${sink} is live, with all that feeds it`,
    async () => {
      const found = (await identities()) as object;
      return sink in found && Object.keys(found).length === 4 ? found : undefined;
    },
    patienceSeconds,
    identities,
  );
}

async function becomesAgain(before: unknown): Promise<void> {
  await eventually(
    'the same Revisions are live again',
    async () => (JSON.stringify(sorted(await identities())) === JSON.stringify(sorted(before)) ? true : undefined),
    patienceSeconds,
    async () => (await scene.revisions()).map(({ metadata, status }) => [metadata.name, status]),
  );
}

const sorted = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, part]) => [key, sorted(part)]),
      )
    : value;

const condition = async (kind: 'Connection' | 'Pipeline', type: string): Promise<string> => {
  const found = (await scene.object<KubeObject & { readonly status?: LogicalStatus }>(kind, 'priced'))?.status?.conditions?.find((one) => one.type === type);
  return found ? `${found.reason}: ${found.message}` : 'none';
};
const ready = async (): Promise<string> =>
  (await scene.object<Platform & KubeObject>('Platform', 'default'))?.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? 'none';

const says = (what: string, look: () => Promise<string>, part: string): Promise<unknown> =>
  eventually(what, async () => ((await look()).includes(part) ? true : undefined), patienceSeconds, look);

function start(command: 'operator' | 'worker', ...more: readonly string[]): ChildProcess {
  const args = ['--kubeconfig', stack().kubernetes.kubeconfigPath, '--namespace', scene.namespace, ...more];
  const child = startProcess(command, args, join(stack().directory, 'logs', scene.namespace, `${command}-${started.length + 2}.log`));
  started.push(child);
  return child;
}

beforeAll(async () => {
  scene = await openScene('recovery', { workers: 1 });
  await scene.createTopic(root(), 3);
  await produce(3_000);
  await scene.apply(...topology());
  await shown();
  traffic = keepOn(300, () => produce(3));
  readers = startReaders(scene, [alias()], undefined, 1);
});
afterAll(async () => {
  await traffic?.pause();
  await readers?.stop();
  await Promise.all(started.map(stopProcess));
  await scene?.[Symbol.asyncDispose]();
});

test('all Revisions are lost while everything runs: the same ones go on, and readers and records notice nothing', async () => {
  const before = await liveWith('connection-priced-1');
  await lose('Revision');
  await becomesAgain(before);
  await traffic.pause();
  await shown();
  traffic.resume();
});

test('all Revisions are deleted by hand: the same', async () => {
  const before = await liveWith('connection-priced-1');
  for (const { metadata } of await scene.revisions()) await scene.remove('Revision', metadata.name);
  await eventually(
    'none is being deleted',
    async () => ((await scene.revisions()).every(({ metadata }) => metadata.deletionTimestamp === undefined) ? true : undefined),
    patienceSeconds,
  );
  await becomesAgain(before);
  await traffic.pause();
  await shown();
  traffic.resume();
});

test('objects of an old backup, without their statuses, while readers are on a newer index: what they use is live', async () => {
  const backup = await scene.revisions();
  factor = 3;
  await scene.apply(pipeline());
  await scene.migrate('triple', ['Pipeline/priced'], { soak: '1h' });
  await scene.inPhase('triple', 'Soaking');
  const before = await liveWith('connection-priced-2');
  await lose('StreamMigration');
  await lose('Revision');
  for (const { metadata, spec } of backup) {
    const { name, labels, finalizers } = metadata;
    const object = { apiVersion: 'grue.dev/v1alpha1', kind: 'Revision', metadata: { name, namespace: scene.namespace, labels, finalizers }, spec };
    // What the operator has made again meanwhile is left alone, as tools that restore a backup do.
    await scene.grue.kube.create(kinds.Revision, object as unknown as Revision & KubeObject, { fieldManager: 'restore' }).catch((error: unknown) => {
      if (!isKubeError(error, 'AlreadyExists')) throw error;
    });
  }
  await becomesAgain(before);
  await traffic.pause();
  await shown();
  traffic.resume();
});

test('an empty cluster with Git on full servers does nothing until it takes over, and then goes on with what is live', async () => {
  const before = await liveWith('connection-priced-2');
  await traffic.pause();
  await shown();
  await Promise.all([scene.grue.operator, ...scene.grue.workers].map(stopProcess));
  for (const kind of Object.keys(kinds) as Kind[]) await lose(kind);
  start('operator', '--lease-namespace', scene.namespace, '--settle', '500ms', '--installation', 'heir');
  start('worker');
  await scene.apply(...topology());
  await says('whose the servers are', ready, 'GRUE-PLT-008');
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  expect(await scene.revisions()).toEqual([]);

  const { kube } = scene.grue;
  const { result } = await takeOver(kube, { namespace: scene.namespace, platform: 'default', confirm: async () => true });
  expect(result).toMatch(/^accepted: 2 indices and \d+ topics and groups now belong to heir\//);
  await becomesAgain(before);
  traffic.resume();
  await produce(500);
  await traffic.pause();
  await shown();
  const { failed, empty, mixed, examples } = await readers.stop();
  expect({ failed, empty, mixed, examples }).toMatchObject({ failed: 0, empty: 0, mixed: 0 });
});

test('what is left of before is listed, and stays', async () => {
  const { kube } = scene.grue;
  const list = () => orphansText(kube, scene.namespace);
  await says('the old index', list, `there is no Revision connection-priced-1, which it was made for`);
  expect(await list()).toMatch(new RegExp(`default +index +${prefix()}\\.${scene.namespace}\\.priced\\.1-`));
});

test('an alias that somebody moves away: it is said where it was, what fed the index goes on, and moved back all is well', async () => {
  const move = async (from: string, to: string) =>
    scene.search('_aliases', {
      method: 'POST',
      body: JSON.stringify({ actions: [{ remove: { index: from, alias: alias() } }, { add: { index: to, alias: alias() } }] }),
    });
  const own = (await scene.revisions()).find(({ metadata }) => metadata.name === 'connection-priced-2')?.spec.physical.index ?? '';
  const foreign = `${scene.namespace}-foreign`;
  await scene.search(foreign, { method: 'PUT', body: '{}' });
  await move(own, foreign);
  // The operator looks once a minute; whoever touches a resource is told at once.
  await apply(scene.grue.kube, {
    apiVersion: 'grue.dev/v1alpha1',
    kind: 'Connection',
    metadata: { name: 'priced', namespace: scene.namespace, annotations: { touched: '1' } },
    spec: topology()[4]?.spec,
  } as KubeObject);
  await says('where the alias was', () => condition('Connection', 'Ready'), `GRUE-ES-004`);
  expect(await condition('Connection', 'Ready')).toContain(`alias ${alias()} is on ${foreign}, which is not ours; readers were on ${own}`);
  await produce(100);
  await move(foreign, own);
  await says('that it is well', () => condition('Connection', 'Ready'), 'Running');
  await shown();
});

test('an index that somebody deletes is not made again by itself, and deleting its Revision builds it anew', async () => {
  const own = (await scene.revisions()).find(({ metadata }) => metadata.name === 'connection-priced-2')?.spec.physical.index ?? '';
  await scene.search(own, { method: 'DELETE' });
  await says('that it is gone', () => condition('Connection', 'Ready'), 'GRUE-ES-005');
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(await scene.search(`_alias/${alias()}`)).toMatchObject({ status: 404 });
  await scene.remove('Revision', 'connection-priced-2');
  await shown();
  expect((await scene.documents(alias()))[0]?._index).toMatch(/\.priced\.3-/);
});
