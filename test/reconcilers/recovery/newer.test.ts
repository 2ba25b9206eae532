import { expect, test } from 'vitest';
import { kinds } from '../../../src/api/kinds.ts';
import { requestAnnotations } from '../../../src/api/requests.ts';
import { type Cluster, doubled, namespace, openShop, pass, physical, type ServersOfAll, until } from './scene.ts';

const ref = { namespace, name: 'double' };

/** What another operator has written is found by this one when it begins; one that runs already looks where something else is changed as well. */
const stateVersion = ({ store }: Cluster, version: number, more: object = {}): void =>
  void store.merge(kinds.StreamMigration, ref, {
    metadata: { annotations: { operator: `${version}` } },
    status: { stateVersion: version, ...more },
  });

const stalled = (cluster: Cluster): string | undefined =>
  cluster.migration('double')?.status?.conditions?.find(({ type, status }) => type === 'Stalled' && status === 'True')?.reason;

/** A migration that waits for a person, when the operator is replaced by an older one. */
async function downgraded(): Promise<{ readonly servers: ServersOfAll; readonly cluster: Cluster }> {
  const { servers, cluster } = await openShop();
  cluster.apply('Pipeline', 'clean', { platformRef: { name: 'default' }, sql: doubled });
  cluster.apply('StreamMigration', 'double', { resources: [{ kind: 'Pipeline', name: 'clean' }], manual: ['Flip'], soak: '3s' });
  await until(servers, 'a person is waited for', () => cluster.migration('double')?.status?.phase === 'AwaitingApproval');
  stateVersion(cluster, 2);
  await until(servers, 'it says that it holds', () => stalled(cluster) === 'NewerVersion');
  return { servers, cluster };
}

test('an operator that is older than a migration changes nothing of it, whatever is asked, and a newer one goes on where it was', async () => {
  const { servers, cluster } = await downgraded();
  const [before, made] = [cluster.migration('double'), physical(servers)];
  cluster.annotate('StreamMigration', 'double', {
    [requestAnnotations.id]: 'first',
    [requestAnnotations.verb]: 'promote',
    [requestAnnotations.step]: 'Flip',
  });
  await pass(servers, 90);
  expect(cluster.migration('double')?.status).toEqual(before?.status);
  expect(physical(servers)).toEqual(made);

  stateVersion(cluster, 1);
  await until(servers, 'the end', () => cluster.migration('double')?.status?.outcome === 'Completed');
  expect(stalled(cluster)).toBeUndefined();
});

test.each(['under way', 'ended'] as const)(
  'a migration of a newer operator, %s, that is deleted is let go in the end, and nothing of it is removed',
  async (how) => {
    const { servers, cluster } = await downgraded();
    if (how === 'ended') stateVersion(cluster, 2, { outcome: 'Completed' });
    const made = physical(servers);
    cluster.store.remove(kinds.StreamMigration, ref);
    await pass(servers, 300);
    expect(cluster.migration('double')?.metadata.finalizers).toEqual(['grue.dev/migration']);
    await until(servers, 'it is let go', () => cluster.migration('double') === undefined, undefined, 600);
    expect(physical(servers)).toEqual(made);
  },
);
