import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { stack } from '../../stack/for-tests.ts';
import { startFlakyProxy } from '../../support/flaky-proxy.ts';
import { until, WorkerWorld } from './worker-world.ts';

const servers = () => ({ kafka: stack().kafka.bootstrapServers, elasticsearch: stack().elasticsearch.url });
const numbers = (count: number): number[] => Array.from({ length: count }, (_, id) => id);
const ascending = (a: number, b: number): number => a - b;

/** Everything that was produced is in the index, once. */
async function expectAll(world: WorkerWorld, count: number): Promise<void> {
  expect((await world.documentIds()).sort(ascending)).toEqual(numbers(count));
}

describe('several workers', () => {
  test('that come, go and die share the partitions, and nothing is lost or written twice', async () => {
    await using world = new WorkerWorld(servers(), 4);
    await world.create('sink');
    await world.commitStart();
    const a = world.start();
    await world.produce(2_000);
    const b = world.start();
    await until(20_000, () => b.said.some(({ assigned }) => Array.isArray(assigned) && assigned.length === 2), 'both have two partitions');
    await world.produce(2_000);
    a.child.kill('SIGTERM');
    await world.produce(2_000);
    expect(await a.ended).toBe('0');
    const c = world.start();
    await until(20_000, () => c.said.some(({ assigned }) => Array.isArray(assigned) && assigned.length === 2), 'the third has joined');
    await world.produce(2_000);
    b.child.kill('SIGKILL');
    await world.produce(2_000);
    await world.caughtUp();
    await expectAll(world, 10_000);
  });

  test('one that was frozen for longer than its session sends nothing any more when it thaws', async () => {
    await using world = new WorkerWorld(servers(), 2);
    await world.create('sink');
    await world.commitStart();
    const frozen = world.start();
    await world.produce(2_000);
    await world.caughtUp();
    frozen.child.kill('SIGSTOP');
    await world.produce(2_000);
    const other = world.start();
    await until(20_000, () => other.said.some(({ assigned }) => Array.isArray(assigned) && assigned.length === 2), 'the other has both partitions');
    await world.caughtUp();
    frozen.child.kill('SIGCONT');
    await world.produce(2_000);
    await until(20_000, () => frozen.said.filter(({ assigned }) => assigned !== undefined).length > 1, 'it has joined again');
    await world.caughtUp();
    await expectAll(world, 6_000);
  });

  test('asked to stop, a worker leaves at once and in order', async () => {
    await using world = new WorkerWorld(servers(), 2);
    await world.create('sink');
    await world.commitStart();
    const stage = world.start();
    await world.produce(2_000);
    await world.caughtUp();
    const before = Date.now();
    stage.child.kill('SIGTERM');
    expect(await stage.ended).toBe('0');
    expect(Date.now() - before).toBeLessThan(10_000);
    expect((await world.kafka.group(world.group, new AbortController().signal)).members).toBe(0);
  });
});

describe('an Elasticsearch that', () => {
  test('refuses for a while (429) holds up the stage, loses nothing and costs no membership', async () => {
    const { port, hostname } = new URL(servers().elasticsearch);
    await using proxy = await startFlakyProxy({ host: hostname, port: Number(port) });
    await using world = new WorkerWorld({ ...servers(), elasticsearch: proxy.url }, 2);
    await world.create('sink');
    await world.commitStart();
    proxy.inject({ kind: 'Status', status: 429 }, { when: '_bulk' });
    const stage = world.start();
    await world.produce(2_000);
    await until(20_000, () => proxy.struck > 5, 'it was refused');
    await sleep(4_000);
    expect((await world.committed()).map(Number)).toEqual([0, 0]);
    proxy.heal();
    await world.caughtUp();
    await expectAll(world, 2_000);
    expect(stage.said.filter(({ assigned }) => assigned !== undefined)).toHaveLength(1);
  });

  test('does what it is told and loses the answer gets the same again, and has it once', async () => {
    const { port, hostname } = new URL(servers().elasticsearch);
    await using proxy = await startFlakyProxy({ host: hostname, port: Number(port) });
    await using world = new WorkerWorld({ ...servers(), elasticsearch: proxy.url }, 2);
    await world.create('sink');
    await world.commitStart();
    proxy.inject({ kind: 'DropResponse' }, { when: '_bulk', times: 4 });
    world.start();
    await world.produce(2_000);
    await world.caughtUp();
    expect(proxy.struck).toBe(4);
    await expectAll(world, 2_000);
  });
});

describe('an index', () => {
  test('that is deleted under a stage is not made anew, and no record becomes a dead letter for it', async () => {
    await using world = new WorkerWorld(servers(), 2);
    await world.create('sink');
    await world.commitStart();
    const stage = world.start();
    await world.produce(100);
    await world.caughtUp();
    await world.search.indices.delete({ index: world.name });
    await world.produce(100);
    await until(20_000, () => stage.said.some(({ problem }) => problem === 'IndexChanged'), 'it is told');
    await sleep(1_000);
    expect(await world.search.indices.exists({ index: world.name })).toBe(false);
    expect(await world.values(world.deadLetters)).toEqual([]);
    expect(await world.committed()).toEqual([50n, 50n]);
  });
});

