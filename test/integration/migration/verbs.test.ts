import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds } from '../../../src/api/kinds.ts';
import { requestAnnotations } from '../../../src/api/requests.ts';
import type { Phase, StreamMigration } from '../../../src/api/stream-migration.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { eventually } from '../../support/grue.ts';
import { keepOn, type Traffic } from '../../support/workload/traffic.ts';
import { patienceSeconds, type Row, type Written } from '../../support/workspace.ts';
import { contentBecomes, openScene, platform, type Scene } from './scene.ts';

describe('what people ask of a migration, on real servers', () => {
  let scene: Scene;
  let traffic: Traffic;
  let alias: string;
  const orders: Row[] = [];
  let factor = 1;

  const produce = async (count: number) => {
    const made = Array.from({ length: count }, (_, i) => ({ id: orders.length + i, amount: (orders.length + i) % 50 }));
    await scene.produce(
      `${scene.namespace}-orders`,
      made.map((order) => ({ value: JSON.stringify(order) })),
    );
    orders.push(...made);
  };
  const schema = { fields: ['id', 'amount'].map((name) => ({ name, type: 'BIGINT' })) };
  const priced = (sql: string): Written => ({ kind: 'Pipeline', name: 'priced', spec: { sql: `INSERT INTO priced SELECT ${sql} FROM orders` } });
  const sink = (keepVersions: number): Written => ({
    kind: 'Connection',
    name: 'priced-index',
    spec: { type: 'Sink', connector: 'elasticsearch', stream: 'priced', keepVersions, destination: { alias, settings: { number_of_replicas: 0 } } },
  });

  beforeAll(async () => {
    scene = await openScene('verbs');
    alias = `${scene.namespace}-priced`;
    await scene.createTopic(`${scene.namespace}-orders`, 2);
    await produce(100);
    await scene.apply(
      platform(),
      { kind: 'Stream', name: 'orders', spec: { type: 'Append', external: { topic: `${scene.namespace}-orders` }, schema } },
      priced('id, amount * 1 AS amount'),
      { kind: 'Stream', name: 'priced', spec: { type: 'Append', schema } },
      sink(1),
    );
    await contentBecomes(scene, alias, orders);
    traffic = keepOn(400, () => produce(3));
  });
  afterAll(async () => {
    await traffic?.pause();
    await scene?.[Symbol.asyncDispose]();
  });

  /** Edits the pipeline so that there is something to roll out, and applies a migration of it. */
  const change = async (name: string, spec: object = {}) => {
    factor += 1;
    await scene.apply(priced(`id, amount * ${factor} AS amount`));
    await scene.migrate(name, ['Pipeline/priced'], spec);
  };
  const edit = (name: string, spec: object) => scene.migrate(name, ['Pipeline/priced'], spec);
  const green = async (name: string) => (await scene.revisions()).filter(({ spec }) => spec.migration === name);
  const inPhase = async (name: string, ...phases: readonly Phase[]) => (await scene.inPhase(name, ...phases)).status;
  const liveIndex = async () => new Set((await scene.documents(alias)).map(({ _index }) => _index));
  const settled = async (by: number) => {
    await traffic.pause();
    await contentBecomes(
      scene,
      alias,
      orders.map(({ id, amount }) => ({ id, amount: Number(amount) * by })),
    );
    traffic.resume();
  };
  const migration = async (name: string) => (await scene.object<StreamMigration & KubeObject>('StreamMigration', name))?.status;
  const says = (name: string, part: string) =>
    eventually(
      `${name} to say ${part}`,
      async () => ((await migration(name))?.message?.includes(part) ? true : undefined),
      patienceSeconds,
      () => migration(name),
    );
  const retired = async () => (await scene.revisions()).filter(({ spec, status }) => spec.connection && status?.role === 'retired').length;
  const indices = async () => ((await scene.search(`_cat/indices/grue.${scene.namespace}.*?format=json`)) as readonly unknown[]).length;

  test('each manual step waits for its promotion, and does nothing before', async () => {
    const before = await liveIndex();
    await change('by-hand', { manual: ['Provision', 'Flip', 'Teardown'] });
    expect((await inPhase('by-hand', 'AwaitingApproval'))?.message).toContain('approval of Provision');
    expect(await green('by-hand')).toEqual([]);
    expect((await scene.ask('by-hand', 'promote', 'Flip')).result).toBe('accepted: Flip');
    expect((await scene.ask('by-hand', 'promote')).result).toBe('accepted: Provision');
    // Flip was approved ahead for this very plan, so the next one to wait is Teardown.
    await inPhase('by-hand', 'Soaking');
    expect((await inPhase('by-hand', 'AwaitingApproval'))?.message).toContain('approval of Teardown');
    expect(await liveIndex()).not.toEqual(before);
    expect((await scene.ask('by-hand', 'abort')).result).toContain('use rollback');
    expect((await scene.ask('by-hand', 'promote')).result).toBe('accepted: Teardown');
    await inPhase('by-hand', 'Completed');
    await settled(factor);
  });

  test('a request about another attempt or another plan is refused, and the refusal is recorded', async () => {
    await change('asked', { manual: ['Flip'] });
    await inPhase('asked', 'AwaitingApproval');
    const askFor = async (parts: Partial<Record<keyof typeof requestAnnotations, string>>) => {
      const annotations = Object.fromEntries(Object.entries(requestAnnotations).map(([part, name]) => [name, parts[part as keyof typeof parts] ?? null]));
      await scene.grue.kube.mergePatch(
        kinds.StreamMigration,
        { namespace: scene.namespace, name: 'asked' },
        { metadata: { annotations } },
        { fieldManager: 'test' },
      );
      return eventually(
        `an answer to ${parts.id}`,
        async () => (await migration('asked'))?.requests?.find(({ id }) => id === parts.id)?.result,
        patienceSeconds,
      );
    };
    expect(await askFor({ id: 'one', verb: 'promote', attempt: '7' })).toContain('GRUE-MIG-003');
    expect(await askFor({ id: 'two', verb: 'promote', plan: 'another' })).toContain('GRUE-MIG-003');
    expect(await askFor({ id: 'three', verb: 'dance' })).toContain('refused');
    expect((await migration('asked'))?.phase).toBe('AwaitingApproval');
  });

  test('an approval in the spec counts for the plan that it names and for no other', async () => {
    const hash = (await migration('asked'))?.plan?.hash;
    await edit('asked', { manual: ['Flip'], approvals: [{ step: 'Flip', plan: 'another' }] });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect((await migration('asked'))?.phase).toBe('AwaitingApproval');
    await edit('asked', { manual: ['Flip'], approvals: [{ step: 'Flip', plan: hash }] });
    await inPhase('asked', 'Completed');
    await settled(factor);
  });

  test('abort, pause and resume in the spec do what the requests do', async () => {
    const before = await liveIndex();
    await change('stopped', { manual: ['Flip'], paused: true });
    await says('stopped', 'paused');
    expect(await green('stopped')).toEqual([]);
    expect((await scene.ask('stopped', 'resume')).result).toContain('spec.paused is true');
    await edit('stopped', { manual: ['Flip'] });
    await inPhase('stopped', 'AwaitingApproval');
    await edit('stopped', { manual: ['Flip'], abort: true });
    await inPhase('stopped', 'Aborted');
    expect(await green('stopped')).toEqual([]);
    expect(await liveIndex()).toEqual(before);
  });

  test('a held migration is tried again after the definition was corrected', async () => {
    await scene.apply(priced('id, amount * 10 AS amount'));
    await scene.apply({ kind: 'Pipeline', name: 'priced', spec: { sql: 'INSERT INTO priced SELECT id, amount * 10 AS amount FROM orders WHERE amount < 40' } });
    await scene.migrate('corrected', ['Pipeline/priced']);
    expect((await inPhase('corrected', 'Held'))?.message).toContain('Parity');
    expect(await green('corrected')).toHaveLength(3);
    factor = 10;
    await scene.apply(priced('id, amount * 10 AS amount'));
    await edit('corrected', { retry: 1 });
    expect(await inPhase('corrected', 'Completed')).toMatchObject({ attempt: 2 });
    await settled(10);
  });

  test('a failed gate removes green by itself where the spec says so, and a request starts the next attempt', async () => {
    await scene.apply({ kind: 'Pipeline', name: 'priced', spec: { sql: 'INSERT INTO priced SELECT id, amount * 11 AS amount FROM orders WHERE amount < 40' } });
    await scene.migrate('self-cleaning', ['Pipeline/priced'], { onFailure: 'Abort' });
    await inPhase('self-cleaning', 'Aborted');
    expect(await green('self-cleaning')).toEqual([]);
    factor = 11;
    await scene.apply(priced('id, amount * 11 AS amount'));
    expect((await scene.ask('self-cleaning', 'retry')).result).toBe('accepted');
    await inPhase('self-cleaning', 'Completed');
  });

  test('rollback in the spec moves readers back within the soak', async () => {
    const before = await liveIndex();
    await change('regretted', { soak: '10m' });
    await inPhase('regretted', 'Soaking');
    await edit('regretted', { soak: '10m', rollback: true });
    await inPhase('regretted', 'RolledBack');
    expect(await liveIndex()).toEqual(before);
    factor -= 1;
    await settled(factor);
    factor += 1;
  });

  test('a newer migration supersedes one whose readers have not moved, and waits for one whose readers have', async () => {
    await change('older', { manual: ['Flip'] });
    await inPhase('older', 'AwaitingApproval');
    await change('newer', { soak: '10m' });
    expect((await inPhase('older', 'Aborted'))?.message).toContain('superseded by newer');
    await inPhase('newer', 'Soaking');
    await change('newest');
    await says('newest', 'GRUE-MIG-002');
    expect((await migration('newer'))?.phase).toBe('Soaking');
    await edit('newer', { soak: '1s' });
    await inPhase('newer', 'Completed');
    await inPhase('newest', 'Completed');
    await settled(factor);
  });

  test('an edit that is taken back in the soak moves readers back to blue, makes nothing, and can be made again', async () => {
    const before = await liveIndex();
    await change('there', { soak: '10m' });
    await inPhase('there', 'Soaking');
    factor -= 1;
    await scene.apply(priced(`id, amount * ${factor} AS amount`));
    await scene.migrate('and-back', ['Pipeline/priced']);
    const back = await inPhase('and-back', 'Completed');
    expect(back?.plan?.steps.filter(({ action }) => action === 'FlipBack')).toHaveLength(3);
    expect((await inPhase('there', 'RolledBack'))?.message).toContain('superseded by and-back');
    expect(await liveIndex()).toEqual(before);
    expect([await green('there'), await green('and-back')]).toEqual([[], []]);
    await settled(factor);
    await change('there-again');
    await inPhase('there-again', 'Completed');
    await settled(factor);
  });

  test('as many retired indices stay as the sink says, and those beyond are deleted', async () => {
    expect(await retired()).toBe(1);
    await scene.apply(sink(2));
    await change('keeps-two');
    await inPhase('keeps-two', 'Completed');
    expect([await retired(), await indices()]).toEqual([2, 3]);
    await scene.apply(sink(0));
    await change('keeps-none');
    await inPhase('keeps-none', 'Completed');
    expect([await retired(), await indices()]).toEqual([0, 1]);
    await settled(factor);
  });
});
