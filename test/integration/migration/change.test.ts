import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepOn, type Traffic } from '../../support/workload/traffic.ts';
import type { Row, Written } from '../../support/workspace.ts';
import { contentBecomes, openScene, platform, type Scene } from './scene.ts';
import { type Ledger, ledgerOf } from './traffic.ts';

type Field = readonly [name: string, type: string];
const schema = (...fields: readonly Field[]) => ({ fields: fields.map(([name, type]) => ({ name, type })) });

interface Rich {
  readonly sql?: string;
  readonly fields?: readonly Field[];
  readonly keys?: object;
  readonly partitions?: number;
}

const keyFields: readonly Field[] = [
  ['id', 'BIGINT'],
  ['region', 'STRING'],
];
const plain = 'INSERT INTO rich SELECT id, region, owner, balance FROM accounts WHERE balance >= 100';
const tight = 'INSERT INTO rich SELECT id, region, owner, balance FROM accounts WHERE balance >= 200';
const plainFields: readonly Field[] = [...keyFields, ['owner', 'STRING'], ['balance', 'INT']];

const rich = ({ sql = plain, fields = plainFields, keys = { primary: ['id', 'region'] }, partitions = 2 }: Rich = {}): readonly Written[] => [
  { kind: 'Pipeline', name: 'rich', spec: { sql } },
  { kind: 'Stream', name: 'rich', spec: { type: 'Change', partitions, keys, schema: schema(...fields) } },
];
const named = ['Pipeline/rich', 'Stream/rich'];

const sink = (name: string, stream: string, alias: string, mappings: object = {}): Written => ({
  kind: 'Connection',
  name,
  spec: { type: 'Sink', connector: 'elasticsearch', stream, destination: { alias, mappings, settings: { number_of_replicas: 0 } } },
});

