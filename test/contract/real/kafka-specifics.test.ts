import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { Consumer } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openKafkaCluster } from '../../../src/drivers/kafka/cluster.ts';
import type { KafkaCredentials, KafkaSettings } from '../../../src/drivers/kafka/connection.ts';
import { stack } from '../../stack/for-tests.ts';
import { all, fresh, type KafkaWorld } from '../kafka-cluster.ts';
import { realKafkaWorld } from './kafka-world.ts';

const signal = new AbortController().signal;
const settings = (more: Partial<KafkaSettings> = {}): KafkaSettings => ({ bootstrapServers: [stack().kafka.bootstrapServers], clientId: 'specifics', ...more });

function open(more: Partial<KafkaSettings> = {}, patienceMs?: number) {
  const cluster = openKafkaCluster(settings(more), patienceMs);
  onTestFinished(() => cluster.close());
  return cluster;
}

describe('who is let in', () => {
  const withLogin = (sasl: KafkaCredentials | undefined) => ({ bootstrapServers: [stack().kafka.saslBootstrapServers], sasl });
  const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

  test.each(mechanisms)('%s with the right password', async (mechanism) => {
    const { user, password } = stack().kafka;
    expect(await open(withLogin({ mechanism, username: user, password })).clusterId(signal)).toBe(await open().clusterId(signal));
  });

  test.each(mechanisms)('%s with a wrong password is refused at once, and no error shows the password', async (mechanism) => {
    const cluster = open(withLogin({ mechanism, username: stack().kafka.user, password: 'hunter2-is-wrong' }));
    const began = performance.now();
    const errors = await Promise.all(
      [cluster.clusterId(signal), cluster.group('g', signal), all(cluster.read('t', 0, 0n, 1n, signal))].map((p) => p.catch((e) => e)),
    );
    expect(performance.now() - began).toBeLessThan(2_000);
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'GRUE-PLT-004', message: expect.stringContaining(stack().kafka.user) });
      expect(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain('hunter2-is-wrong');
    }
  });

  test('a login at a listener that wants none, and none where one is wanted', async () => {
    const sasl = { mechanism: 'PLAIN', username: 'grue', password: 'secret-of-mine' } as const;
    await expect(open({ sasl }).clusterId(signal)).rejects.toMatchObject({ code: 'GRUE-PLT-004' });
    await expect(open(withLogin(undefined), 500).clusterId(signal)).rejects.toMatchObject({ code: 'GRUE-PLT-002' });
  });

  test('TLS to a listener that does not speak it', async () => {
    await expect(open({ tls: {} }, 500).clusterId(signal)).rejects.toMatchObject({ code: 'GRUE-PLT-002' });
  });
});

