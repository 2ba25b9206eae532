import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject, ResourceType } from '../../../src/controller/kube/api.ts';
import { stack } from '../../stack/for-tests.ts';
import { type AuthProxy, startAuthProxy } from '../../support/auth-proxy.ts';
import { type FlakyProxy, startFlakyProxy } from '../../support/flaky-proxy.ts';
import type { Row, Written } from '../../support/workspace.ts';
import { contentBecomes, openScene, type Scene } from '../migration/scene.ts';
import { conditionBecomes } from './conditions.ts';

const secrets: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };
const nobody = { bootstrapServers: ['127.0.0.1:1'] };

describe('servers that do not answer, or not to us', () => {
  let scene: Scene;
  let guarded: AuthProxy;
  let network: FlakyProxy;
  const rows: Row[] = [];
  const search = { username: 'grue', password: 'right' };

  const kafka = () => ({ bootstrapServers: [stack().kafka.bootstrapServers].flat() });
  const elasticsearch = () => ({ url: stack().elasticsearch.url });
  const platform = (name: string, spec: object): Written => ({ kind: 'Platform', name, spec: { kafka: kafka(), elasticsearch: elasticsearch(), ...spec } });
  const secret = async (name: string, values: Readonly<Record<string, string>>) => {
    const data = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: scene.namespace }, data } as KubeObject;
    await scene.grue.kube.apply(secrets, object, { fieldManager: 'test', force: true });
  };
  const ready = (name: string, status: 'True' | 'False', text?: string) => conditionBecomes(scene, 'Platform', name, 'Ready', status, text);
  const produce = async (count: number) => {
    const made = Array.from({ length: count }, (_, i) => ({ id: rows.length + i, name: `n${i % 3}` }));
    await scene.produce(
      `${scene.namespace}-people`,
      made.map((row) => ({ value: JSON.stringify(row) })),
    );
    rows.push(...made);
  };
  const topology = (sql: string): readonly Written[] => {
    const platformRef = { name: 'guarded' };
    const schema = {
      fields: [
        { name: 'id', type: 'BIGINT' },
        { name: 'name', type: 'STRING' },
      ],
    };
    const destination = { alias: scene.namespace, settings: { number_of_replicas: 0 } };
    return [
      { kind: 'Stream', name: 'people', spec: { platformRef, type: 'Append', external: { topic: `${scene.namespace}-people` }, schema } },
      { kind: 'Pipeline', name: 'named', spec: { platformRef, sql } },
      { kind: 'Stream', name: 'named', spec: { platformRef, type: 'Append', schema } },
      { kind: 'Connection', name: 'named', spec: { platformRef, type: 'Sink', connector: 'elasticsearch', stream: 'named', destination } },
    ];
  };

  beforeAll(async () => {
    scene = await openScene('servers');
    guarded = await startAuthProxy(stack().elasticsearch.url, search);
    network = await startFlakyProxy({ host: '127.0.0.1', port: Number(new URL(guarded.url).port) });
    await scene.createTopic(`${scene.namespace}-people`, 2);
    await produce(50);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
    await guarded?.[Symbol.asyncDispose]();
  });

  test('a Kafka that cannot be reached is told from an Elasticsearch that cannot, and a Secret that is missing from one without its keys', async () => {
    await scene.apply(
      platform('no-kafka', { kafka: nobody }),
      platform('no-search', { elasticsearch: { url: 'http://127.0.0.1:1' } }),
      platform('no-secret', { elasticsearch: { ...elasticsearch(), authentication: { secretRef: { name: 'lost' } } } }),
    );
    await ready('no-kafka', 'False', 'GRUE-PLT-002');
    await ready('no-search', 'False', 'GRUE-PLT-003');
    await ready('no-secret', 'False', 'GRUE-PLT-006: Secret lost does not exist');
    await secret('lost', { username: 'grue' });
    await ready('no-secret', 'False', 'GRUE-PLT-006: Secret lost has no key password');
    for (const name of ['no-kafka', 'no-search', 'no-secret']) await scene.remove('Platform', name);
  });

  test('wrong credentials are refused by name, and what waits for them starts as soon as the Secret is corrected', async () => {
    const { saslBootstrapServers, user, password } = stack().kafka;
    const sasl = { bootstrapServers: [saslBootstrapServers].flat(), authentication: { mechanism: 'SCRAM-SHA-256', secretRef: { name: 'kafka' } } };
    await secret('kafka', { username: user, password: 'wrong' });
    await secret('search', { ...search, password: 'wrong' });
    await scene.apply(platform('guarded', { kafka: sasl, elasticsearch: { url: network.url, authentication: { secretRef: { name: 'search' } } } }));
    await scene.apply(...topology('INSERT INTO named SELECT id, name FROM people'));
    expect((await ready('guarded', 'False', 'GRUE-PLT-004')).message).toContain('GRUE-PLT-005');
    await conditionBecomes(scene, 'Connection', 'named', 'Accepted', 'False', 'GRUE-PLT-004');
    await secret('kafka', { username: user, password });
    await ready('guarded', 'False', 'GRUE-PLT-005');
    await secret('search', search);
    await ready('guarded', 'True');
    await contentBecomes(scene, scene.namespace, rows);
  });

  test('a migration waits while Elasticsearch is away, says so, and goes on when it is back, with nothing lost', async () => {
    await scene.apply(...topology('INSERT INTO named SELECT id, upper(name) AS name FROM people'));
    await scene.migrate('shouting', ['Pipeline/named'], { manual: ['Flip'] });
    await scene.inPhase('shouting', 'AwaitingApproval');
    network.inject({ kind: 'Status', status: 503 });
    await produce(50);
    await scene.ask('shouting', 'promote');
    await conditionBecomes(scene, 'StreamMigration', 'shouting', 'Stalled', 'True', 'GRUE-PLT-003');
    network.heal();
    await scene.inPhase('shouting', 'Completed');
    await contentBecomes(
      scene,
      scene.namespace,
      rows.map(({ id, name }) => ({ id, name: String(name).toUpperCase() })),
    );
    expect((await scene.revisions()).filter(({ status }) => status?.state === 'Failed')).toEqual([]);
  });
});
