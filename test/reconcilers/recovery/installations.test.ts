import { describe, expect, test } from 'vitest';
import { requestAnnotations } from '../../../src/api/requests.ts';
import {
  alias,
  applyShop,
  type Cluster,
  clean,
  documents,
  doubled,
  flowsOn,
  identities,
  isSettled,
  openShop,
  pass,
  physical,
  type ServersOfAll,
  sinkOne,
  startCluster,
  until,
} from './scene.ts';

const ready = (cluster: Cluster): string => cluster.platform()?.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';

async function takeOver(servers: ServersOfAll, cluster: Cluster): Promise<string> {
  cluster.annotate('Platform', 'default', { [requestAnnotations.verb]: 'takeover', [requestAnnotations.id]: 'request-1' });
  const answer = () => cluster.platform()?.status?.requests?.find(({ id }) => id === 'request-1')?.result;
  await until(
    servers,
    'an answer',
    () => answer() !== undefined,
    () => cluster.platform()?.status,
  );
  return answer() ?? '';
}

describe('an empty cluster with Git, on servers that are full', () => {
  test('does nothing until it takes over, and then what is live goes on under its old names', async () => {
    const { servers, cluster } = await openShop();
    const before = { physical: physical(servers), identities: identities(cluster) };
    await cluster.stop();
    const heir = startCluster(servers, 'grue/two');
    applyShop(heir);
    await until(
      servers,
      'it is said',
      () => ready(heir).includes('GRUE-PLT-008'),
      () => heir.platform()?.status,
    );
    await pass(servers, 60);
    expect(ready(heir)).toContain('belongs to installation grue/one');
    expect(heir.revisions()).toEqual([]);
    expect(physical(servers)).toEqual(before.physical);

    expect(await takeOver(servers, heir)).toBe('accepted: 1 indices and 5 topics and groups now belong to grue/two');
    await until(
      servers,
      'the Revisions are there again',
      () => isSettled(heir),
      () => heir.revisions(),
    );
    expect(identities(heir)).toEqual(before.identities);
    expect(physical(servers)).toEqual(before.physical);
    await flowsOn(servers, 10);
    await pass(servers, 120);
    expect(heir.platform()?.status).not.toHaveProperty('orphans');
  });

  test('whose specs differ from what is live recovers what is live, and the specs are pending', async () => {
    const { servers, cluster } = await openShop();
    const before = identities(cluster);
    await cluster.stop();
    const heir = startCluster(servers, 'grue/two');
    applyShop(heir, doubled);
    await until(servers, 'it is said', () => ready(heir).includes('GRUE-PLT-008'));
    await takeOver(servers, heir);
    await until(servers, 'the Revisions are there again', () => isSettled(heir));
    expect(identities(heir)).toEqual(before);
    await until(servers, 'it is pending', () => heir.condition('Pipeline', 'clean', 'Synced')?.startsWith('Pending') ?? false);
  });
});

describe('a second installation on the same servers', () => {
  test('is refused and told whose they are, and the first one does not notice', async () => {
    const { servers, cluster } = await openShop();
    const before = { physical: physical(servers), identities: identities(cluster) };
    const second = startCluster(servers, 'grue/two');
    applyShop(second, doubled);
    await pass(servers, 120);
    expect(ready(second)).toMatch(/GRUE-PLT-008 .*installation grue\/one .*grue takeover/);
    expect(second.revisions()).toEqual([]);
    expect(second.migration('none')).toBeUndefined();
    expect(physical(servers)).toEqual(before.physical);
    expect(identities(cluster)).toEqual(before.identities);
    await flowsOn(servers, 10);
  });

  test('that takes over stops the first one, which says so and removes nothing', async () => {
    const { servers, cluster } = await openShop();
    const before = physical(servers);
    const second = startCluster(servers, 'grue/two');
    applyShop(second);
    await until(servers, 'it is said', () => ready(second).includes('GRUE-PLT-008'));
    await takeOver(servers, second);
    await until(
      servers,
      'the first one hears of it',
      () => ready(cluster).includes('GRUE-PLT-008'),
      () => cluster.platform()?.status,
    );
    await until(servers, 'the second one has it all', () => isSettled(second));
    for (const { metadata } of cluster.revisions()) cluster.store.remove({ plural: 'revisions' } as never, metadata);
    await pass(servers, 120);
    expect(physical(servers)).toEqual(before);
    await flowsOn(servers, 10);
  });

  test('is refused a takeover where the servers are not those that its Platform has recorded', async () => {
    const { servers, cluster } = await openShop();
    await cluster.stop();
    const heir = startCluster(servers, 'grue/two');
    applyShop(heir);
    heir.store.apply(
      { group: 'grue.dev', version: 'v1alpha1', plural: 'platforms', kind: 'Platform', namespaced: true },
      { apiVersion: 'grue.dev/v1alpha1', kind: 'Platform', metadata: { name: 'default', namespace: 'shop' }, status: { kafkaClusterId: 'another' } },
      'status',
      'grue-operator',
    );
    await until(servers, 'it is said', () => ready(heir).includes('GRUE-PLT-008'));
    expect(await takeOver(servers, heir)).toContain('refused: GRUE-PLT-007');
    await pass(servers, 60);
    expect(heir.revisions()).toEqual([]);
  });

  test('a request with a verb that nobody knows is refused, and that is recorded', async () => {
    const { servers, cluster } = await openShop();
    cluster.annotate('Platform', 'default', { [requestAnnotations.verb]: 'explode', [requestAnnotations.id]: 'request-1' });
    const answer = () => cluster.platform()?.status?.requests?.[0]?.result;
    await until(servers, 'an answer', () => answer() !== undefined);
    expect(answer()).toMatch(/^refused: GRUE-API-001 .*verb/);
  });
});