describe('reading what others have written', () => {
  let world: KafkaWorld;
  beforeAll(async () => {
    world = await realKafkaWorld(stack().kafka.bootstrapServers);
  });
  afterAll(() => world.close());

  const topic = async (config: Record<string, string> = {}): Promise<string> => {
    const name = fresh('topic');
    await world.cluster.createTopic({ name, partitions: 1, config }, signal);
    return name;
  };

  // the broker compresses anew by the topic's configuration: these are batches made by Kafka's own code
  test.each(['gzip', 'snappy', 'lz4', 'zstd'])('records that Kafka compressed with %s', async (codec) => {
    const name = await topic({ 'compression.type': codec });
    const written = Array.from({ length: 500 }, (_, i) => ({ key: `k${i}`, value: `${i}`.repeat(i), headers: { n: `${i}` } }));
    await world.produce(name, 0, written);
    await world.produce(name, 0, [{ key: 'last' }]);
    const read = await all(world.cluster.read(name, 0, 0n, 501n, signal));
    expect(read.slice(0, 500).map(({ key, value, headers }) => ({ key: `${key}`, value: `${value}`, headers }))).toEqual(written);
    expect(read[500]).toMatchObject({ value: undefined });
  });

  test('an aborted transaction that is larger than one fetch is left out whole', async () => {
    const name = await topic();
    const large = Array.from({ length: 4 }, (_, i) => ({ value: `void ${i} ${randomBytes(300_000).toString('base64')}` }));
    await world.produce(name, 0, [{ value: 'before' }]);
    const transaction = await world.beginTransaction(name, 0, large.slice(0, 2));
    await world.produce(name, 0, [{ value: 'between' }]);
    await transaction.abort();
    const second = await world.beginTransaction(name, 0, large);
    await world.produce(
      name,
      0,
      large.map(({ value }) => ({ value: value.replace('void', 'kept') })),
    );
    await second.abort();
    await world.produce(name, 0, [{ value: 'after' }]);
    const end = (await world.cluster.offsets([name], 'LastStable', signal)).get(name)![0]!;
    const read = await all(world.cluster.read(name, 0, 0n, end, signal));
    expect(read.map(({ value }) => `${value}`.slice(0, 7).trim())).toEqual(['before', 'between', 'kept 0', 'kept 1', 'kept 2', 'kept 3', 'after']);
  });

  test('a record of 10 MB is read', async () => {
    const name = await topic({ 'max.message.bytes': '16000000' });
    await world.produce(name, 0, [{ value: 'x'.repeat(10_000_000) }]);
    const [record] = await all(world.cluster.read(name, 0, 0n, 1n, signal));
    expect(record?.value?.length).toBe(10_000_000);
  });

  test('what stays held back by an open transaction is an error within the patience', async () => {
    const name = await topic();
    const transaction = await world.beginTransaction(name, 0, [{ value: 'open' }]);
    const read = all(open({}, 500).read(name, 0, 0n, 1n, signal));
    await expect(read).rejects.toMatchObject({ code: 'GRUE-KFK-009', message: expect.stringContaining('open transaction') });
    await transaction.abort();
  });

  test('an end that the topic does not have is an error within the patience', async () => {
    const name = await topic();
    await world.produce(name, 0, [{ value: 'only' }]);
    await expect(all(open({}, 500).read(name, 0, 0n, 2n, signal))).rejects.toMatchObject({
      code: 'GRUE-KFK-009',
      message: expect.stringContaining('ends at offset 1'),
    });
    await expect(all(open({}, 500).read(name, 0, 5n, 6n, signal))).rejects.toMatchObject({
      code: 'GRUE-KFK-009',
      message: expect.stringContaining('before offset 5'),
    });
  });

  test('a topic that is made anew while it is read ends the reading', async () => {
    const name = await topic();
    const value = randomBytes(400_000).toString('base64');
    for (const _ of [0, 1, 2]) await world.produce(name, 0, [{ value }]);
    const reading = world.cluster.read(name, 0, 0n, 3n, signal)[Symbol.asyncIterator]();
    await reading.next();
    await world.cluster.deleteTopic(name, (await world.cluster.topics([name], signal)).get(name)!.id, signal);
    await world.cluster.createTopic({ name, partitions: 1, config: {} }, signal);
    for (const _ of [0, 1, 2]) await world.produce(name, 0, [{ value }]);
    const rest = async () => {
      while (!(await reading.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'GRUE-KFK-004' });
  });
});

test('a group of the newer protocol is told from one that does not exist', async () => {
  const cluster = open();
  const topic = fresh('topic');
  const group = fresh('group');
  await cluster.createTopic({ name: topic, partitions: 1, config: {} }, signal);
  const consumer = new Consumer({ clientId: 'newer', groupId: group, groupProtocol: 'consumer', bootstrapBrokers: [stack().kafka.bootstrapServers] });
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest' });
  expect(await cluster.group(group, signal)).toEqual({ state: 'Active', members: 1 });
  await expect(cluster.commitStart(group, new Map([[topic, [0n]]]), signal)).rejects.toMatchObject({ code: 'GRUE-KFK-007' });
  expect(await cluster.deleteGroup(group, signal)).toBe('Active');
  await stream.close();
  await consumer.close(true);
  await expect.poll(() => cluster.group(group, signal)).toEqual({ state: 'Empty', members: 0 });
  expect(await cluster.deleteGroup(group, signal)).toBe('Deleted');
});

describe('what it costs', () => {
  /** Requests and connections that this process sends while `work` runs, by the library's own account. */
  async function counted(work: () => Promise<unknown>): Promise<{ requests: number; connections: number }> {
    const count = { requests: 0, connections: 0 };
    const request = () => void count.requests++;
    const connection = () => void count.connections++;
    subscribe('tracing:plt:kafka:connections:api:start', request);
    subscribe('tracing:plt:kafka:connections:connects:start', connection);
    await work();
    unsubscribe('tracing:plt:kafka:connections:api:start', request);
    unsubscribe('tracing:plt:kafka:connections:connects:start', connection);
    return count;
  }

  test('nothing is connected before the first question, and a hundred questions share one connection', async () => {
    const cluster = open();
    const names = ['a', 'b'].map(fresh);
    expect(await counted(async () => {})).toEqual({ requests: 0, connections: 0 });
    const questions = () => Promise.all(Array.from({ length: 100 }, () => cluster.topics(names, signal)));
    expect(await counted(questions)).toMatchObject({ connections: 1 });
  });

  test('the offsets of a hundred partitions of five topics take two requests', async () => {
    const cluster = open();
    const names = Array.from({ length: 5 }, () => fresh('wide'));
    await Promise.all(names.map((name) => cluster.createTopic({ name, partitions: 20, config: {} }, signal)));
    // a new partition may answer a moment later than its topic is there
    await cluster.offsets(names, 'LastStable', signal);
    let answer = new Map() as Awaited<ReturnType<typeof cluster.offsets>>;
    const asking = async () => {
      answer = await cluster.offsets(names, 'LastStable', signal);
    };
    expect(await counted(asking)).toEqual({ requests: 2, connections: 0 });
    expect([...answer.values()].flat()).toEqual(Array(100).fill(0n));
    for (const { name, id } of (await cluster.topics(names, signal)).values()) await cluster.deleteTopic(name, id, signal);
  });
});
