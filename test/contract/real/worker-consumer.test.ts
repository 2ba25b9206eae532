import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/controller/clock.ts';
import { silentLogger } from '../../../src/controller/logger.ts';
import { openKafkaCluster } from '../../../src/drivers/kafka/cluster.ts';
import type { KafkaSettings } from '../../../src/drivers/kafka/connection.ts';
import { groupConsumer } from '../../../src/drivers/kafka/consumer.ts';
import { PositionGone } from '../../../src/drivers/kafka/kafkajs-repairs.ts';
import { openProducer } from '../../../src/drivers/kafka/producer.ts';
import type { Batch, GroupConsumer, TopicPartition } from '../../../src/worker/ports.ts';
import { stack } from '../../stack/for-tests.ts';
import { until } from './worker-world.ts';

const signal = new AbortController().signal;
let made = 0;

async function world(partitions = 1, settings: KafkaSettings = { bootstrapServers: [stack().kafka.bootstrapServers], clientId: 'contract' }) {
  const name = `consumer-${process.pid}-${Date.now().toString(36)}-${made++}`;
  const cluster = openKafkaCluster({ bootstrapServers: [stack().kafka.bootstrapServers], clientId: 'contract' });
  const producer = openProducer({ bootstrapServers: [stack().kafka.bootstrapServers], clientId: 'contract' }, silentLogger);
  await cluster.createTopic({ name, partitions, config: {} }, signal);
  await cluster.commitStart(name, new Map([[name, Array(partitions).fill(0n)]]), signal);
  const consumers: GroupConsumer[] = [];
  onTestFinished(async () => {
    await Promise.allSettled(consumers.map((consumer) => consumer.close()));
    await Promise.allSettled([producer.close(), cluster.close()]);
  });
  const consumer = (topic = name) => {
    const opened = groupConsumer({
      settings,
      group: name,
      topics: [topic],
      partitions,
      fetchBytes: 1_048_576,
      sessionTimeoutMilliseconds: 3_000,
      clock: systemClock,
      logger: silentLogger,
    });
    consumers.push(opened);
    return opened;
  };
  const produce = (partition: number, values: readonly string[]) =>
    producer.send(
      name,
      values.map((value) => ({ partition, key: null, value })),
    );
  return { name, cluster, consumer, produce };
}

/** Joins and keeps what comes; a batch is taken as soon as `room` allows. */
async function join(consumer: GroupConsumer, room: (batch: Batch) => Promise<void> = async () => {}) {
  const batches: Batch[] = [];
  const assignments: (readonly TopicPartition[])[] = [];
  const lost: string[] = [];
  await consumer.join({
    assigned: (partitions) => void assignments.push(partitions),
    lost: (reason) => void lost.push(reason),
    fetched: (batch) => {
      batches.push(batch);
      return room(batch);
    },
  });
  await until(10_000, () => assignments.length > 0, 'partitions are assigned');
  const values = () => batches.flatMap(({ records }) => records.map(({ value }) => value?.toString()));
  return { batches, assignments, lost, values };
}

describe('what is read', () => {
  test('is nothing before a position is given, whatever is committed', async () => {
    const { name, consumer, produce } = await world();
    await produce(0, ['a', 'b', 'c']);
    const opened = consumer();
    const { values } = await join(opened);
    await systemClock.sleep(700);
    expect(values()).toEqual([]);
    opened.readFrom({ topic: name, partition: 0 }, 1);
    await until(10_000, () => values().length === 2, 'two records');
    expect(values()).toEqual(['b', 'c']);
  });

  test('comes in batches that follow on each other', async () => {
    const { name, consumer, produce } = await world();
    const opened = consumer();
    const { batches, values } = await join(opened);
    opened.readFrom({ topic: name, partition: 0 }, 0);
    for (let n = 0; n < 5; n++) {
      await produce(0, [`${n}`]);
      await until(10_000, () => values().length === n + 1, 'the record');
    }
    expect(batches.map(({ from, next }) => [from, next])).toEqual([0, 1, 2, 3, 4].map((n) => [n, n + 1]));
  });

  test('begins again where it is told, and what was on its way before is not delivered', async () => {
    const { name, consumer, produce } = await world();
    await produce(0, ['a', 'b', 'c']);
    const opened = consumer();
    const { batches, values } = await join(opened);
    const where = { topic: name, partition: 0 };
    opened.readFrom(where, 2);
    opened.readFrom(where, 0);
    await until(10_000, () => values().length >= 3, 'all records');
    expect(batches[0]?.from).toBe(0);
    opened.stopReading(where);
    await produce(0, ['d']);
    await systemClock.sleep(700);
    expect(values()).not.toContain('d');
  });

  test('of a partition that has no room waits, and the others are read meanwhile', async () => {
    const { name, consumer, produce } = await world(2);
    const opened = consumer();
    const { values } = await join(opened, ({ partition }) => (partition === 0 ? new Promise(() => {}) : Promise.resolve()));
    for (const partition of [0, 1]) opened.readFrom({ topic: name, partition }, 0);
    for (let n = 0; n < 4; n++) {
      await produce(0, [`0-${n}`]);
      await produce(1, [`1-${n}`]);
      await until(10_000, () => values().includes(`1-${n}`), 'the record of the free partition');
    }
    expect(values().filter((value) => value?.startsWith('0-'))).toEqual(['0-0']);
  });
});

