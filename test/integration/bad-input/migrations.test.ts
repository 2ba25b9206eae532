import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamMigration } from '../../../src/api/stream-migration.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { stack } from '../../stack/for-tests.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds, type Row, type Written } from '../../support/workspace.ts';
import { contentBecomes, openScene, platform, type Scene } from '../migration/scene.ts';
import { conditionBecomes } from './conditions.ts';

describe('migrations that cannot be, or are taken away', () => {
  let scene: Scene;
  let topic: string;
  let factor = 1;
  /** What readers are to see. */
  let seen = 1;
  const visits: Row[] = [];

  const schema = {
    fields: [
      { name: 'id', type: 'BIGINT' },
      { name: 'page', type: 'STRING' },
      { name: 'seconds', type: 'BIGINT' },
    ],
  };
  const pipeline = (by: number): Written => ({
    kind: 'Pipeline',
    name: 'visits',
    spec: { sql: `INSERT INTO counted SELECT id, page, seconds * ${by} AS seconds FROM visits` },
  });
  const sink = (mappings?: object): Written => ({
    kind: 'Connection',
    name: 'visits',
    spec: {
      type: 'Sink',
      connector: 'elasticsearch',
      stream: 'counted',
      destination: { alias: scene.namespace, ...(mappings ? { mappings } : {}), settings: { number_of_replicas: 0 } },
    },
  });
  const produce = async (count: number) => {
    const made = Array.from({ length: count }, (_, i) => ({ id: visits.length + i, page: `/${(visits.length + i) % 9}`, seconds: (visits.length + i) % 60 }));
    await scene.produce(
      topic,
      made.map((visit) => ({ value: JSON.stringify(visit) })),
    );
    visits.push(...made);
  };
  const rows = (by: number) => visits.map((visit) => ({ ...visit, seconds: Number(visit['seconds']) * by }));
  const change = async (name: string, spec: object = {}) => {
    factor += 1;
    await scene.apply(pipeline(factor));
    await scene.migrate(name, ['Pipeline/visits'], spec);
  };
  const gone = (name: string) =>
    eventually(
      `migration ${name} to be gone`,
      async () => ((await scene.object('StreamMigration', name)) === undefined ? true : undefined),
      patienceSeconds,
      () => scene.object('StreamMigration', name),
    );
  const made = async (name: string) => (await scene.revisions()).filter(({ spec }) => spec.migration === name).map(({ metadata }) => metadata.name);
  const madeBecomes = (name: string, count: number) =>
    eventually(
      `${count} Revisions of ${name}`,
      async () => ((await made(name)).length === count ? true : undefined),
      patienceSeconds,
      () => made(name),
    );
  const live = async () => [...new Set((await scene.documents(scene.namespace)).map(({ _index }) => _index))];

  beforeAll(async () => {
    scene = await openScene('migrations');
    topic = `${scene.namespace}-visits`;
    await scene.createTopic(topic, 1);
    await produce(1_500);
    await scene.apply(
      platform(),
      { kind: 'Stream', name: 'visits', spec: { type: 'Append', external: { topic }, schema } },
      pipeline(1),
      { kind: 'Stream', name: 'counted', spec: { type: 'Append', schema } },
      sink(),
    );
    await contentBecomes(scene, scene.namespace, rows(1));
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test('mappings that Elasticsearch refuses are told in its words, and nothing moves', async () => {
    await scene.apply(sink({ properties: { page: { type: 'nonsense' } } }));
    await scene.migrate('nonsense', ['Connection/visits']);
    const { message } = await conditionBecomes(scene, 'StreamMigration', 'nonsense', 'Stalled', 'True', 'GRUE-ES-002');
    expect(message).toContain('nonsense');
    expect(await live()).toEqual([expect.stringContaining('.visits.1-')]);
    await scene.ask('nonsense', 'abort');
    await scene.inPhase('nonsense', 'Aborted');
  });

  test('mappings that take no document of green stop its stage, which says why, and nothing moves', async () => {
    await scene.apply(sink({ properties: { page: { type: 'integer' } } }));
    await scene.migrate('no-integer', ['Connection/visits']);
    await scene.inPhase('no-integer', 'CatchingUp');
    await scene.apply(sink());
    const { message } = await conditionBecomes(scene, 'StreamMigration', 'no-integer', 'Stalled', 'True', 'GRUE-REC-006');
    expect(message).toContain('connection-visits-');
    await scene.ask('no-integer', 'abort');
    await scene.inPhase('no-integer', 'Aborted');
    expect(await live()).toEqual([expect.stringContaining('.visits.1-')]);
  });

  test('what a migration is about cannot be edited; another migration is the way', async () => {
    await change('fixed', { manual: ['Flip'] });
    await expect(scene.migrate('fixed', ['Stream/counted'], { manual: ['Flip'] })).rejects.toThrow('resources is immutable: make a new migration');
    await expect(scene.migrate('fixed', ['Pipeline/visits'], { manual: ['Flip'], rebuild: true })).rejects.toThrow('rebuild is immutable');
  });

  test('an edit of a resource in mid-migration is pending, and the migration rolls out what it began with', async () => {
    await scene.inPhase('fixed', 'AwaitingApproval');
    await scene.apply(pipeline(99));
    await conditionBecomes(scene, 'Pipeline', 'visits', 'Synced', 'False');
    await scene.ask('fixed', 'promote');
    await scene.inPhase('fixed', 'Completed');
    seen = factor;
    await contentBecomes(scene, scene.namespace, rows(seen));
    const { reason } = await conditionBecomes(scene, 'Pipeline', 'visits', 'Synced', 'False');
    expect(reason).toBe('Pending');
  });

  test('deleted before it has a plan, a migration leaves nothing', async () => {
    await change('paused', { paused: true });
    await scene.inPhase('paused', 'Pending');
    await scene.remove('StreamMigration', 'paused');
    await gone('paused');
    expect(await made('paused')).toEqual([]);
  });

  test('deleted while green catches up, it takes green with it', async () => {
    const [worker] = scene.grue.workers;
    await change('hurried');
    await madeBecomes('hurried', 3);
    worker?.kill('SIGSTOP');
    await scene.inPhase('hurried', 'CatchingUp', 'Provisioning');
    await scene.remove('StreamMigration', 'hurried');
    worker?.kill('SIGCONT');
    await gone('hurried');
    expect(await made('hurried')).toEqual([]);
  });

  test('deleted while it waits for a person, it takes green with it, and readers stay', async () => {
    const before = await live();
    await change('unloved', { manual: ['Flip'] });
    await scene.inPhase('unloved', 'AwaitingApproval');
    await scene.remove('StreamMigration', 'unloved');
    await gone('unloved');
    expect([await made('unloved'), await live()]).toEqual([[], before]);
  });

  test('deleted in the soak, it leaves readers on green and retires blue without deleting its index', async () => {
    const [before = ''] = await live();
    await change('forgotten', { soak: '10m' });
    await scene.inPhase('forgotten', 'Soaking');
    seen = factor;
    await scene.remove('StreamMigration', 'forgotten');
    await gone('forgotten');
    const [after = ''] = await live();
    expect(after).not.toBe(before);
    await eventually(
      'blue to be retired',
      async () =>
        (await scene.revisions()).find(({ spec, status }) => spec.physical.index === before && status?.role === 'retired' && status.state === 'Stopped'),
      patienceSeconds,
      () => scene.revisions(),
    );
    expect(await scene.search(before)).toHaveProperty([before]);
    await produce(20);
    await contentBecomes(scene, scene.namespace, rows(seen));
  });

  test('deleted while blue is being torn down, it lets go of what is left', async () => {
    const [before = ''] = await live();
    const opened = (await scene.search(`${before}/_pit?keep_alive=5m`, { method: 'POST' })) as { readonly id: string };
    await change('interrupted', { soak: '1s' });
    await scene.inPhase('interrupted', 'TearingDown');
    seen = factor;
    await scene.remove('StreamMigration', 'interrupted');
    await gone('interrupted');
    await scene.search('_pit', { method: 'DELETE', body: JSON.stringify(opened) });
    expect(await scene.search(before)).toHaveProperty([before]);
    await contentBecomes(scene, scene.namespace, rows(seen));
  });

  test('without its Platform a migration holds, and goes on when that is back', async () => {
    await change('orphaned', { manual: ['Flip'] });
    await scene.inPhase('orphaned', 'AwaitingApproval');
    await scene.remove('Platform', 'default');
    await scene.ask('orphaned', 'promote');
    await conditionBecomes(scene, 'StreamMigration', 'orphaned', 'Stalled', 'True', 'GRUE-PLT-001');
    await produce(20);
    await scene.apply(platform());
    await scene.inPhase('orphaned', 'Completed');
    seen = factor;
    await contentBecomes(scene, scene.namespace, rows(seen));
  });

  test('a source that no longer holds what blue was made from is told before anything is made', async () => {
    const admin = new Kafka({ brokers: [stack().kafka.bootstrapServers].flat(), logLevel: logLevel.ERROR }).admin();
    await admin.connect();
    await admin.fetchTopicOffsets(topic); // kafkajs has to have heard of the topic
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '700' }] });
    await admin.disconnect();
    await change('too-late');
    await conditionBecomes(scene, 'StreamMigration', 'too-late', 'Stalled', 'True', 'GRUE-MIG-007');
    expect(await made('too-late')).toEqual([]);
    await scene.remove('StreamMigration', 'too-late');
    await contentBecomes(scene, scene.namespace, rows(seen));
  });

  test('further down, where the history still is, a change can be rolled out', async () => {
    await scene.apply(sink({ properties: { page: { type: 'text' } } }));
    await scene.migrate('further-down', ['Connection/visits']);
    const done = await scene.inPhase('further-down', 'Completed', 'Held', 'Failed');
    expect((done as StreamMigration & KubeObject).status).toMatchObject({ phase: 'Completed' });
    await contentBecomes(scene, scene.namespace, rows(seen));
  });
});
