import { beforeEach, describe, expect, test } from 'vitest';
import { kinds } from '../../../src/api/kinds.ts';
import type { Revision } from '../../../src/api/revision.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { isEnding } from '../../../src/reconcilers/namespace.ts';
import { deleteReclaimed, letGo, renew } from '../../../src/reconcilers/revision/leave.ts';
import type { World } from '../../../src/reconcilers/world.ts';
import { type KubeStore, kubeStore, storeApi } from '../../support/kube-store.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { revision } from '../migration/snapshots.ts';

const signal = new AbortController().signal;
const ref = { namespace: 'flights', name: 'pipeline-delays-1' };
const pipeline = { apiVersion: 'grue.dev/v1alpha1', kind: 'Pipeline', metadata: { name: 'delays', namespace: 'flights' }, spec: {} };

let store: KubeStore;
let world: World;
let log: ReturnType<typeof recordingLogger>;
let leads: boolean;

beforeEach(() => {
  store = kubeStore();
  log = recordingLogger();
  leads = true;
  world = { kube: storeApi(store), log, installation: 'grue/one', mayAct: () => leads } as unknown as World;
});

function stored(finalizers = ['grue.dev/revision']): Revision {
  const { spec } = revision('Pipeline', 'delays', 1);
  store.create(kinds.Revision, { apiVersion: 'grue.dev/v1alpha1', kind: 'Revision', metadata: { ...ref, finalizers }, spec });
  const status = { uuids: { deadLettersId: 'id' }, startOffsets: [{ topic: 'flights-1', offsets: '7' }], reclaimedAt: '2026-11-21T11:00:00Z' };
  return store.apply(kinds.Revision, { apiVersion: 'grue.dev/v1alpha1', kind: 'Revision', metadata: ref, status }, 'status') as unknown as Revision;
}
const there = (): KubeObject | undefined => store.list(kinds.Revision, 'flights')[0];
const deletedNow = (one: Revision): Revision => {
  store.remove(kinds.Revision, ref, one.metadata.uid);
  return store.get(kinds.Revision, ref) as unknown as Revision;
};

describe('a Revision that is let go', () => {
  test('is gone when nobody else holds it, and stays when somebody does', async () => {
    await letGo(deletedNow(stored()), world, signal);
    expect(there()).toBeUndefined();
    await letGo(deletedNow(stored(['grue.dev/revision', 'foregroundDeletion'])), world, signal);
    expect(there()?.metadata.finalizers).toEqual(['foregroundDeletion']);
  });
  test('and is gone already is no error', async () => {
    const one = deletedNow(stored());
    await letGo(one, world, signal);
    await letGo(one, world, signal);
  });
});

describe('a Revision that is made again', () => {
  test('stands for the same things: definition, identities and floor, but not for a decision to remove it', async () => {
    const before = deletedNow(stored());
    await renew(before, world, signal);
    expect(there()?.metadata.uid).not.toBe(before.metadata.uid);
    expect(there()?.metadata.deletionTimestamp).toBeUndefined();
    expect(there()?.spec).toEqual(before.spec);
    expect(there()?.status).toEqual({ uuids: before.status?.uuids, startOffsets: before.status?.startOffsets });
  });
  test('waits while the lease is in doubt', async () => {
    const before = deletedNow(stored());
    leads = false;
    await expect(renew(before, world, signal)).rejects.toThrow('lease is in doubt');
    expect(there()?.metadata.uid).toBe(before.metadata.uid);
  });
});

describe('a Revision whose logical resource is gone', () => {
  test('is deleted, with a line in the audit log', async () => {
    expect(await deleteReclaimed(stored(), world, signal)).toBe(true);
    expect(there()?.metadata.deletionTimestamp).toBeDefined();
    expect(log.lines.map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ audit: 'DeleteRevision', object: ref.name, result: 'Deleted', why: expect.stringContaining('Pipeline/delays was deleted') }),
    ]);
  });
  test('is not deleted when the server has that resource again, whatever a cache says', async () => {
    store.create(kinds.Pipeline, pipeline);
    expect(await deleteReclaimed(stored(), world, signal)).toBe(false);
    expect(there()?.metadata.deletionTimestamp).toBeUndefined();
  });
});

describe('a namespace', () => {
  const namespaces = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
  test('ends when it is deleted; one that nobody may read does not', async () => {
    const made = store.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'flights', finalizers: ['kubernetes'] } });
    expect(await isEnding('flights', world, signal)).toBe(false);
    store.remove(namespaces, { name: 'flights' }, made.metadata.uid);
    expect(await isEnding('flights', world, signal)).toBe(true);
    expect(await isEnding('unknown', world, signal)).toBe(false);
  });
});
