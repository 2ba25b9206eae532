import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Written } from '../../support/workspace.ts';
import { contentBecomes, openScene, platform, type Scene } from '../migration/scene.ts';
import { conditionBecomes } from './conditions.ts';

const schema = { fields: ['id', 'delay'].map((name) => ({ name, type: 'BIGINT' })) };
const stream = (name: string, spec: object = {}): Written => ({ kind: 'Stream', name, spec: { type: 'Append', schema, ...spec } });
const pipeline = (name: string, sql: string, spec: object = {}): Written => ({ kind: 'Pipeline', name, spec: { sql, ...spec } });

/** All of it in one namespace, so that what is wrong is seen not to spoil what is right. */
describe('definitions with a mistake, on real servers', () => {
  let scene: Scene;
  const alias = (name: string) => `${scene.namespace}-${name}`;
  const sink = (name: string, of: string, to = alias(name), spec: object = {}): Written => ({
    kind: 'Connection',
    name,
    spec: { type: 'Sink', connector: 'elasticsearch', stream: of, destination: { alias: to, settings: { number_of_replicas: 0 } }, ...spec },
  });
  const refused = (kind: 'Stream' | 'Pipeline' | 'Connection', name: string, text: string) => conditionBecomes(scene, kind, name, 'Accepted', 'False', text);

  beforeAll(async () => {
    scene = await openScene('definitions');
    await scene.createTopic(`${scene.namespace}-flights`, 2);
    await scene.apply(
      platform(),
      stream('flights', { external: { topic: `${scene.namespace}-flights` } }),
      pipeline('good', 'INSERT INTO good SELECT id, delay FROM flights'),
      stream('good'),
      sink('good', 'good'),
    );
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test('pipelines that feed each other are told the way around', async () => {
    await scene.apply(
      stream('round'),
      stream('trip'),
      pipeline('there', 'INSERT INTO trip SELECT id, delay FROM round'),
      pipeline('back', 'INSERT INTO round SELECT id, delay FROM trip'),
    );
    const { message } = await refused('Pipeline', 'there', 'GRUE-API-003');
    expect(message).toContain('Pipeline/there -> Stream/trip -> Pipeline/back -> Stream/round -> Pipeline/there');
    await refused('Stream', 'trip', 'GRUE-API-003');
  });

  test('a reference that dangles names what is missing, and is no mistake any more once that is there', async () => {
    await scene.apply(sink('early', 'late'));
    await refused('Connection', 'early', 'GRUE-API-002 at spec.stream: it is attached to Stream/late, which does not exist');
    await scene.apply(stream('late'), pipeline('late', 'INSERT INTO late SELECT id, delay FROM flights'));
    await conditionBecomes(scene, 'Connection', 'early', 'Ready', 'True');
  });

  test('of two sinks with one alias both are told of the other, and neither is installed', async () => {
    await scene.apply(sink('one', 'good', alias('shared')), sink('two', 'good', alias('shared')));
    await refused('Connection', 'one', 'GRUE-API-004 at spec.destination.alias: Connection/two');
    await refused('Connection', 'two', 'GRUE-API-004 at spec.destination.alias: Connection/one');
    await scene.remove('Connection', 'two');
    await conditionBecomes(scene, 'Connection', 'one', 'Ready', 'True');
  });

  test('an alias that is an index is refused, and the index is left as it is', async () => {
    await scene.search(`${alias('index')}/_doc/1?refresh=true`, { method: 'PUT', body: '{"mine":true}' });
    await scene.apply(sink('over-index', 'good', alias('index')));
    await refused('Connection', 'over-index', 'GRUE-ES-001 at spec.destination.alias');
    expect(await scene.search(`${alias('index')}/_doc/1`)).toMatchObject({ found: true, _source: { mine: true } });
  });

  test('an alias that others have made is refused, and stays where it is', async () => {
    await scene.search(`${alias('theirs')}-1`, { method: 'PUT', body: JSON.stringify({ aliases: { [alias('theirs')]: {} } }) });
    await scene.apply(sink('over-alias', 'good', alias('theirs')));
    await refused('Connection', 'over-alias', 'GRUE-ES-003 at spec.destination.alias');
    expect(Object.keys((await scene.search(`_alias/${alias('theirs')}`)) as object)).toEqual([`${alias('theirs')}-1`]);
  });

  test('a Platform that does not exist is named', async () => {
    await scene.apply(sink('nowhere', 'good', alias('nowhere'), { platformRef: { name: 'moon' } }));
    await refused('Connection', 'nowhere', 'GRUE-PLT-001');
  });

  test('an external topic that does not exist is named', async () => {
    await scene.apply(stream('ghost', { external: { topic: `${scene.namespace}-ghost` } }));
    await refused('Stream', 'ghost', `GRUE-KFK-001 at spec.external.topic: topic ${scene.namespace}-ghost does not exist`);
  });

  test.each([
    ['two statements', 'INSERT INTO made SELECT id, delay FROM flights; DROP TABLE flights', 'GRUE-SQL-002'],
    ['a file', "INSERT INTO made SELECT id, delay FROM read_csv('/etc/passwd')", 'GRUE-SQL-00'],
    ['a file by its name', "INSERT INTO made SELECT id, delay FROM '/etc/passwd'", 'GRUE-SQL-00'],
    ['an aggregation', 'INSERT INTO made SELECT id, sum(delay) AS delay FROM flights GROUP BY id', 'engine: flink'],
    ['an unknown column, with its position', 'INSERT INTO made SELECT id,\n  dealy AS delay FROM flights', 'GRUE-SQL-003 at line 2, column 3'],
    ['no SQL at all', 'make me a sandwich', 'GRUE-SQL-00'],
  ])('SQL with %s is refused before anything is made', async (title, sql, text) => {
    const name = title.replaceAll(/[^a-z]+/g, '-');
    await scene.apply(stream('made'), pipeline(name, sql));
    await refused('Pipeline', name, text);
    await scene.remove('Pipeline', name);
  });

  test('beside all of this the sound ones work', async () => {
    const flights = Array.from({ length: 20 }, (_, id) => ({ id, delay: id }));
    await scene.produce(
      `${scene.namespace}-flights`,
      flights.map((flight) => ({ value: JSON.stringify(flight) })),
    );
    await contentBecomes(scene, alias('good'), flights);
    await contentBecomes(scene, alias('shared'), flights);
  });
});
