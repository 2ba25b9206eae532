import { describe, expect, test } from 'vitest';
import { kinds } from '../../../src/api/kinds.ts';
import {
  alias,
  type Cluster,
  documents,
  doubled,
  flowsOn,
  identities,
  isSettled,
  namespace,
  openShop,
  pass,
  physical,
  produce,
  type ServersOfAll,
  sinkOne,
  until,
} from './scene.ts';

const ready = (cluster: Cluster): string => cluster.condition('Connection', alias, 'Ready') ?? '';
const accepted = (cluster: Cluster): string => cluster.condition('Connection', alias, 'Accepted') ?? '';
const indexOf = (cluster: Cluster, name = sinkOne): string =>
  cluster.find<{ spec: { physical: { index: string } } }>('Revision', name)?.spec.physical.index ?? '';
const topicOf = (cluster: Cluster, name: string): string =>
  cluster.find<{ spec: { physical: { topic: string } } }>('Revision', name)?.spec.physical.topic ?? '';

async function migrate(servers: ServersOfAll, cluster: Cluster, name: string, sql = doubled): Promise<void> {
  cluster.apply('Pipeline', 'clean', { sql });
  cluster.apply('StreamMigration', name, { resources: [{ kind: 'Pipeline', name: 'clean' }], soak: '2s' });
  await until(
    servers,
    `${name} is completed`,
    () => cluster.migration(name)?.status?.outcome === 'Completed',
    () => cluster.migration(name)?.status,
  );
}

describe('an alias that somebody moves', () => {
  test('to an index of others: what fed the old one goes on, it is said where the alias was, and moved back nothing is missing', async () => {
    const { servers, cluster } = await openShop();
    const before = identities(cluster);
    const index = indexOf(cluster);
    servers.search.createIndex({ name: 'theirs', mappings: {}, settings: {} });
    servers.search.removeAlias(alias);
    servers.search.setAlias(alias, 'theirs');
    await until(
      servers,
      'it is said',
      () => ready(cluster).startsWith('GRUE_ES_004'),
      () => ready(cluster),
    );
    expect(ready(cluster)).toContain(`alias ${alias} is on theirs, which is not ours; readers were on ${index} of ${sinkOne}`);
    produce(servers);
    await pass(servers, 20);
    expect(servers.search.documents(index)).toHaveLength(20);
    servers.search.removeAlias(alias);
    servers.search.setAlias(alias, index);
    await until(
      servers,
      'it is well again',
      () => ready(cluster).startsWith('Running'),
      () => ready(cluster),
    );
    expect(identities(cluster)).toEqual(before);
  });

  test('to an older index of ours: readers get what they were given, the newer one stays fed, and the condition names both', async () => {
    const { servers, cluster } = await openShop();
    const old = indexOf(cluster);
    await migrate(servers, cluster, 'double');
    const newer = indexOf(cluster, 'connection-orders-found-2');
    servers.search.removeAlias(alias);
    servers.search.setAlias(alias, old);
    await until(
      servers,
      'it is said',
      () => ready(cluster).startsWith('GRUE_ES_004'),
      () => ready(cluster),
    );
    expect(ready(cluster)).toContain(`of ${sinkOne}; readers were on ${newer} of connection-orders-found-2`);
    produce(servers);
    await pass(servers, 90);
    expect(servers.search.documents(newer)).toHaveLength(20);
    expect(cluster.revisions().map(({ metadata }) => metadata.name)).not.toContain('stream-cleaned-1');
  });

  test('away: the same, and a deletion of the Revision gives the old index up, so that it is built anew', async () => {
    const { servers, cluster } = await openShop();
    servers.search.removeAlias(alias);
    await until(
      servers,
      'it is said',
      () => ready(cluster).startsWith('GRUE_ES_004'),
      () => ready(cluster),
    );
    expect(ready(cluster)).toContain(`alias ${alias} is gone`);
    const index = indexOf(cluster);
    cluster.store.remove(kinds.Revision, { namespace, name: sinkOne });
    await until(
      servers,
      'there is a new index',
      () => documents(servers) === 10,
      () => cluster.revisions().map(({ metadata, status }) => [metadata.name, status]),
    );
    expect(servers.search.snapshot().aliases[alias]).not.toHaveProperty(index);
    expect(Object.keys(servers.search.snapshot().aliases[alias] ?? {})).toEqual([expect.stringContaining(`${namespace}.${alias}.2-`)]);
  });
});

