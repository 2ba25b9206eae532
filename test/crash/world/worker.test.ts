import { describe, expect, test } from 'vitest';
import { kinds } from '../../../src/api/kinds.ts';
import type { Binding, Revision, RevisionSpec } from '../../../src/api/revision.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { silentLogger } from '../../../src/controller/logger.ts';
import { indexDefinition } from '../../../src/topology/index-definition.ts';
import { kubeStore, storeApi } from '../../support/kube-store.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { memoryKafka } from './kafka.ts';
import { memorySearch } from './search.ts';
import { revisionsIn, type SimulatedWorker, simulatedWorker } from './worker.ts';

const namespace = 'shop';
const signal = new AbortController().signal;
const fields = [
  { name: 'id', type: 'BIGINT' },
  { name: 'amount', type: 'INT' },
];
const orders: Binding = { stream: 'orders', revision: 'stream-orders-1', topic: 'orders', root: true, epoch: 0, type: 'Append', fields };
const doubled: Binding = { ...orders, stream: 'doubled', revision: 'stream-doubled-1', topic: 'grue.doubled', root: false };
const platform = { name: 'default', kafkaClusterId: 'memory-kafka', elasticsearchUuid: 'memory-search' };
const destination = { alias: 'doubled' };

const specs: Readonly<Record<'pipeline-double-1' | 'connection-sink-1', Partial<RevisionSpec>>> = {
  'pipeline-double-1': {
    of: { kind: 'Pipeline', name: 'double' },
    pipeline: { engine: 'embedded', sql: 'INSERT INTO doubled SELECT id, amount * 2 AS amount FROM orders', reads: [orders], writes: doubled, path: '' },
    physical: { group: 'grue.double', deadLetters: 'grue.double.dead-letters' },
  },
  'connection-sink-1': {
    of: { kind: 'Connection', name: 'sink' },
    connection: { connector: 'elasticsearch', destination, keepVersions: 1, reads: doubled },
    physical: { group: 'grue.sink', deadLetters: 'grue.sink.dead-letters', index: 'grue.sink' },
  },
};
type Stage = keyof typeof specs;

/** orders -> doubled -> index, all of it made, and nobody who runs it yet. */
async function scene() {
  const clock = virtualClock();
  const store = kubeStore(clock.now);
  const kafka = memoryKafka({ clock });
  const search = memorySearch({ clock });
  store.create(kinds.Platform, {
    apiVersion: 'grue.dev/v1alpha1',
    kind: 'Platform',
    metadata: { name: 'default', namespace },
    spec: { prefix: 'grue', kafka: { bootstrapServers: ['memory:9092'] }, elasticsearch: { url: 'http://memory:9200' } },
  });
  for (const name of ['orders', 'grue.doubled']) kafka.createTopic({ name, partitions: 2, config: {} });
  for (const name of ['grue.double', 'grue.sink']) kafka.createTopic({ name: `${name}.dead-letters`, partitions: 1, config: { 'cleanup.policy': 'compact' } });
  await search.cluster.createIndex({ name: 'grue.sink', ...indexDefinition(doubled, destination, {}) }, signal);
  search.setAlias('doubled', 'grue.sink');
  await kafka.cluster.commitStart('grue.double', new Map([['orders', [0n, 0n]]]), signal);
  await kafka.cluster.commitStart('grue.sink', new Map([['grue.doubled', [0n, 0n]]]), signal);

  const api = storeApi(store);
  const say = (name: Stage, wanted: 'Running' | 'Stopped') => {
    const object = { apiVersion: 'grue.dev/v1alpha1', kind: 'Revision', metadata: { name, namespace } };
    store.apply(kinds.Revision, { ...object, status: { wanted } }, 'status', 'grue-operator');
  };
  for (const [name, spec] of Object.entries(specs)) {
    store.create(kinds.Revision, {
      apiVersion: 'grue.dev/v1alpha1',
      kind: 'Revision',
      metadata: { name, namespace },
      spec: { number: 1, fingerprint: 'v1:x', accepted: 'x', migration: '', platform, inputs: [], ...spec },
    });
    say(name as Stage, 'Running');
  }
  let ids = 0;
  return {
    clock,
    kafka,
    search,
    say,
    worker: (name: string): SimulatedWorker =>
      simulatedWorker({ name, kube: api, revisions: revisionsIn(store), kafka, search, clock, logger: silentLogger, recordsPerTick: 5 }),
    condition: (name: Stage, type: string) =>
      (store.get(kinds.Revision, { namespace, name }) as unknown as Revision & KubeObject).status?.conditions?.find((one) => one.type === type),
    produce: (count: number): void => {
      for (let n = 0; n < count; n++, ids++) kafka.append('orders', ids % 2, [{ value: JSON.stringify({ id: ids, amount: ids }) }]);
    },
    /** What is in the index, as ids; each document has to be the double of its order. */
    found: (): readonly number[] =>
      search.documents('grue.sink').map(({ _source }) => {
        expect(_source['amount']).toBe(Number(_source['id']) * 2);
        return Number(_source['id']);
      }),
  };
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);
const inOrder = (ids: readonly number[]): readonly number[] => ids.toSorted((a, b) => a - b);