describe('a position', () => {
  test('that is no longer in the log ends the consumer; what is committed stays as it was', async () => {
    const { name, cluster, consumer, produce } = await world();
    await produce(0, ['a', 'b', 'c', 'd']);
    const admin = new Kafka({ brokers: [stack().kafka.bootstrapServers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.fetchTopicOffsets(name);
    await admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: '2' }] });
    await admin.disconnect();
    const opened = consumer();
    const { values, lost } = await join(opened);
    opened.readFrom({ topic: name, partition: 0 }, 1);
    await expect(opened.ended).rejects.toBeInstanceOf(PositionGone);
    expect(lost).toHaveLength(1);
    expect(values()).toEqual([]);
    expect((await cluster.committed(name, [name], signal)).get(name)).toEqual([0n]);
  });

  test('is committed as told, many at once in few requests', async () => {
    const { name, cluster, consumer } = await world(50);
    const opened = consumer();
    await join(opened);
    await Promise.all(Array.from({ length: 50 }, (_, partition) => opened.commit({ topic: name, partition }, partition)));
    expect((await cluster.committed(name, [name], signal)).get(name)).toEqual(Array.from({ length: 50 }, (_, partition) => BigInt(partition)));
  });
});

describe('a member', () => {
  test('keeps its place through a rebalance', async () => {
    const { name, consumer, produce } = await world(2);
    const first = consumer();
    const one = await join(first);
    for (const partition of [0, 1]) first.readFrom({ topic: name, partition }, 0);
    await produce(0, ['a']);
    await produce(1, ['b']);
    await until(10_000, () => one.values().length === 2, 'both records');
    await join(consumer());
    await until(10_000, () => one.assignments.at(-1)?.length === 1, 'one partition goes to the second');
    const kept = one.assignments.at(-1)?.[0]?.partition ?? 0;
    await produce(kept, ['c']);
    await until(10_000, () => one.values().includes('c'), 'the record after the rebalance');
    expect(one.values().toSorted()).toEqual(['a', 'b', 'c']);
    expect(one.lost).toEqual([]);
  });

  test('is one as long as its heartbeats are answered', async () => {
    const { consumer } = await world();
    const opened = consumer();
    expect(opened.isMember()).toBe(false);
    await join(opened);
    await systemClock.sleep(4_000);
    expect(opened.isMember()).toBe(true);
  });

  test('does not keep the process awake with timers: Node has nothing to warn about', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    onTestFinished(() => void process.off('warning', listen));
    const { name, consumer } = await world();
    const opened = consumer();
    await join(opened);
    opened.readFrom({ topic: name, partition: 0 }, 0);
    await systemClock.sleep(1_000);
    expect(warnings).toEqual([]);
  });
});

describe('a consumer cannot join', () => {
  test('without its topic', async () => {
    const { consumer } = await world();
    const opened = consumer('there-is-no-such-topic');
    const joining = opened.join({ assigned() {}, lost() {}, fetched: async () => {} });
    await expect(joining).rejects.toMatchObject({ code: 'GRUE-KFK-001' });
  });

  test('with the wrong password', async () => {
    const { saslBootstrapServers, user } = stack().kafka;
    const { consumer } = await world(1, {
      bootstrapServers: [saslBootstrapServers],
      clientId: 'c',
      sasl: { mechanism: 'SCRAM-SHA-512', username: user, password: 'wrong' },
    });
    const joining = consumer().join({ assigned() {}, lost() {}, fetched: async () => {} });
    await expect(joining).rejects.toMatchObject({ code: 'GRUE-PLT-004' });
  });

  test('where no Kafka is', async () => {
    const { consumer } = await world(1, { bootstrapServers: ['127.0.0.1:1'], clientId: 'c' });
    const joining = consumer().join({ assigned() {}, lost() {}, fetched: async () => {} });
    await expect(joining).rejects.toMatchObject({ code: 'GRUE-PLT-002' });
  });

  test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('unless it is let in, as with %s', async (mechanism) => {
    const { saslBootstrapServers, user, password } = stack().kafka;
    const { consumer } = await world(1, { bootstrapServers: [saslBootstrapServers], clientId: 'c', sasl: { mechanism, username: user, password } });
    expect((await join(consumer())).assignments).toHaveLength(1);
  });
});
