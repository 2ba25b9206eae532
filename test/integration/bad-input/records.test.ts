import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openKafkaCluster } from '../../../src/drivers/kafka/cluster.ts';
import { stack } from '../../stack/for-tests.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds, type Row, type Written } from '../../support/workspace.ts';
import { contentBecomes, openScene, platform, type Scene } from '../migration/scene.ts';

interface Letter {
  readonly code: string;
  readonly reason: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly origin: string | null;
}

const megabytes = (count: number): string => 'x'.repeat(count * 1_000_000);

describe('bad records among good ones', () => {
  let scene: Scene;
  const good: Row[] = [];
  const alias = (name: string) => `${scene.namespace}-${name}`;
  const schema = (...fields: readonly (readonly [string, string])[]) => ({ fields: fields.map(([name, type]) => ({ name, type })) });
  const sink = (stream: string): Written => ({
    kind: 'Connection',
    name: stream,
    spec: { type: 'Sink', connector: 'elasticsearch', stream, destination: { alias: alias(stream), settings: { number_of_replicas: 0 } } },
  });
  const cleaned = (expression: string): readonly Written[] => [
    { kind: 'Pipeline', name: 'cleaned', spec: { sql: `INSERT INTO cleaned SELECT id, ${expression} AS name FROM events` } },
    { kind: 'Stream', name: 'cleaned', spec: { type: 'Append', schema: schema(['id', 'INT'], ['name', 'STRING']) } },
  ];
  const event = (id: number): Row => ({ id, name: `n${id % 7}` });

  /** The dead letters of a stage, by the offset of the record that they are about. */
  const letters = async (revision: string): Promise<ReadonlyMap<string, Letter>> => {
    const topic = (await scene.revisions()).find(({ metadata }) => metadata.name === revision)?.spec.physical.deadLetters;
    if (topic === undefined) return new Map();
    const kafka = openKafkaCluster({ bootstrapServers: [stack().kafka.bootstrapServers].flat(), clientId: 'test' });
    const signal = AbortSignal.timeout(30_000);
    try {
      const to = (await kafka.offsets([topic], 'HighWatermark', signal)).get(topic)?.[0] ?? 0n;
      const found = new Map<string, Letter>();
      for await (const { value } of kafka.read(topic, 0, 0n, to, signal)) {
        const letter = JSON.parse(value?.toString() ?? 'null') as Letter;
        found.set(letter.offset, letter);
      }
      return found;
    } finally {
      await kafka.close();
    }
  };
  const codes = async (revision: string) => Object.fromEntries([...(await letters(revision))].map(([offset, { code }]) => [offset, code]));
  const codesBecome = (revision: string, expected: Readonly<Record<string, string>>) =>
    eventually(
      `dead letters of ${revision}`,
      async () => (JSON.stringify(await codes(revision)) === JSON.stringify(expected) ? true : undefined),
      patienceSeconds,
      () => codes(revision),
    );

  beforeAll(async () => {
    scene = await openScene('records');
    await scene.createTopic(`${scene.namespace}-events`, 1, { 'max.message.bytes': '15000000' });
    await scene.createTopic(`${scene.namespace}-people`, 1);
    for (let id = 0; id < 40; id++) good.push(event(id));
    await scene.produce(`${scene.namespace}-events`, [
      ...good.slice(0, 20).map((row) => ({ value: JSON.stringify(row) })),
      { value: 'no JSON at all' }, //                          20
      { value: '{"id": 20, "name": "cut o' }, //               21
      { value: '{"id": "twenty", "name": "n"}' }, //           22
      { value: '{"id": 20.5, "name": "n"}' }, //               23
      { value: '[1, 2]' }, //                                  24
      { value: null }, //                                      25
      { value: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) }, //     26
      ...good.slice(20).map((row) => ({ value: JSON.stringify(row) })),
    ]);
    // A request of its own, because those are bounded too.
    good.push({ id: 40, name: megabytes(10) });
    await scene.produce(`${scene.namespace}-events`, [{ value: JSON.stringify(good[40]) }]); // 47
    await scene.apply(
      platform(),
      {
        kind: 'Stream',
        name: 'events',
        spec: { type: 'Append', external: { topic: `${scene.namespace}-events` }, schema: schema(['id', 'INT'], ['name', 'STRING']) },
      },
      ...cleaned('name'),
      sink('cleaned'),
    );
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const refused = {
    20: 'GRUE-REC-001',
    21: 'GRUE-REC-001',
    22: 'GRUE-REC-002',
    23: 'GRUE-REC-002',
    24: 'GRUE-REC-001',
    25: 'GRUE-REC-001',
    26: 'GRUE-REC-001',
  };

  test('each is in the dead letters with its place and the reason, and all others are documents', async () => {
    await codesBecome('pipeline-cleaned-1', refused);
    const letter = (await letters('pipeline-cleaned-1')).get('22');
    expect(letter).toMatchObject({ topic: `${scene.namespace}-events`, partition: 0, origin: 'events|0|0|22|', reason: expect.stringContaining('id') });
    // That of 10 MB is long and not bad.
    await contentBecomes(scene, alias('cleaned'), good);
  });

  test('a migration agrees about them: both colours refuse the same records', async () => {
    await scene.apply(...cleaned('upper(name)'));
    await scene.migrate('shouting', ['Pipeline/cleaned']);
    const done = await scene.inPhase('shouting', 'Completed', 'Held');
    expect(done.status?.gates?.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual(expect.arrayContaining(['DeadLetters Pass', 'Parity Pass']));
    expect(await codes('pipeline-cleaned-2')).toEqual(refused);
    await contentBecomes(
      scene,
      alias('cleaned'),
      good.map(({ id, name }) => ({ id, name: String(name).toUpperCase() })),
    );
  });

  test('records that only green refuses are a failed gate, with examples', async () => {
    await scene.apply(...cleaned('CASE WHEN id = 7 THEN CAST(CAST(name AS INTEGER) AS VARCHAR) ELSE name || name END'));
    await scene.migrate('picky', ['Pipeline/cleaned']);
    const held = await scene.inPhase('picky', 'Held', 'Completed');
    expect(held.status?.gates?.find(({ name }) => name === 'DeadLetters')).toMatchObject({
      outcome: 'Fail',
      observed: expect.stringContaining('events|0|0|7|'),
    });
    // The last one became longer than its topic takes.
    expect(await codes('pipeline-cleaned-3')).toEqual({ ...refused, 7: 'GRUE-REC-005', 47: 'GRUE-REC-004' });
    await scene.ask('picky', 'abort');
    await scene.inPhase('picky', 'Aborted');
  });

  test('where a key is needed, a record without one is a dead letter, and a deletion without one too', async () => {
    const person = (id: number, name: string) => ({ key: JSON.stringify({ id }), value: JSON.stringify({ id, name }) });
    await scene.produce(`${scene.namespace}-people`, [
      person(1, 'Ada'),
      { value: JSON.stringify({ id: 2, name: 'keyless' }) }, //                                   1
      { key: JSON.stringify({ id: 3 }), value: JSON.stringify({ id: 4, name: 'of two minds' }) }, // 2
      { value: null }, //                                                                          3
      { key: JSON.stringify({ name: 'x' }), value: null }, //                                      4
      person(5, 'Grace'),
      { key: JSON.stringify({ id: 1 }), value: null },
    ]);
    await scene.apply(
      {
        kind: 'Stream',
        name: 'people',
        spec: {
          type: 'Change',
          external: { topic: `${scene.namespace}-people` },
          keys: { primary: ['id'] },
          schema: schema(['id', 'BIGINT'], ['name', 'STRING']),
        },
      },
      sink('people'),
    );
    await codesBecome('connection-people-1', { 1: 'GRUE-REC-003', 2: 'GRUE-REC-003', 3: 'GRUE-REC-003', 4: 'GRUE-REC-003' });
    await contentBecomes(scene, alias('people'), [{ id: 5, name: 'Grace' }]);
    await scene.migrate('people-again', ['Connection/people'], { rebuild: true });
    expect((await scene.inPhase('people-again', 'Completed', 'Held')).status?.phase).toBe('Completed');
    expect(await codes('connection-people-2')).toEqual(await codes('connection-people-1'));
    await contentBecomes(scene, alias('people'), [{ id: 5, name: 'Grace' }]);
  });
});
