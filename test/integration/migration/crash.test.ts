import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { StreamMigration } from '../../../src/api/stream-migration.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { stack } from '../../stack/for-tests.ts';
import { eventually, startProcess, stopProcess } from '../../support/grue.ts';
import { keepOn, type Traffic } from '../../support/workload/traffic.ts';
import { patienceSeconds, type Row, type Written } from '../../support/workspace.ts';
import { startReaders } from './readers.ts';
import { contentBecomes, openScene, platform, type Scene } from './scene.ts';

/** Killed without a word at the worst moments; a second operator and a second worker stand by, as in production. */
describe('processes that are killed in the middle of a migration', () => {
  let scene: Scene;
  let traffic: Traffic;
  let readers: ReturnType<typeof startReaders>;
  let factor = 1;
  const started: ChildProcess[] = [];
  const calls: Row[] = [];

  const schema = { fields: ['id', 'seconds'].map((name) => ({ name, type: 'BIGINT' })) };
  const pipeline = (by: number): Written => ({
    kind: 'Pipeline',
    name: 'calls',
    spec: { sql: `INSERT INTO billed SELECT id, seconds * ${by} AS seconds FROM calls` },
  });
  const produce = async (count: number) => {
    const made = Array.from({ length: count }, (_, i) => ({ id: calls.length + i, seconds: (calls.length + i) % 100 }));
    await scene.produce(
      `${scene.namespace}-calls`,
      made.map((call) => ({ value: JSON.stringify(call) })),
    );
    calls.push(...made);
  };
  const rows = () => calls.map(({ id, seconds }) => ({ id, seconds: Number(seconds) * factor }));
  const change = async (name: string, spec: object = {}) => {
    factor += 1;
    await scene.apply(pipeline(factor));
    await scene.migrate(name, ['Pipeline/calls'], spec);
  };
  const another = (command: 'operator' | 'worker'): ChildProcess => {
    const { kubeconfigPath } = stack().kubernetes;
    const args = ['--kubeconfig', kubeconfigPath, '--namespace', scene.namespace];
    const more = command === 'operator' ? ['--lease-namespace', scene.namespace, '--settle', '500ms'] : [];
    const child = startProcess(command, [...args, ...more], join(stack().directory, 'logs', scene.namespace, `${command}-${started.length + 2}.log`));
    started.push(child);
    return child;
  };
  const kill = async (child: ChildProcess | undefined) => {
    if (!child) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const status = async (name: string) => (await scene.object<StreamMigration & KubeObject>('StreamMigration', name))?.status;
  const until = (what: string, holds: () => Promise<unknown>) => eventually(what, async () => ((await holds()) ? true : undefined), patienceSeconds);
  const settled = async () => {
    await traffic.pause();
    const hits = await contentBecomes(scene, scene.namespace, rows());
    expect(new Set(hits.map(({ _index }) => _index)).size).toBe(1);
    traffic.resume();
  };

  beforeAll(async () => {
    scene = await openScene('crash', { workers: 2 });
    await scene.createTopic(`${scene.namespace}-calls`, 4);
    await produce(6_000);
    await scene.apply(
      platform(),
      { kind: 'Stream', name: 'calls', spec: { type: 'Append', external: { topic: `${scene.namespace}-calls` }, schema } },
      pipeline(1),
      { kind: 'Stream', name: 'billed', spec: { type: 'Append', partitions: 2, schema } },
      {
        kind: 'Connection',
        name: 'calls',
        spec: { type: 'Sink', connector: 'elasticsearch', stream: 'billed', destination: { alias: scene.namespace, settings: { number_of_replicas: 0 } } },
      },
    );
    await contentBecomes(scene, scene.namespace, rows());
    traffic = keepOn(400, () => produce(4));
    readers = startReaders(scene, [scene.namespace], undefined, 1);
  });
  afterEach(async () => {
    expect(await readers.stop()).toMatchObject({ failed: 0, empty: 0, mixed: 0 });
    readers = startReaders(scene, [scene.namespace], undefined, 1);
  });
  afterAll(async () => {
    await traffic?.pause();
    await readers?.stop();
    await Promise.all(started.map(stopProcess));
    await scene?.[Symbol.asyncDispose]();
  });

  test('an operator killed while green catches up is followed by another, which goes on where it was', async () => {
    const heir = another('operator');
    await change('caught');
    await until('green to exist', async () => (await scene.revisions()).some(({ spec }) => spec.migration === 'caught'));
    await kill(scene.grue.operator);
    await scene.inPhase('caught', 'Completed');
    await settled();
    expect(heir.exitCode).toBeNull();
  });

  test('an operator killed when it has decided to move readers is followed by another, which moves them once', async () => {
    const [leader] = started;
    another('operator');
    await change('decided', { manual: ['Flip'] });
    await scene.inPhase('decided', 'AwaitingApproval');
    const asked = scene.ask('decided', 'promote').catch(() => undefined); // its answer may die with the operator
    await until('the intent to flip', async () => (await status('decided'))?.flip);
    await kill(leader);
    await asked;
    await scene.inPhase('decided', 'Completed');
    await settled();
  });

  test('a worker killed while green catches up leaves its partitions to the other, and nothing is lost or there twice', async () => {
    await change('shared-work');
    await until('green to exist', async () => (await scene.revisions()).some(({ spec }) => spec.migration === 'shared-work'));
    await kill(scene.grue.workers[0]);
    await scene.inPhase('shared-work', 'Completed');
    await settled();
  });
});
