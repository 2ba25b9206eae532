import { describe, expect, test } from 'vitest';
import { requestAnnotations } from '../../../src/api/requests.ts';
import type { Phase } from '../../../src/api/stream-migration.ts';
import { decide } from '../../../src/reconcilers/migration/plan.ts';
import { type Cluster, doubled, openShop, pass, type ServersOfAll, until } from '../recovery/scene.ts';
import { at, type Shape, snapshot, verified } from './snapshots.ts';

const platformRef = { name: 'default' };

function roll(cluster: Cluster, name: string, sql: string, spec: object = {}): void {
  cluster.apply('Pipeline', 'clean', { platformRef, sql });
  cluster.apply('StreamMigration', name, { resources: [{ kind: 'Pipeline', name: 'clean' }], manual: ['Flip'], ...spec });
}

const reaches = (servers: ServersOfAll, cluster: Cluster, name: string, phase: Phase): Promise<void> =>
  until(
    servers,
    `${name} is ${phase}`,
    () => cluster.migration(name)?.status?.phase === phase,
    () => cluster.migration(name)?.status,
  );

async function abort(servers: ServersOfAll, cluster: Cluster, name: string): Promise<void> {
  cluster.annotate('StreamMigration', name, { [requestAnnotations.id]: `abort-${name}`, [requestAnnotations.verb]: 'abort' });
  await reaches(servers, cluster, name, 'Aborted');
}

describe('a migration that has failed', () => {
  test('is told of the next one over its resources that has a plan, and of no other', async () => {
    const { servers, cluster } = await openShop();
    roll(cluster, 'double', doubled);
    await reaches(servers, cluster, 'double', 'AwaitingApproval');
    await abort(servers, cluster, 'double');
    await pass(servers, 5);
    expect(cluster.migration('double')?.status?.supersededBy).toBeUndefined();
    roll(cluster, 'thrice', doubled.replace('amount + amount', 'amount + amount + amount'));
    await reaches(servers, cluster, 'thrice', 'AwaitingApproval');
    await abort(servers, cluster, 'thrice');
    await pass(servers, 2);
    expect(cluster.migration('double')?.status).toMatchObject({ phase: 'Aborted', supersededBy: 'thrice' });
    expect(cluster.migration('thrice')?.status?.supersededBy).toBeUndefined();
    await cluster.stop();
  });
});

describe('what stands in it', () => {
  const aborted: Shape = { status: { ...verified, phase: 'Aborted', outcome: 'Aborted', message: 'aborted: requested', retrySeen: 0 }, unprotected: true };
  test('is written once', () => {
    const newer = { newer: 'delays-in-days' };
    expect(decide(snapshot({ ...aborted, facts: newer }))).toMatchObject({
      phase: 'Aborted',
      message: 'aborted: requested',
      record: { supersededBy: 'delays-in-days' },
    });
    const told: Shape = { ...aborted, status: { ...aborted.status, supersededBy: 'delays-in-days' } };
    expect(decide(snapshot({ ...told, facts: { newer: 'another' } })).record).toBeUndefined();
  });
  test('belongs to its attempt: tried again it is the newest', () => {
    const again: Shape = { ...aborted, spec: { retry: 1 }, status: { ...aborted.status, supersededBy: 'delays-in-days', startedAt: at(60) } };
    expect(decide(snapshot(again)).record).toMatchObject({ attempt: 2, supersededBy: undefined });
  });
});
