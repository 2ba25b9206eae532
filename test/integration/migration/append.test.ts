import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamMigration } from '../../../src/api/stream-migration.ts';
import { request } from '../../../src/cli/requests.ts';
import { eventually, find, phase } from '../../support/grue.ts';
import type { Written } from '../../support/workspace.ts';
import { documentsBecome, openScene, platform, type Scene } from './scene.ts';

const flight = (number: number) => ({ value: JSON.stringify({ number, delay: number % 60, origin: `A${number % 7}` }) });
const flights = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => flight(from + i));

const fields = (...names: readonly (readonly [string, string])[]) => names.map(([name, type]) => ({ name, type }));
const topology = (topic: string, version: { readonly sql: string; readonly fields: readonly (readonly [string, string])[] }): readonly Written[] => [
  {
    kind: 'Stream',
    name: 'flights',
    spec: { type: 'Append', external: { topic }, schema: { fields: fields(['number', 'BIGINT'], ['delay', 'INT'], ['origin', 'STRING']) } },
  },
  { kind: 'Pipeline', name: 'delays', spec: { sql: version.sql } },
  { kind: 'Stream', name: 'delays', spec: { type: 'Append', partitions: 2, schema: { fields: fields(...version.fields) } } },
];
const minutes = {
  sql: 'INSERT INTO delays SELECT number, delay AS minutes FROM flights',
  fields: [
    ['number', 'BIGINT'],
    ['minutes', 'INT'],
  ] as const,
};
const hours = {
  sql: 'INSERT INTO delays SELECT number, delay / 60.0 AS hours, origin FROM flights',
  fields: [
    ['number', 'BIGINT'],
    ['hours', 'DOUBLE'],
    ['origin', 'STRING'],
  ] as const,
};

const resources = [
  { kind: 'Pipeline', name: 'delays' },
  { kind: 'Stream', name: 'delays' },
];

