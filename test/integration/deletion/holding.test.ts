import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conditionBecomes } from '../bad-input/conditions.ts';
import { platform } from '../migration/scene.ts';
import { becomes, gone, openTopology, type Topology } from './topology.ts';

const letGo = '8s';

describe('what is deleted at a bad moment', () => {
  let topology: Topology;
  beforeAll(async () => {
    topology = await openTopology('holding', { letGo });
    await topology.apply(1);
    await topology.shows(1);
  });
  afterAll(() => topology?.[Symbol.asyncDispose]());

  const revisions = async () => (await topology.scene.revisions()).map(({ metadata }) => metadata.name).sort();
  const madeBy = async (migration: string) => (await topology.scene.revisions()).filter(({ spec }) => spec.migration === migration);
  const leftBehind = async (name: string) =>
    becomes(
      `the log to tell what ${name} leaves behind`,
      async () => (await topology.logged()).filter((line) => line['reason'] === 'LeftBehind' && line['name'] === name),
      (lines) => lines.length === 1,
    );

  test('a live Revision that a person deletes is made again under its name, and loses nothing', async () => {
    const before = await topology.physical();
    const uid = (await topology.scene.object('Revision', 'pipeline-priced-1'))?.metadata.uid;
    await topology.scene.remove('Revision', 'pipeline-priced-1');
    await topology.produce(50);
    await becomes(
      'another incarnation that runs',
      async () => (await topology.scene.revisions()).find(({ metadata }) => metadata.name === 'pipeline-priced-1'),
      (found) => found !== undefined && found.metadata.uid !== uid && found.status?.state === 'Running',
    );
    await topology.shows(1);
    expect(await topology.physical()).toEqual(before);
  });

  test('a migration that could make only half of its Revisions takes with it what they made', async () => {
    const before = await topology.physical();
    const { scene } = topology;
    const live = (await scene.object('Connection', 'priced'))?.spec as { readonly destination: object };
    await scene.apply({
      kind: 'Connection',
      name: 'priced',
      spec: { ...live, destination: { ...live.destination, mappings: { properties: { id: { type: 'nonsense' } } } } },
    });
    await scene.migrate('half', ['Connection/priced']);
    await conditionBecomes(scene, 'StreamMigration', 'half', 'Stalled', 'True', 'GRUE-ES-002');
    expect((await topology.physical()).topics.length).toBeGreaterThan(before.topics.length);
    await scene.remove('StreamMigration', 'half');
    await gone(scene, 'StreamMigration', 'half');
    await topology.apply(1);
    expect(await madeBy('half')).toEqual([]);
    expect(await topology.physical()).toEqual(before);
  });

  test('a migration deleted while it is held takes green with it, and the audit log tells why', async () => {
    const { scene } = topology;
    const before = await topology.physical();
    await scene.apply({ kind: 'Pipeline', name: 'priced', spec: { sql: 'INSERT INTO priced SELECT id, amount FROM orders WHERE amount < 40' } });
    await scene.migrate('held', ['Pipeline/priced']);
    await scene.inPhase('held', 'Held');
    await scene.remove('StreamMigration', 'held');
    await gone(scene, 'StreamMigration', 'held');
    expect(await madeBy('held')).toEqual([]);
    expect(await topology.physical()).toEqual(before);
    const lines = (await topology.audit()).filter(({ audit, why }) => audit === 'DeleteRevision' && String(why).startsWith('migration held'));
    expect(lines).toHaveLength(3);
    await topology.apply(1);
  });

  test('a migration deleted in a rollback that has not moved readers leaves them on green, which goes on', async () => {
    const { scene } = topology;
    await topology.apply(2);
    await scene.migrate('undecided', ['Pipeline/priced'], { soak: '10m' });
    await scene.inPhase('undecided', 'Soaking');
    const green = (await madeBy('undecided')).map(({ metadata }) => metadata.name).sort();
    const [worker] = scene.grue.workers;
    worker?.kill('SIGSTOP');
    await topology.produce(20);
    await scene.ask('undecided', 'rollback');
    await scene.inPhase('undecided', 'RollingBack');
    await scene.remove('StreamMigration', 'undecided');
    await gone(scene, 'StreamMigration', 'undecided');
    worker?.kill('SIGCONT');
    expect((await madeBy('undecided')).map(({ metadata }) => metadata.name).sort()).toEqual(green);
    await topology.shows(2);
    await becomes(
      'blue to be retired',
      () => scene.revisions(),
      (all) => all.find(({ metadata }) => metadata.name === 'connection-priced-1')?.status?.role === 'retired',
    );
  });

  test('without their Platform Revisions hold and go on, and say what is missing', async () => {
    const before = await topology.physical();
    await topology.scene.remove('Platform', 'default');
    const names = await revisions();
    const live = names.find((name) => name.startsWith('connection-priced-') && name !== 'connection-priced-1') ?? '';
    const ready = await becomes(
      'the sink to tell',
      async () => (await topology.scene.revisions()).find(({ metadata }) => metadata.name === live)?.status?.conditions?.find(({ type }) => type === 'Ready'),
      (found) => found?.reason === 'PlatformUnavailable',
    );
    expect(ready).toMatchObject({ status: 'Unknown', message: expect.stringContaining('GRUE-PLT-001') });
    expect(ready?.message).toContain('create it');
    await topology.produce(20);
    await topology.shows(2);
    expect([await revisions(), await topology.physical()]).toEqual([names, before]);
    await topology.scene.apply(platform());
    await conditionBecomes(topology.scene, 'Revision', live, 'Ready', 'True');
  });

  test('without its Platform a Revision that is deleted is let go in the end, and what it made is left and named', async () => {
    const before = await topology.physical();
    await topology.scene.remove('Platform', 'default');
    await topology.scene.remove('Revision', 'connection-priced-1');
    await conditionBecomes(topology.scene, 'Revision', 'connection-priced-1', 'Ready', 'Unknown', 'GRUE-PLT-001');
    await gone(topology.scene, 'Revision', 'connection-priced-1');
    const [line] = await leftBehind('connection-priced-1');
    expect(line?.['message']).toContain('.priced.1-');
    await topology.scene.apply(platform());
    expect(await topology.physical()).toEqual(before);
  });

  test('a migration deleted while its Platform is gone does not wait for it for ever', async () => {
    const { scene } = topology;
    await topology.apply(3);
    await scene.migrate('stranded', ['Pipeline/priced'], { manual: ['Flip'] });
    await scene.inPhase('stranded', 'AwaitingApproval');
    const before = await topology.physical();
    await scene.remove('Platform', 'default');
    await scene.remove('StreamMigration', 'stranded');
    await gone(scene, 'StreamMigration', 'stranded');
    await becomes(
      'green to be let go',
      () => madeBy('stranded'),
      (left) => left.length === 0,
    );
    await scene.apply(platform());
    expect(await topology.physical()).toEqual(before);
    await topology.shows(2);
  });

  test('a pipeline that was deleted and has a successor is left out of what a migration makes', async () => {
    const { scene } = topology;
    await topology.apply(2);
    await topology.remove('Pipeline/priced');
    await scene.apply({ kind: 'Pipeline', name: 'repriced', spec: { sql: 'INSERT INTO priced SELECT id, amount * 4 AS amount FROM orders' } });
    await scene.migrate('succession', ['Pipeline/repriced']);
    await scene.inPhase('succession', 'Completed');
    await topology.produce(20);
    await topology.shows(4);
    const pipelines = (await scene.revisions()).filter(({ spec, status }) => spec.pipeline && status?.role !== 'retired');
    expect(pipelines.map(({ spec }) => spec.of.name)).toEqual(['repriced']);
  });
});
