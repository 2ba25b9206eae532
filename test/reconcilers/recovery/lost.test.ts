import { describe, expect, test } from 'vitest';
import { alias, documents, flowsOn, identities, isSettled, openShop, pass, physical, sinkOne, until } from './scene.ts';

describe('while everything runs', () => {
  test('all Revisions are lost: they are made again with their names, and what they stand for goes on untouched', async () => {
    const { servers, cluster } = await openShop();
    const before = { physical: physical(servers), identities: identities(cluster) };
    cluster.lose('Revision');
    await until(
      servers,
      'the Revisions are there again',
      () => isSettled(cluster),
      () => cluster.revisions(),
    );
    expect(physical(servers)).toEqual(before.physical);
    expect(identities(cluster)).toEqual(before.identities);
    await flowsOn(servers, 10);
  });

  test('all statuses are lost: they are told again from what is there', async () => {
    const { servers, cluster } = await openShop();
    const before = { physical: physical(servers), identities: identities(cluster) };
    for (const kind of ['Revision', 'Stream', 'Pipeline', 'Connection', 'Platform'] as const) cluster.loseStatus(kind);
    await until(
      servers,
      'the statuses are there again',
      () => isSettled(cluster),
      () => cluster.revisions(),
    );
    expect(physical(servers)).toEqual(before.physical);
    expect(identities(cluster)).toEqual(before.identities);
    await until(servers, 'the Connection is told', () => cluster.condition('Connection', alias, 'Ready')?.startsWith('Running') ?? false);
    await flowsOn(servers, 10);
  });

  test('all Revisions are deleted by hand: nothing that is live is removed, and they are made again', async () => {
    const { servers, cluster } = await openShop();
    const before = { physical: physical(servers), identities: identities(cluster) };
    for (const { metadata } of cluster.revisions()) cluster.store.remove({ plural: 'revisions' } as never, metadata);
    await until(
      servers,
      'the Revisions are there again',
      () => isSettled(cluster) && cluster.revisions().every(({ metadata }) => metadata.deletionTimestamp === undefined),
    );
    expect(physical(servers)).toEqual(before.physical);
    expect(identities(cluster)).toEqual(before.identities);
    await flowsOn(servers, 10);
  });

  test('only the sink is lost while the stages above it are deleted: they are not taken for retired', async () => {
    const { servers, cluster } = await openShop();
    const before = physical(servers);
    cluster.lose('Revision', sinkOne);
    for (const { metadata } of cluster.revisions()) cluster.store.remove({ plural: 'revisions' } as never, metadata);
    await until(servers, 'the Revisions are there again', () => isSettled(cluster));
    await pass(servers, 30);
    expect(physical(servers)).toEqual(before);
    expect(documents(servers)).toBe(10);
  });
});
