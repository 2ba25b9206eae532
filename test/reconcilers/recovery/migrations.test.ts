import { describe, expect, test } from 'vitest';
import { kinds } from '../../../src/api/kinds.ts';
import type { Phase } from '../../../src/api/stream-migration.ts';
import {
  alias,
  type Cluster,
  documents,
  doubled,
  flowsOn,
  isSettled,
  openShop,
  pass,
  physical,
  produce,
  type ServersOfAll,
  startCluster,
  until,
} from './scene.ts';

const platformRef = { name: 'default' };

function begin(cluster: Cluster, spec: object = {}): void {
  cluster.apply('Pipeline', 'clean', { platformRef, sql: doubled });
  cluster.apply('StreamMigration', 'double', { resources: [{ kind: 'Pipeline', name: 'clean' }], soak: '5m', ...spec });
}

const inPhase = (servers: ServersOfAll, cluster: Cluster, phase: Phase): Promise<void> =>
  until(
    servers,
    `the migration is ${phase}`,
    () => cluster.migration('double')?.status?.phase === phase,
    () => [cluster.migration('double')?.status, cluster.revisions().map(({ metadata, status }) => [metadata.name, status])],
  );

const rollback = (cluster: Cluster): string | undefined => {
  const found = cluster.migration('double')?.status?.conditions?.find(({ type }) => type === 'RollbackPossible');
  return found && `${found.status} ${found.reason}`;
};
const names = (cluster: Cluster): readonly string[] =>
  cluster
    .revisions()
    .map(({ metadata }) => metadata.name)
    .sort();
const readersOn = ({ search }: ServersOfAll): readonly string[] => Object.keys(search.snapshot().aliases[alias] ?? {});

describe('a migration whose status is lost', () => {
  test('before readers have moved starts a new attempt, and what the lost one has made is removed', async () => {
    const { servers, cluster } = await openShop();
    begin(cluster, { manual: ['Flip'], soak: '2s' });
    await inPhase(servers, cluster, 'AwaitingApproval');
    const blue = readersOn(servers);
    cluster.loseStatus('StreamMigration');
    await until(servers, 'it waits again', () => cluster.migration('double')?.status?.phase === 'AwaitingApproval');
    await until(
      servers,
      'the lost one is gone',
      () => !names(cluster).includes('pipeline-clean-2'),
      () => names(cluster),
    );
    expect(names(cluster)).toEqual([
      ...['connection-orders-found-1', 'connection-orders-found-3', 'pipeline-clean-1', 'pipeline-clean-3'],
      ...['stream-cleaned-1', 'stream-cleaned-3', 'stream-orders-1'],
    ]);
    expect(readersOn(servers)).toEqual(blue);
    cluster.apply('StreamMigration', 'double', { resources: [{ kind: 'Pipeline', name: 'clean' }], soak: '2s', manual: [] });
    await inPhase(servers, cluster, 'Completed');
    expect(names(cluster)).toEqual(['connection-orders-found-1', 'connection-orders-found-3', 'pipeline-clean-3', 'stream-cleaned-3', 'stream-orders-1']);
    await flowsOn(servers, documents(servers));
  });

  test('after readers have moved goes on with the soak, and a rollback is possible as before', async () => {
    const { servers, cluster } = await openShop();
    begin(cluster);
    await inPhase(servers, cluster, 'Soaking');
    const before = { physical: physical(servers), readers: readersOn(servers), names: names(cluster) };
    cluster.loseStatus('StreamMigration');
    await inPhase(servers, cluster, 'Soaking');
    await until(
      servers,
      'a rollback is possible',
      () => rollback(cluster) === 'True BlueIsFed',
      () => rollback(cluster),
    );
    expect({ physical: physical(servers), readers: readersOn(servers), names: names(cluster) }).toEqual(before);
    produce(servers);
    cluster.apply('StreamMigration', 'double', { resources: [{ kind: 'Pipeline', name: 'clean' }], soak: '5m', rollback: true });
    await inPhase(servers, cluster, 'RolledBack');
    expect(documents(servers)).toBe(20);
  });

  test('with all other statuses and Revisions as well goes on with the soak of what is left', async () => {
    const { servers, cluster } = await openShop();
    begin(cluster);
    await inPhase(servers, cluster, 'Soaking');
    const readers = readersOn(servers);
    for (const kind of ['StreamMigration', 'Revision', 'Stream', 'Pipeline', 'Connection'] as const) cluster.loseStatus(kind);
    await inPhase(servers, cluster, 'Soaking');
    await until(
      servers,
      'a rollback is possible',
      () => rollback(cluster) === 'True BlueIsFed',
      () => [rollback(cluster), cluster.revisions()],
    );
    expect(readersOn(servers)).toEqual(readers);
  });

  test('and with all Revisions as well has nothing to do: what is live is made again, what it replaced is listed', async () => {
    const { servers, cluster } = await openShop();
    begin(cluster);
    await inPhase(servers, cluster, 'Soaking');
    const before = physical(servers);
    cluster.lose('Revision');
    await until(servers, 'what is live is there again', () => isSettled(cluster));
    cluster.loseStatus('StreamMigration');
    await until(
      servers,
      'it has ended',
      () => cluster.migration('double')?.status?.outcome === 'NothingToDo',
      () => cluster.migration('double')?.status,
    );
    expect(names(cluster)).toEqual(['connection-orders-found-2', 'pipeline-clean-2', 'stream-cleaned-2', 'stream-orders-1']);
    expect(physical(servers)).toEqual(before);
    await until(servers, 'the list', () => (cluster.platform()?.status?.orphanCount ?? 0) > 0);
    await flowsOn(servers, 10);
  });
});

