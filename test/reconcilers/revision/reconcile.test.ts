import { beforeEach, describe, expect, test } from 'vitest';
import { GrueError } from '../../../src/api/errors.ts';
import { kinds } from '../../../src/api/kinds.ts';
import type { Revision } from '../../../src/api/revision.ts';
import type { KubeObject, ResourceType } from '../../../src/controller/kube/api.ts';
import { emptyMemory } from '../../../src/reconcilers/memory.ts';
import { reconcileRevision } from '../../../src/reconcilers/revision/reconcile.ts';
import type { Happening, World } from '../../../src/reconcilers/world.ts';
import { type KubeStore, kubeStore, storeApi } from '../../support/kube-store.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts';
import { revision } from '../migration/snapshots.ts';

const namespaces: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
const ref = { namespace: 'flights', name: 'connection-delays-index-1' };
const signal = new AbortController().signal;

let store: KubeStore;
let clock: VirtualClock;
let told: Happening[];
let world: World;

/** A world whose Platform is there and whose servers never answer. */
beforeEach(() => {
  store = kubeStore();
  clock = virtualClock();
  told = [];
  const listOf = (type: ResourceType) => ({
    get: (key: string) => store.list(type).find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === key),
    list: (namespace: string) => store.list(type, namespace),
    resourceVersion: () => store.version(),
  });
  const caches = {
    ...{ platforms: listOf(kinds.Platform), streams: listOf(kinds.Stream), pipelines: listOf(kinds.Pipeline) },
    ...{ connections: listOf(kinds.Connection), revisions: listOf(kinds.Revision), migrations: listOf(kinds.StreamMigration) },
  };
  world = {
    clock,
    log: recordingLogger(),
    kube: storeApi(store),
    caches,
    servers: () => Promise.reject(new GrueError('GRUE-PLT-002', 'no broker answers')),
    writeStatus: async (object: KubeObject, status: object) => void store.apply(kinds.Revision, { ...object, status }, 'status'),
    tell: (_: KubeObject, happening: Happening) => told.push(happening),
    mayAct: () => true,
    installation: 'grue/one',
    letGoMilliseconds: 600_000,
    memory: emptyMemory(),
  } as unknown as World;
  store.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'flights', finalizers: ['kubernetes'] } });
  store.create(kinds.Platform, { apiVersion: 'grue.dev/v1alpha1', kind: 'Platform', metadata: { name: 'default', namespace: 'flights' }, spec: {} });
  const { spec } = revision('Connection', 'delays-index', 1);
  store.create(kinds.Revision, { apiVersion: 'grue.dev/v1alpha1', kind: 'Revision', metadata: { ...ref, finalizers: ['grue.dev/revision'] }, spec });
  store.remove(kinds.Revision, ref);
});

const pass = () => reconcileRevision(`${ref.namespace}/${ref.name}`, world, signal);
const left = () => store.list(kinds.Revision, 'flights')[0] as Revision | undefined;

describe('a Revision that is deleted while its servers do not answer', () => {
  test('is held for ten minutes and says why, then it is let go, and what it leaves behind is told', async () => {
    expect(await pass()).toEqual({ requeueAfterMilliseconds: 5_000 });
    expect(left()?.status?.conditions?.[0]).toMatchObject({
      type: 'Ready',
      status: 'Unknown',
      reason: 'PlatformUnavailable',
      message: expect.stringContaining('GRUE-PLT-002'),
    });
    await clock.advance(599_000);
    await pass();
    expect(left()).toBeDefined();
    await clock.advance(1_000);
    await pass();
    expect(left()).toBeUndefined();
    expect(told).toEqual([{ type: 'Warning', reason: 'LeftBehind', message: expect.stringContaining('grue.flights.delays-index.1-aaaaaa') }]);
  });
  test('is let go at once when its namespace is deleted as well', async () => {
    store.remove(namespaces, { name: 'flights' });
    await pass();
    expect(left()).toBeUndefined();
  });
  test('is held as long by servers that answer at first and then fail', async () => {
    const servers = {
      kafkaClusterId: 'kafka',
      elasticsearchUuid: 'search',
      search: { aliases: () => Promise.reject(new GrueError('GRUE-PLT-003', 'it stopped to answer')) },
    };
    world = { ...world, servers: async () => servers } as unknown as World;
    await pass();
    expect(left()?.status?.conditions?.[0]?.message).toContain('GRUE-PLT-003');
    await clock.advance(600_000);
    await pass();
    expect(left()).toBeUndefined();
  });
});