describe('a topology of Append streams on real servers', () => {
  let scene: Scene;
  let topic: string;
  let alias: string;
  let produced = 0;
  let traffic = true;
  let producing: Promise<void>;

  beforeAll(async () => {
    scene = await openScene('append');
    topic = `${scene.namespace}-flights`;
    alias = `${scene.namespace}-delays`;
    await scene.createTopic(topic, 3);
    const sink: Written = {
      kind: 'Connection',
      name: 'delays-index',
      spec: { type: 'Sink', connector: 'elasticsearch', stream: 'delays', destination: { alias, settings: { number_of_replicas: 0 } } },
    };
    await scene.apply(platform(), ...topology(topic, minutes), sink);
    producing = (async () => {
      while (traffic) {
        await scene.produce(topic, flights(produced, produced + 50));
        produced += 50;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
  });
  afterAll(async () => {
    traffic = false;
    await producing;
    await scene[Symbol.asyncDispose]();
  });

  const numbers = async () => (await scene.documents(alias)).map(({ _source }) => Number(_source['number'])).sort((a, b) => a - b);
  const indices = async () => new Set((await scene.documents(alias)).map(({ _index }) => _index));
  const migrate = (name: string, spec: object = {}) => scene.apply({ kind: 'StreamMigration', name, spec: { resources, soak: '3s', ...spec } });
  const inPhase = (name: string, ...phases: readonly string[]) => phase(scene.grue.kube, scene.namespace, name, phases);
  const ask = (name: string, verb: 'promote' | 'abort' | 'rollback' | 'pause' | 'resume') =>
    request(scene.grue.kube, { namespace: scene.namespace, name, verb });

  test('goes live without a migration', async () => {
    const seen = await eventually('documents behind the alias', async () => ((await scene.documents(alias)).length > 0 ? indices() : undefined));
    expect([...seen][0]).toMatch(/^grue\..*\.delays-index\.1-[a-z0-9]{6}$/);
  });

  test('moves its readers to green, proven equal, while both sides are written', async () => {
    await scene.apply(...topology(topic, hours));
    await migrate('in-hours');
    const done = await inPhase('in-hours', 'Completed');
    expect(done.status?.gates?.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      'HistoryCovered Pass',
      'DeadLetters Pass',
      'Parity Pass',
      'AliasFilters Pass',
    ]);
    expect([...(await indices())][0]).toMatch(/delays-index\.2-/);
    expect((await scene.documents(alias))[0]?._source).toHaveProperty('hours');
  });

  test('the same migration again finds nothing to do', async () => {
    await migrate('in-hours-again');
    expect((await inPhase('in-hours-again', 'Completed')).status?.outcome).toBe('NothingToDo');
  });

  test('a manual flip waits for a person, can be paused, and is aborted without a trace', async () => {
    const before = await indices();
    await scene.apply(...topology(topic, { ...hours, sql: 'INSERT INTO delays SELECT number, delay / 60.0 + 1 AS hours, origin FROM flights' }));
    await migrate('shifted', { manual: ['Flip'] });
    await inPhase('shifted', 'AwaitingApproval');
    expect((await ask('shifted', 'rollback')).result).toContain('use abort');
    expect((await ask('shifted', 'pause')).result).toBe('accepted');
    expect((await ask('shifted', 'promote')).result).toBe('accepted: Flip');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await indices()).toEqual(before);
    expect((await ask('shifted', 'abort')).result).toBe('accepted');
    await inPhase('shifted', 'Aborted');
    expect(await indices()).toEqual(before);
    const left = (await scene.search(`_cat/indices/grue.${scene.namespace}.*?format=json`)) as readonly unknown[];
    expect(left).toHaveLength(2);
  });

  test('a definition that was given up is not tried again by itself', async () => {
    await migrate('shifted-again');
    const stalled = await eventually('a refusal', async () => {
      const found = await find<StreamMigration>(scene.grue.kube, 'StreamMigration', scene.namespace, 'shifted-again');
      return found?.status?.message?.includes('GRUE-MIG-005') ? found : undefined;
    });
    expect(stalled.status?.message).toContain('shifted');
    // It would come to life with the next edit, and supersede what rolls that out.
    expect((await ask('shifted-again', 'abort')).result).toBe('accepted');
    await inPhase('shifted-again', 'Aborted');
  });

  test('a filter that nobody declared fails parity with its numbers, and green is held to look at', async () => {
    await scene.apply(...topology(topic, { ...hours, sql: 'INSERT INTO delays SELECT number, delay / 60.0 AS hours, origin FROM flights WHERE delay < 50' }));
    await migrate('filtered');
    const held = await inPhase('filtered', 'Held');
    expect(held.status?.gates?.find(({ name }) => name === 'Parity')).toMatchObject({ outcome: 'Fail' });
    expect(held.status?.conditions?.find(({ type }) => type === 'Finished')).toMatchObject({ status: 'True', reason: 'Held' });
    await ask('filtered', 'abort');
    await inPhase('filtered', 'Aborted');
  });

  test('a rollback inside the soak moves readers back to blue, which has missed nothing', async () => {
    await scene.apply(...topology(topic, { ...hours, sql: 'INSERT INTO delays SELECT number, delay / 60.0 * 2 AS hours, origin FROM flights' }));
    await migrate('doubled', { soak: '10m' });
    await inPhase('doubled', 'Soaking');
    expect([...(await indices())][0]).not.toMatch(/delays-index\.2-/);
    await eventually('rollback to be possible', async () => {
      const found = await find<StreamMigration>(scene.grue.kube, 'StreamMigration', scene.namespace, 'doubled');
      return found?.status?.conditions?.find(({ type }) => type === 'RollbackPossible')?.status === 'True' ? true : undefined;
    });
    expect((await ask('doubled', 'rollback')).result).toBe('accepted');
    await inPhase('doubled', 'RolledBack');
    expect([...(await indices())][0]).toMatch(/delays-index\.2-/);
  });

  test('in the end every record that Kafka has acknowledged is in exactly one document', async () => {
    traffic = false;
    await producing;
    await documentsBecome(scene, alias, produced);
    expect(await numbers()).toEqual(Array.from({ length: produced }, (_, number) => number));
  });
});