test('a migration of an old backup that finds readers on its green goes on with the soak, and never moves them again', async () => {
  const { servers, cluster } = await openShop();
  begin(cluster, { manual: ['Flip'] });
  await inPhase(servers, cluster, 'AwaitingApproval');
  const backup = cluster.backup();
  cluster.apply('StreamMigration', 'double', { resources: [{ kind: 'Pipeline', name: 'clean' }], soak: '5m', manual: [] });
  await inPhase(servers, cluster, 'Soaking');
  const before = { physical: physical(servers), readers: readersOn(servers) };
  await cluster.stop();

  const restored = startCluster(servers);
  const seen: (string | undefined)[] = [];
  restored.store.follow(kinds.StreamMigration, undefined, restored.store.version(), () => seen.push(rollback(restored)));
  restored.restore(backup);
  await inPhase(servers, restored, 'Soaking');
  expect(seen).toContain('Unknown NotProvenYet');
  await until(
    servers,
    'a rollback is possible',
    () => rollback(restored) === 'True BlueIsFed',
    () => rollback(restored),
  );
  expect({ physical: physical(servers), readers: readersOn(servers) }).toEqual(before);
});

test('a migration that is applied again after it was completed has nothing to do', async () => {
  const { servers, cluster } = await openShop();
  begin(cluster, { soak: '2s' });
  await inPhase(servers, cluster, 'Completed');
  const before = { physical: physical(servers), names: names(cluster) };
  cluster.lose('StreamMigration');
  await pass(servers, 5);
  begin(cluster, { soak: '2s' });
  await until(
    servers,
    'it has ended',
    () => cluster.migration('double')?.status?.outcome !== undefined,
    () => cluster.migration('double')?.status,
  );
  expect(cluster.migration('double')?.status?.outcome).toBe('NothingToDo');
  expect({ physical: physical(servers), names: names(cluster) }).toEqual(before);
});

describe('a definition that was given up', () => {
  test('is not tried again although every status is lost: the mark of the live index remembers it', async () => {
    const { servers, cluster } = await openShop();
    begin(cluster, { manual: ['Flip'] });
    await inPhase(servers, cluster, 'AwaitingApproval');
    cluster.apply('StreamMigration', 'double', { resources: [{ kind: 'Pipeline', name: 'clean' }], soak: '5m', manual: ['Flip'], abort: true });
    await inPhase(servers, cluster, 'Aborted');
    await pass(servers, 2);
    const before = { physical: physical(servers), readers: readersOn(servers) };
    cluster.apply('StreamMigration', 'double', { resources: [{ kind: 'Pipeline', name: 'clean' }], soak: '5m', manual: [] });
    for (const kind of ['StreamMigration', 'Revision', 'Stream', 'Pipeline', 'Connection'] as const) cluster.loseStatus(kind);
    await until(
      servers,
      'it is refused',
      () => cluster.migration('double')?.status?.message?.includes('GRUE-MIG-005') ?? false,
      () => cluster.migration('double')?.status,
    );
    await until(
      servers,
      'it is said',
      () => cluster.condition('Pipeline', 'clean', 'Synced')?.startsWith('Rejected') ?? false,
      () => cluster.find('Pipeline', 'clean'),
    );
    await pass(servers, 60);
    expect({ physical: physical(servers), readers: readersOn(servers) }).toEqual(before);

    cluster.apply('StreamMigration', 'double', { resources: [{ kind: 'Pipeline', name: 'clean' }], soak: '2s', manual: [], retry: 1 });
    await inPhase(servers, cluster, 'Completed');
    const [index = ''] = readersOn(servers);
    const mark = servers.search.snapshot().indices[index]?.meta?.['grue'] as { rejected?: readonly { migration: string }[] };
    expect(mark.rejected?.map(({ migration }) => migration)).toContain('double');
  });
});