describe('a simulated worker', () => {
  test('runs what is wanted, through all stages, and says so', async () => {
    const { clock, kafka, search, worker, produce, found, condition } = await scene();
    worker('a');
    produce(40);
    await clock.advance(10_000);
    expect(inOrder(found())).toEqual(numbers(40));
    expect(search.read('doubled')).toHaveLength(40);
    expect(search.documents('grue.sink')[0]?._source['grue']).toMatchObject({ root: 'orders', epoch: 0, path: '', rev: 'connection-sink-1' });
    expect((await kafka.cluster.committed('grue.double', ['orders'], signal)).get('orders')).toEqual([20n, 20n]);
    expect(await kafka.cluster.group('grue.sink', signal)).toEqual({ state: 'Active', members: 1 });
    expect(condition('connection-sink-1', 'WorkerReady')).toMatchObject({ status: 'True', reason: 'Running' });
  });

  test('reads no more than a bounded number of records at a time', async () => {
    const { clock, worker, produce, found } = await scene();
    worker('a');
    produce(400);
    await clock.advance(1_000);
    expect(found().length).toBeGreaterThan(0);
    expect(found().length).toBeLessThan(200);
  });

  test('leaves the group of what is not wanted any more, and goes on with the rest', async () => {
    const { clock, kafka, worker, produce, found, say, condition } = await scene();
    worker('a');
    produce(10);
    await clock.advance(5_000);
    say('connection-sink-1', 'Stopped');
    await clock.advance(1_000);
    expect(await kafka.cluster.group('grue.sink', signal)).toEqual({ state: 'Empty', members: 0 });
    expect(condition('connection-sink-1', 'WorkerReady')).toMatchObject({ status: 'False', reason: 'Stopped' });
    produce(10);
    await clock.advance(5_000);
    expect(found()).toHaveLength(10);
    say('connection-sink-1', 'Running');
    await clock.advance(5_000);
    expect(inOrder(found())).toEqual(numbers(20));
  });

  test('asked to stop, commits what it has delivered and leaves', async () => {
    const { clock, kafka, worker, produce } = await scene();
    const a = worker('a');
    produce(100);
    await clock.advance(700);
    const stopped = a.stop();
    await clock.advance(10_000);
    await stopped;
    const delivered = numbers(2).reduce((sum, partition) => sum + kafka.records('grue.doubled', partition).length, 0);
    const committed = (await kafka.cluster.committed('grue.double', ['orders'], signal)).get('orders') ?? [];
    expect(BigInt(delivered)).toBe(committed.reduce<bigint>((sum, offset) => sum + (offset ?? 0n), 0n));
    expect(await kafka.cluster.group('grue.double', signal)).toEqual({ state: 'Empty', members: 0 });
  });

  test('killed at any moment is a member until its session ends, and who comes after it loses and repeats nothing', async () => {
    for (let moment = 0; moment < 1_500; moment += 90) {
      const { clock, kafka, worker, produce, found } = await scene();
      const a = worker('a');
      produce(60);
      await clock.advance(moment);
      a.kill();
      const before = await kafka.cluster.committed('grue.double', ['orders'], signal);
      await clock.advance(10_000);
      expect(await kafka.cluster.committed('grue.double', ['orders'], signal)).toEqual(before);
      worker('b');
      await clock.advance(1_000);
      expect(await kafka.cluster.committed('grue.double', ['orders'], signal)).toEqual(moment > 10 ? before : expect.anything());
      await clock.advance(20_000);
      expect(inOrder(found())).toEqual(numbers(60));
    }
  });

  test('shares the partitions with another one', async () => {
    const { clock, kafka, worker, produce, found } = await scene();
    worker('a');
    await clock.advance(3_000);
    worker('b');
    produce(60);
    await clock.advance(10_000);
    expect(await kafka.cluster.group('grue.double', signal)).toEqual({ state: 'Active', members: 2 });
    expect(inOrder(found())).toEqual(numbers(60));
  });

  test('that stood still for longer than its session is fenced off, and moves no position back', async () => {
    const { clock, kafka, worker, produce, found } = await scene();
    const a = worker('a');
    produce(60);
    await clock.advance(600);
    a.pause(30_000);
    worker('b');
    const members = async () => (await kafka.cluster.group('grue.double', signal)).members;
    const positions = () => kafka.cluster.committed('grue.double', ['orders'], signal);
    const before = await positions();
    await clock.advance(10_000);
    expect([await members(), await positions()]).toEqual([2, before]);
    await clock.advance(15_000);
    expect(await members()).toBe(1);
    expect(inOrder(found())).toEqual(numbers(60));
    const done = await positions();
    await clock.advance(10_000);
    expect([await members(), await positions()]).toEqual([2, done]);
    produce(10);
    await clock.advance(10_000);
    expect(inOrder(found())).toEqual(numbers(70));
  });

  test('says that history is lost, and passes nothing over', async () => {
    const { clock, kafka, worker, produce, found, condition } = await scene();
    produce(20);
    kafka.truncate('orders', 0, 5n);
    worker('a');
    await clock.advance(30_000);
    expect(condition('pipeline-double-1', 'HistoryIntact')).toMatchObject({ status: 'False', reason: 'HistoryLost' });
    expect(inOrder(found())).toEqual(numbers(20).filter((id) => id % 2 === 1));
  });

  test('says that its topic is another one', async () => {
    const { clock, kafka, worker, produce, condition } = await scene();
    worker('a');
    produce(20);
    await clock.advance(5_000);
    kafka.recreateTopic('orders');
    await clock.advance(30_000);
    expect(condition('pipeline-double-1', 'WorkerReady')).toMatchObject({ status: 'False' });
  });

  test('raises no index that was deleted under it', async () => {
    const { clock, search, worker, produce, condition } = await scene();
    worker('a');
    produce(10);
    await clock.advance(5_000);
    search.deleteIndex('grue.sink');
    produce(10);
    await clock.advance(30_000);
    expect(condition('connection-sink-1', 'WorkerReady')).toMatchObject({ status: 'False', reason: 'IndexChanged' });
    expect(await search.cluster.isConcrete('grue.sink', signal)).toBe(false);
  });

  test('waits out an outage of both servers', async () => {
    const { clock, kafka, search, worker, produce, found } = await scene();
    worker('a');
    produce(60);
    await clock.advance(500);
    kafka.down = true;
    search.down = true;
    await clock.advance(60_000);
    kafka.down = false;
    search.down = false;
    await clock.advance(120_000);
    expect(inOrder(found())).toEqual(numbers(60));
  });

  test('does the same in every run', async () => {
    const run = async (): Promise<unknown> => {
      const { clock, kafka, search, worker, produce } = await scene();
      const a = worker('a');
      worker('b');
      produce(60);
      await clock.advance(900);
      a.kill();
      search.down = true;
      await clock.advance(3_000);
      search.down = false;
      await clock.advance(30_000);
      return [kafka.snapshot(), kafka.history(), search.snapshot(), search.history()];
    };
    expect(await run()).toEqual(await run());
  });
});