describe('an index', () => {
  test('that somebody deletes is not built anew by itself, and the way out is said', async () => {
    const { servers, cluster } = await openShop();
    servers.search.deleteIndex(indexOf(cluster));
    await until(
      servers,
      'it is said',
      () => ready(cluster).startsWith('GRUE_ES_005'),
      () => ready(cluster),
    );
    expect(ready(cluster)).toMatch(/does not exist any more \(delete Revision connection-orders-found-1 to build it anew\)/);
    await pass(servers, 120);
    expect(servers.search.history().filter((line) => line.startsWith('created index grue.shop'))).toHaveLength(1);
    cluster.store.remove(kinds.Revision, { namespace, name: sinkOne });
    await until(
      servers,
      'there is a new index',
      () => documents(servers) === 10,
      () => cluster.revisions().map(({ metadata, status }) => [metadata.name, status]),
    );
  });

  test('that is restored from a snapshot is another one: it is said, and it is not written to as if nothing were missing', async () => {
    const { servers, cluster } = await openShop();
    const index = indexOf(cluster);
    const checkpoint = servers.search.checkpoint();
    servers.search.deleteIndex(index);
    servers.search.restoreIndex(checkpoint, index);
    await until(
      servers,
      'it is said',
      () => ready(cluster).startsWith('GRUE_ES_005'),
      () => ready(cluster),
    );
    expect(ready(cluster)).toContain('it was restored or made again');
    expect(physical(servers).some((line) => line.startsWith(`index ${index} `))).toBe(true);
  });

  test('whose mark was edited is left alone when the Revisions are lost, and nothing is made beside it or removed', async () => {
    const { servers, cluster } = await openShop();
    const index = indexOf(cluster);
    servers.search.setMeta(index, { grue: { installation: 'grue/one', namespace, chain: 'nonsense' } });
    cluster.lose('Revision', sinkOne);
    for (const { metadata } of cluster.revisions()) cluster.store.remove(kinds.Revision, metadata);
    const before = physical(servers);
    await until(
      servers,
      'it is said',
      () => accepted(cluster).includes('GRUE-ES-007'),
      () => accepted(cluster),
    );
    expect(accepted(cluster)).toContain('its mark is damaged at');
    await pass(servers, 300);
    expect(physical(servers)).toEqual(before);
  });

  test('whose mark names a topic of others makes nobody touch that topic', async () => {
    const { servers, cluster } = await openShop();
    const index = indexOf(cluster);
    const meta = structuredClone(servers.search.snapshot().indices[index]?.meta) as { grue: { chain: { spec: { physical: { topic?: string } } }[] } };
    for (const { spec } of meta.grue.chain) if (spec.physical.topic?.startsWith('grue')) spec.physical.topic = 'payments';
    servers.search.setMeta(index, meta);
    cluster.lose('Revision');
    await until(
      servers,
      'it is said',
      () => accepted(cluster).includes('GRUE-ES-007'),
      () => accepted(cluster),
    );
    expect(cluster.revisions()).toEqual([]);
  });
});

describe('a topic that was made again under its name', () => {
  test('is not taken for the old one, even if all statuses are lost', async () => {
    const { servers, cluster } = await openShop();
    servers.kafka.recreateTopic(topicOf(cluster, 'stream-cleaned-1'));
    cluster.loseStatus('Revision');
    const state = () => cluster.find<{ status?: { state?: string; conditions?: { type: string; message: string }[] } }>('Revision', 'stream-cleaned-1')?.status;
    await until(servers, 'it is said', () => state()?.state === 'Failed', state);
    expect(state()?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain('GRUE-KFK-004');
    expect(state()).not.toHaveProperty('uuids');
  });

  test('of others is not taken for the old one, even if all Revisions are lost', async () => {
    const { servers, cluster } = await openShop();
    servers.kafka.recreateTopic('orders');
    cluster.lose('Revision');
    const state = () => cluster.find<{ status?: { state?: string; conditions?: { type: string; message: string }[] } }>('Revision', 'stream-orders-1')?.status;
    await until(servers, 'it is said', () => state()?.state === 'Failed', state);
    expect(state()?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain('GRUE-KFK-004');
  });

  test('is not made anew where it is gone and the Revisions are lost', async () => {
    const { servers, cluster } = await openShop();
    const topic = topicOf(cluster, 'stream-cleaned-1');
    servers.kafka.deleteTopic(topic);
    cluster.lose('Revision');
    await pass(servers, 60);
    expect(servers.kafka.snapshot().topics).not.toHaveProperty([topic]);
    expect(documents(servers)).toBe(10);
  });
});

test('numbers of what was lost and is still there are not used again', async () => {
  const { servers, cluster } = await openShop();
  servers.search.removeAlias(alias);
  cluster.lose('Revision');
  const before = physical(servers);
  await until(
    servers,
    'a new installation',
    () => isSettled(cluster),
    () => cluster.revisions(),
  );
  expect(
    cluster
      .revisions()
      .map(({ metadata }) => metadata.name)
      .sort(),
  ).toEqual(['connection-orders-found-2', 'pipeline-clean-2', 'stream-cleaned-2', 'stream-orders-2']);
  expect(physical(servers)).toEqual(expect.arrayContaining([...before]));
  await flowsOn(servers, 10);
});

test('a Kafka that was restored to an earlier time: documents are younger than their topic, and that is said', async () => {
  const { servers, cluster } = await openShop();
  const checkpoint = servers.kafka.checkpoint();
  produce(servers, 20);
  await until(
    servers,
    'the new records',
    () => documents(servers) === 30,
    () => documents(servers),
  );
  servers.kafka.down = true;
  await pass(servers, 60);
  servers.kafka.restore(checkpoint);
  servers.kafka.down = false;
  await until(
    servers,
    'it is said',
    () => ready(cluster).startsWith('GRUE_KFK_010'),
    () => ready(cluster),
  );
  expect(ready(cluster)).toMatch(/holds 20 documents from beyond the end .* of Stream\/orders ends at 5/);
  expect(documents(servers)).toBe(30);
});