describe('what nobody knows any more', () => {
  test('is listed with why and since when, and stays', async () => {
    const { servers, cluster } = await openShop();
    const made = physical(servers);
    servers.search.removeAlias(alias);
    cluster.lose('Revision');
    await until(servers, 'a new installation', () => isSettled(cluster));
    await until(
      servers,
      'the list',
      () => (cluster.platform()?.status?.orphanCount ?? 0) > 0,
      () => cluster.platform()?.status,
    );
    const { orphans = [], orphanCount } = cluster.platform()?.status ?? {};
    expect(orphanCount).toBe(6);
    expect(orphans.map(({ kind }) => kind).sort()).toEqual(['Group', 'Group', 'Index', 'Topic', 'Topic', 'Topic']);
    expect(orphans.find(({ kind }) => kind === 'Index')?.why).toBe(`there is no Revision ${sinkOne}, which it was made for`);
    await pass(servers, 180);
    expect(cluster.platform()?.status?.orphans).toEqual(orphans);
    expect(physical(servers)).toEqual(expect.arrayContaining([...made]));
  });
});

test('a topic and a group under our names of which there is no note are listed as well, what others have called similarly is not', async () => {
  const { servers, cluster } = await openShop();
  const { kafka } = servers;
  for (const name of ['grue.shop.cleaned.7-abc123', 'grue.shop.clean.7-abc123.dead-letters', 'grue.shop.copy-of-cleaned', 'grue.shopping.cleaned.7-abc123'])
    kafka.createTopic({ name, partitions: 1, config: {} });
  await kafka.cluster.commitStart('grue.shop.clean.7-abc123', new Map([['grue.shop.cleaned.7-abc123', [0n]]]), new AbortController().signal);
  await pass(servers, 70);
  const why = 'nothing tells what it was made for';
  expect(cluster.platform()?.status?.orphans?.map(({ since: _, ...orphan }) => orphan)).toEqual([
    { kind: 'Group', name: 'grue.shop.clean.7-abc123', why },
    { kind: 'Topic', name: 'grue.shop.clean.7-abc123.dead-letters', why },
    { kind: 'Topic', name: 'grue.shop.cleaned.7-abc123', why },
  ]);
});

describe('a cluster restored from an old backup', () => {
  test('finds readers on a newer index: its Revisions are made again, the older ones stop, and nothing is removed', async () => {
    const { servers, cluster } = await openShop();
    const backup = cluster.backup();
    cluster.apply('Pipeline', 'clean', { platformRef: { name: 'default' }, sql: doubled });
    cluster.apply('StreamMigration', 'double', { resources: [{ kind: 'Pipeline', name: 'clean' }], soak: '10m' });
    await until(
      servers,
      'readers have moved',
      () => cluster.migration('double')?.status?.phase === 'Soaking',
      () => cluster.migration('double')?.status,
    );
    const before = { physical: physical(servers), live: servers.search.snapshot().aliases[alias] };
    await cluster.stop();

    const restored = startCluster(servers);
    restored.restore(backup);
    const live = () =>
      restored
        .revisions()
        .filter(({ status }) => status?.role === 'live')
        .map(({ metadata }) => metadata.name)
        .sort();
    const wanted = ['connection-orders-found-2', 'pipeline-clean-2', 'stream-cleaned-2', 'stream-orders-1'];
    await until(
      servers,
      'the newer ones are live',
      () => JSON.stringify(live()) === JSON.stringify(wanted),
      () => restored.revisions().map(({ metadata, status }) => [metadata.name, status]),
    );
    await until(servers, 'the spec of the backup is pending', () => restored.condition('Pipeline', 'clean', 'Synced')?.startsWith('Pending') ?? false);
    await flowsOn(servers, documents(servers));
    expect(physical(servers)).toEqual(before.physical);
    expect(servers.search.snapshot().aliases[alias]).toEqual(before.live);
    expect(clean).not.toBe(doubled);
  });
});
