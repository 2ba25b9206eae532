import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepOn, type Traffic } from '../../support/workload/traffic.ts';
import type { Row, Written } from '../../support/workspace.ts';
import { startReaders } from './readers.ts';
import { contentBecomes, openScene, platform, type Scene } from './scene.ts';

type Fields = Readonly<Record<string, string>>;
const stream = (name: string, fields: Fields, spec: object = {}): Written => ({
  kind: 'Stream',
  name,
  spec: { type: 'Append', schema: { fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) }, ...spec },
});
const pipeline = (name: string, sql: string): Written => ({ kind: 'Pipeline', name, spec: { sql } });

/** events -> clean -> { big, small }, a sink on each; events -> both <- clean, written by two pipelines; events -> aside. */
describe('a topology with branches on real servers', () => {
  let scene: Scene;
  let traffic: Traffic;
  const events: Row[] = [];
  const alias = (name: string) => `${scene.namespace}-${name}`;
  const sink = (of: string): Written => ({
    kind: 'Connection',
    name: `${of}-index`,
    spec: { type: 'Sink', connector: 'elasticsearch', stream: of, destination: { alias: alias(of), settings: { number_of_replicas: 0 } } },
  });
  const produce = async (count: number) => {
    const made = Array.from({ length: count }, (_, i) => ({
      id: events.length + i,
      kind: `k${(events.length + i) % 5}`,
      amount: ((events.length + i) * 7) % 100,
    }));
    await scene.produce(
      `${scene.namespace}-events`,
      made.map((event) => ({ value: JSON.stringify(event) })),
    );
    events.push(...made);
  };

  beforeAll(async () => {
    scene = await openScene('branches');
    await scene.createTopic(`${scene.namespace}-events`, 2);
    await produce(200);
    await scene.apply(
      platform(),
      stream('events', { id: 'BIGINT', kind: 'STRING', amount: 'INT' }, { external: { topic: `${scene.namespace}-events` } }),
      pipeline('clean', 'INSERT INTO clean SELECT id, kind, amount FROM events'),
      stream('clean', { id: 'BIGINT', kind: 'STRING', amount: 'INT' }, { partitions: 2 }),
      pipeline('big', 'INSERT INTO big SELECT id, amount FROM clean WHERE amount >= 50'),
      stream('big', { id: 'BIGINT', amount: 'INT' }),
      pipeline('small', 'INSERT INTO small SELECT id, amount FROM clean WHERE amount < 50'),
      stream('small', { id: 'BIGINT', amount: 'INT' }),
      pipeline('odd', 'INSERT INTO parity SELECT id, amount FROM events WHERE id % 2 = 1'),
      pipeline('all', "INSERT INTO parity SELECT id, amount * 1000 AS amount FROM events WHERE kind <> 'k4'"),
      stream('parity', { id: 'BIGINT', amount: 'INT' }),
      ...['clean', 'big', 'small', 'parity'].map(sink),
    );
    traffic = keepOn(300, () => produce(4));
  });
  afterAll(async () => {
    await traffic?.pause();
    await scene?.[Symbol.asyncDispose]();
  });

  const contentIs = async (expected: Readonly<Record<string, () => readonly Row[]>>) => {
    await traffic.pause();
    for (const [name, rows] of Object.entries(expected)) await contentBecomes(scene, alias(name), rows());
    traffic.resume();
  };
  const big = () => events.filter(({ amount }) => Number(amount) >= 50);
  const small = () => events.filter(({ amount }) => Number(amount) < 50);
  const brief = ({ id, amount }: Row): Row => ({ id, amount });
  const both = () => [
    ...events.filter(({ id }) => Number(id) % 2 === 1).map(brief),
    ...events.filter(({ kind }) => kind !== 'k4').map(({ id, amount }) => ({ id, amount: Number(amount) * 1000 })),
  ];
  const completed = async (name: string, resources: readonly string[], spec: object = {}) => {
    await scene.migrate(name, resources, spec);
    const done = await scene.inPhase(name, 'Completed', 'Held', 'Failed', 'Aborted');
    expect(done.status).toMatchObject({ phase: 'Completed' });
    return done.status;
  };
  const uids = async (...names: readonly string[]) =>
    (await scene.revisions()).filter(({ spec }) => names.includes(spec.of.name)).map(({ metadata, status }) => [metadata.name, metadata.uid, status?.uuids]);

  test('goes live branch by branch, also where two pipelines write one stream', async () => {
    await contentIs({ clean: () => events, big: () => big().map(brief), small: () => small().map(brief), parity: both });
  });

  test('a changed stream moves the readers of all sinks below it in one call, and no reader sees two versions', async () => {
    const aside = await uids('events', 'odd', 'all', 'parity', 'parity-index');
    const readers = startReaders(scene, ['clean', 'big', 'small'].map(alias), (index) => /\.(\d+)-/.exec(index)?.[1] ?? '');
    await scene.apply(
      pipeline('clean', 'INSERT INTO clean SELECT id, amount, amount / 100.0 AS share FROM events'),
      stream('clean', { id: 'BIGINT', amount: 'INT', share: 'DOUBLE' }, { partitions: 2 }),
    );
    const status = await completed('with-share', ['Pipeline/clean', 'Stream/clean']);
    const reads = await readers.stop();
    expect(reads).toMatchObject({ failed: 0, empty: 0, mixed: 0 });
    expect(reads.total).toBeGreaterThan(100);
    expect(status?.flip?.intent.map((move) => move.alias).sort()).toEqual(['big', 'clean', 'small'].map(alias));
    expect(await uids('events', 'odd', 'all', 'parity', 'parity-index')).toEqual(aside);
    const share = ({ id, amount }: Row) => ({ id, amount, share: Number(amount) / 100 });
    await contentIs({ clean: () => events.map(share), big: () => big().map(brief), small: () => small().map(brief), parity: both });
  });

  test('a changed branch leaves its neighbours and what it shares with them alone', async () => {
    const others = ['events', 'clean', 'clean-index', 'small', 'small-index'] as const;
    const before = await uids(...others);
    await scene.apply(
      pipeline('big', 'INSERT INTO big SELECT id, CAST(amount AS VARCHAR) AS amount FROM clean WHERE amount >= 50'),
      stream('big', { id: 'BIGINT', amount: 'STRING' }),
    );
    const status = await completed('retyped', ['Pipeline/big', 'Stream/big']);
    expect(status?.flip?.intent.map((move) => move.alias)).toEqual([alias('big')]);
    expect(await uids(...others)).toEqual(before);
    await contentIs({ big: () => big().map(({ id, amount }) => ({ id, amount: String(amount) })), small: () => small().map(brief) });
  });

  test('a stream with two writers takes both along, and each record of either is there once', async () => {
    await scene.apply(pipeline('odd', 'INSERT INTO parity SELECT id, -amount AS amount FROM events WHERE id % 2 = 1'));
    const status = await completed('negative', ['Pipeline/odd']);
    expect(status?.plan?.steps.filter(({ action }) => action === 'Clone').map(({ of }) => `${of.kind}/${of.name}`)).toEqual(
      expect.arrayContaining(['Pipeline/odd', 'Pipeline/all', 'Stream/parity', 'Connection/parity-index']),
    );
    await contentIs({
      parity: () => both().map((row, n) => (n < events.filter(({ id }) => Number(id) % 2 === 1).length ? { ...row, amount: -Number(row['amount']) } : row)),
    });
  });
});
