import { expect, test } from 'vitest';
import { kinds } from '../../../src/api/kinds.ts';
import { namespaces } from '../../../src/reconcilers/namespace.ts';
import { type Cluster, doubled, namespace, openShop, pass, physical, startCluster, until } from './scene.ts';

const held = (cluster: Cluster): number =>
  [...cluster.revisions(), ...cluster.store.list(kinds.StreamMigration, namespace)].filter(({ metadata }) => (metadata.finalizers ?? []).length > 0).length;

/** A topology with a migration under way, whose operator is gone; another one runs, and cannot lead because the Lease cannot be made. */
async function withoutLeader() {
  const { servers, cluster: first } = await openShop();
  first.store.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, finalizers: ['kubernetes'] } });
  first.apply('Pipeline', 'clean', { platformRef: { name: 'default' }, sql: doubled });
  first.apply('StreamMigration', 'double', { resources: [{ kind: 'Pipeline', name: 'clean' }], manual: ['Flip'] });
  await until(servers, 'a person is waited for', () => first.migration('double')?.status?.phase === 'AwaitingApproval');
  await first.stop();
  const cluster = startCluster(servers, 'grue/one', { store: first.store, isStandby: true });
  return { servers, cluster };
}

test('in a namespace that is being deleted a replica lets all go without leading, and nothing of it is removed from the servers', async () => {
  const { servers, cluster } = await withoutLeader();
  const made = physical(servers);
  cluster.store.remove(namespaces, { name: namespace });
  cluster.store.remove(kinds.Revision, { namespace, name: 'pipeline-clean-1' });
  await until(
    servers,
    'nothing is held',
    () => held(cluster) === 0,
    () => cluster.revisions(),
    10,
  );
  for (const { metadata } of cluster.revisions()) cluster.store.remove(kinds.Revision, metadata);
  await pass(servers, 5);
  expect([cluster.revisions(), physical(servers)]).toEqual([[], made]);
  await cluster.stop();
});

test('in a namespace that stays a replica which does not lead lets nothing go, whatever is deleted there', async () => {
  const { servers, cluster } = await withoutLeader();
  const before = held(cluster);
  for (const { metadata } of cluster.revisions()) cluster.store.remove(kinds.Revision, metadata);
  await pass(servers, 60);
  await cluster.stop();
  expect(held(cluster)).toBe(before);
});

test('an operator that is told to stop because its namespace is being deleted lets all go before it ends', async () => {
  const { servers, cluster } = await withoutLeader();
  await pass(servers, 5);
  expect(held(cluster)).toBeGreaterThan(0);
  cluster.store.remove(namespaces, { name: namespace });
  await cluster.stop();
  expect(held(cluster)).toBe(0);
});