describe('a log', () => {
  test('that was trimmed before it was read stops that partition for good; its commit stays, and the others go on', async () => {
    await using world = new WorkerWorld(servers(), 2);
    await world.create('sink');
    await world.commitStart();
    await world.produce(2_000);
    await world.trim(0, 100n);
    const stage = world.start();
    await until(20_000, () => stage.said.some(({ problem, partition }) => problem === 'HistoryLost' && partition === 0), 'the loss is told');
    await until(20_000, async () => (await world.committed())[1] === 1_000n, 'the other partition is read');
    await sleep(1_500);
    expect(await world.committed()).toEqual([0n, 1_000n]);
  });

  test('that is trimmed under a reader that lags behind is not skipped', async () => {
    await using world = new WorkerWorld(servers(), 2);
    await world.create('sink');
    await world.commitStart();
    const file = join(tmpdir(), `${world.name}.hold`);
    writeFileSync(file, '');
    await world.produce(20_000);
    const stage = world.start({ hold: { partition: 0, offset: 0, while: file }, fetchBytes: 65_536 });
    await until(20_000, async () => (await world.committed())[1] === 10_000n, 'the other partition is read');
    await world.trim(0, 9_000n);
    rmSync(file);
    await until(20_000, () => stage.said.some(({ problem, partition }) => problem === 'HistoryLost' && partition === 0), 'the loss is told');
    // What was read before the loss may or may not be committed by then: it comes again with the same identity. What is gone is never passed over.
    await sleep(1_500);
    expect(Number((await world.committed())[0])).toBeLessThan(9_000);
  });

  test('that ends in transaction markers is committed to its very end, so that a fence there can be reached', async () => {
    await using world = new WorkerWorld(servers(), 2);
    await world.create('sink');
    await world.commitStart();
    world.start();
    await world.transaction(0, 10, 'commit');
    await world.transaction(1, 10, 'abort');
    await world.caughtUp();
    expect(await world.committed()).toEqual([11n, 11n]);
  });

  test('with holes from compaction is committed to its end', async () => {
    await using world = new WorkerWorld(servers(), 1);
    await world.create('sink', { 'cleanup.policy': 'compact', 'segment.ms': '1', 'min.cleanable.dirty.ratio': '0.001' });
    await world.commitStart();
    for (let n = 0; n < 5; n++) await world.produceKeyed(['a', 'b', 'c']);
    await until(30_000, async () => (await world.values(world.input)).length <= 6, 'the topic is compacted');
    world.start();
    await world.caughtUp();
    expect((await world.documentIds()).length).toBe(6);
  });

  test('of a group without a committed offset is not read at all', async () => {
    await using world = new WorkerWorld(servers(), 1);
    await world.create('sink');
    await world.produce(100);
    const stage = world.start();
    await until(20_000, () => stage.said.some(({ problem }) => problem === 'NoCommittedOffset'), 'it is told');
    expect(await world.documentIds()).toEqual([]);
    expect(await world.committed()).toEqual([undefined]);
  });
});

describe('a record', () => {
  test('that is held back holds back the commit of its partition and nothing else', async () => {
    await using world = new WorkerWorld(servers(), 3);
    await world.create('sink');
    await world.commitStart();
    const file = join(tmpdir(), `${world.name}.hold`);
    writeFileSync(file, '');
    await world.produce(9_000);
    world.start({ hold: { partition: 1, offset: 1_500, while: file }, fetchBytes: 65_536 });
    await until(20_000, async () => (await world.committed()).filter((offset) => offset === 3_000n).length === 2, 'the others pass');
    expect(Number((await world.committed())[1])).toBeLessThanOrEqual(1_500);
    rmSync(file);
    await world.caughtUp();
    await expectAll(world, 9_000);
  });

  test('that is too large for the output topic becomes a dead letter', async () => {
    await using world = new WorkerWorld(servers(), 1);
    await world.create('pipeline', { 'max.message.bytes': '16000000' }, { 'max.message.bytes': '500000' });
    await world.commitStart();
    await world.produce(10);
    await world.produceText(JSON.stringify({ id: 10, text: 'x'.repeat(2_000_000) }));
    await world.produce(10);
    world.start();
    await world.caughtUp();
    expect(await world.values(world.output)).toHaveLength(20);
    const letters = (await world.values(world.deadLetters)).map((letter) => JSON.parse(letter));
    expect(letters).toMatchObject([{ code: 'GRUE-REC-004', origin: 'root|0|0|10|', reason: 'Kafka does not take it: MESSAGE_TOO_LARGE' }]);
  });

  test.concurrent.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('compressed with %s is read', async (codec) => {
    await using world = new WorkerWorld(servers(), 1);
    await world.create('sink', { 'compression.type': codec });
    await world.commitStart();
    world.start();
    await world.produce(500);
    await world.caughtUp();
    await expectAll(world, 500);
  });
});