describe('a topology of Change streams on real servers', () => {
  let scene: Scene;
  let accounts: Ledger;
  let traffic: Traffic;
  let aliases: { readonly accounts: string; readonly rich: string };
  let turns = 0;

  const keyOf = (id: number) => ({ id, region: `r${id % 3}` });
  const row = (n: number) => ({ owner: `o${n % 11}`, balance: (n * 37) % 300 });

  beforeAll(async () => {
    scene = await openScene('change');
    const topic = `${scene.namespace}-accounts`;
    aliases = { accounts: `${scene.namespace}-all`, rich: `${scene.namespace}-rich` };
    await scene.createTopic(topic, 3, { 'cleanup.policy': 'compact' });
    accounts = ledgerOf(scene, topic);
    await accounts.change(Array.from({ length: 300 }, (_, id) => [keyOf(id), row(id)] as const));
    await scene.apply(
      platform(),
      {
        kind: 'Stream',
        name: 'accounts',
        spec: { type: 'Change', external: { topic }, keys: { primary: ['id', 'region'] }, schema: schema(...plainFields) },
      },
      ...rich(),
      sink('all-index', 'accounts', aliases.accounts),
      sink('rich-index', 'rich', aliases.rich),
    );
    // Two keys are hot, the others change now and then; every account is deleted and comes back some time.
    traffic = keepOn(250, async () => {
      turns += 1;
      const cold = (turns * 13) % 300;
      await accounts.change([
        [keyOf(0), row(turns)],
        [keyOf(1), turns % 4 === 0 ? undefined : row(turns + 5)],
        [keyOf(cold), turns % 3 === 0 ? undefined : row(turns * 7)],
        [keyOf(0), row(turns + 9)],
      ]);
    });
  });
  afterAll(async () => {
    await traffic?.pause();
    await scene?.[Symbol.asyncDispose]();
  });

  const richRows = (of: (row: Row) => Row = (all) => all, least = 100): readonly Row[] =>
    [...accounts.rows.values()].filter(({ balance }) => Number(balance) >= least).map(of);

  /** Lets the topology come to rest, and holds both indices against what was produced. */
  const settled = async (expected: () => readonly Row[]) => {
    await traffic.pause();
    await contentBecomes(scene, aliases.accounts, accounts.rows.values());
    const hits = await contentBecomes(scene, aliases.rich, expected());
    traffic.resume();
    return hits;
  };
  const migrated = async (name: string, resources: readonly string[], spec: object = {}) => {
    await scene.migrate(name, resources, spec);
    const done = await scene.inPhase(name, 'Completed', 'Held', 'Failed', 'Aborted');
    expect(done.status).toMatchObject({ phase: 'Completed' });
    return done;
  };

  test('goes live with the state that its changes come to', async () => {
    await settled(() => richRows());
  });

  test('new SQL moves readers while hot keys change and rows are deleted on both sides', async () => {
    await scene.apply(
      ...rich({
        sql: 'INSERT INTO rich SELECT id, region, upper(owner) AS owner, balance, balance * 2 AS twice FROM accounts WHERE balance >= 100',
        fields: [...plainFields, ['twice', 'INT']],
      }),
    );
    const done = await migrated('twice', named);
    expect(done.status?.gates?.map(({ name, outcome }) => `${name} ${outcome}`)).toContain('Parity Pass');
    await settled(() => richRows((all) => ({ ...all, owner: String(all['owner']).toUpperCase(), twice: Number(all['balance']) * 2 })));
  });

  test('a tighter WHERE fails parity unless it is declared; then rows that stop matching are gone', async () => {
    await scene.apply(...rich({ sql: tight }));
    await scene.migrate('tight', named);
    const held = await scene.inPhase('tight', 'Held', 'Completed');
    expect(held.status?.gates?.find(({ name }) => name === 'Parity')).toMatchObject({ outcome: 'Fail' });
    await scene.ask('tight', 'abort');
    await scene.inPhase('tight', 'Aborted');
    await migrated('tight-declared', named, { retry: 1, gates: { parity: { expect: { count: { min: 0.1, max: 1 } } } } });
    await settled(() => richRows(undefined, 200));
  });

  test('the same fields in another order of the primary key are other ids, and parity is judged all the same', async () => {
    const before = new Set((await scene.documents(aliases.rich)).map(({ _id }) => _id));
    await scene.apply(...rich({ sql: tight, keys: { primary: ['region', 'id'] } }));
    await migrated('rekeyed', named);
    const hits = await settled(() => richRows(undefined, 200));
    expect(hits.some(({ _id }) => before.has(_id))).toBe(false);
  });

  test('more partitions, chosen by another key, change no document', async () => {
    await scene.apply(...rich({ sql: tight, keys: { primary: ['region', 'id'], partition: ['region'] }, partitions: 4 }));
    await migrated('spread', ['Stream/rich']);
    await settled(() => richRows(undefined, 200));
  });

  test('a mapping alone shares the stream, and green is filled from it', async () => {
    const streams = async () => (await scene.revisions()).filter(({ spec }) => spec.of.name === 'rich').map(({ metadata }) => metadata.uid);
    const before = await streams();
    await scene.apply(sink('rich-index', 'rich', aliases.rich, { properties: { owner: { type: 'text' } } }));
    const done = await migrated('as-text', ['Connection/rich-index']);
    expect(done.status?.plan?.steps.map(({ of, action }) => `${action} ${of.kind}/${of.name}`)).toEqual(
      expect.arrayContaining(['Clone Connection/rich-index', 'Share Stream/rich', 'Share Pipeline/rich']),
    );
    expect(await streams()).toEqual(before);
    await settled(() => richRows(undefined, 200));
  });

  test('a sink on the root itself is filled anew from the root', async () => {
    await scene.apply(sink('all-index', 'accounts', aliases.accounts, { properties: { owner: { type: 'text' } } }));
    await migrated('root-as-text', ['Connection/all-index']);
    await settled(() => richRows(undefined, 200));
  });

  test('events become the latest state of each key, and go through a migration as such', async () => {
    const topic = `${scene.namespace}-readings`;
    const alias = `${scene.namespace}-latest`;
    await scene.createTopic(topic, 3);
    const latest = new Map<string, Row>();
    const produce = async (from: number, to: number) => {
      const readings = Array.from({ length: to - from }, (_, i) => ({ sensor: `s${(from + i) % 40}`, number: from + i, value: (from + i) % 97 }));
      await scene.produce(
        topic,
        readings.map((reading) => ({ key: reading.sensor, value: JSON.stringify(reading) })),
      );
      for (const { sensor, value } of readings) latest.set(sensor, { sensor, value });
    };
    const topology = (sql: string): readonly Written[] => [
      {
        kind: 'Stream',
        name: 'readings',
        spec: {
          type: 'Append',
          external: { topic },
          keys: { partition: ['sensor'] },
          schema: schema(['sensor', 'STRING'], ['number', 'BIGINT'], ['value', 'INT']),
        },
      },
      { kind: 'Pipeline', name: 'latest', spec: { sql } },
      { kind: 'Stream', name: 'latest', spec: { type: 'Change', keys: { primary: ['sensor'] }, schema: schema(['sensor', 'STRING'], ['value', 'INT']) } },
    ];
    await produce(0, 500);
    await scene.apply(...topology('INSERT INTO latest SELECT sensor, value FROM readings'), sink('latest-index', 'latest', alias));
    await contentBecomes(scene, alias, latest.values());
    let produced = 500;
    const readings = keepOn(250, async () => {
      await produce(produced, produced + 10);
      produced += 10;
    });
    await scene.apply(...topology('INSERT INTO latest SELECT sensor, value + 1 AS value FROM readings'));
    await migrated('latest-plus-one', ['Pipeline/latest']);
    await readings.pause();
    await contentBecomes(
      scene,
      alias,
      [...latest.values()].map((row) => ({ ...row, value: Number(row['value']) + 1 })),
    );
  });
});
