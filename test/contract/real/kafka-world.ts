import { setTimeout as sleep } from 'node:timers/promises';
import { type Admin, Kafka, logLevel, type Producer, type Transaction } from 'kafkajs';
import { openKafkaCluster } from '../../../src/drivers/kafka/cluster.ts';
import type { Offset } from '../../../src/drivers/ports.ts';
import { all, fresh, type KafkaWorld, type OpenTransaction, type WorldRecord } from '../kafka-cluster.ts';

const COMPACTED_WITHIN_MS = 30_000;

/**
 * A real cluster, written to through kafkajs: another client than the one under test, so that a mistake in the one is not hidden by the
 * same mistake in the other.
 */
export async function realKafkaWorld(bootstrapServers: string): Promise<KafkaWorld> {
  const cluster = openKafkaCluster({ bootstrapServers: [bootstrapServers], clientId: 'contract' });
  const kafka = new Kafka({ clientId: 'contract-world', brokers: [bootstrapServers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await Promise.all([admin.connect(), producer.connect()]);
  const producers: Producer[] = [producer];
  const signal = new AbortController().signal;

  const send = (by: Producer | Transaction, topic: string, partition: number, records: readonly WorldRecord[]) => {
    const messages = records.map(({ key, value, headers }) => ({ partition, key: key ?? null, value: value ?? null, headers: headers ?? {} }));
    return by.send({ topic, acks: -1, messages });
  };
  return {
    cluster,
    produce: async (topic, partition, records) => void (await send(producer, topic, partition, records)),
    beginTransaction: async (topic, partition, records) => {
      const transactional = kafka.producer({ transactionalId: fresh('transaction'), maxInFlightRequests: 1, idempotent: true, allowAutoTopicCreation: false });
      producers.push(transactional);
      await transactional.connect();
      const transaction = await transactional.transaction();
      await send(transaction, topic, partition, records);
      return openTransaction(transaction, admin, topic, partition);
    },
    deleteRecords: async (topic, partition, before) => {
      // kafkajs deletes only in topics that it happens to know already
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: `${before}` }] });
    },
    // segments that close at once: compaction leaves the open one alone
    createCompacted: async (name) => {
      const config = { 'cleanup.policy': 'compact', 'segment.ms': '1', 'min.cleanable.dirty.ratio': '0.001' };
      await cluster.createTopic({ name, partitions: 1, config }, signal);
    },
    compact: async (topic) => {
      const end = (await cluster.offsets([topic], 'HighWatermark', signal)).get(topic)![0]! - 1n;
      const deadline = Date.now() + COMPACTED_WITHIN_MS;
      for (;;) {
        const keys = (await all(cluster.read(topic, 0, 0n, end, signal))).map(({ key }) => key?.toString());
        if (new Set(keys).size === keys.length) return;
        if (Date.now() > deadline) throw new Error(`${topic} is not compacted after ${COMPACTED_WITHIN_MS} ms`);
        await sleep(50);
      }
    },
    join: async (groupId, topic) => {
      const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, allowAutoTopicCreation: false });
      const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
      await consumer.connect();
      await consumer.subscribe({ topics: [topic] });
      await consumer.run({ autoCommit: false, eachBatch: async () => {} });
      await joined;
      return { leave: () => consumer.disconnect() };
    },
    close: async () => {
      await Promise.all([cluster.close(), admin.disconnect(), ...producers.map((p) => p.disconnect())]);
    },
  };
}

/** The broker answers the end of a transaction before it writes the marker: the world waits for the marker. */
function openTransaction(transaction: Transaction, admin: Admin, topic: string, partition: number): OpenTransaction {
  const highWatermark = async (): Promise<Offset> => BigInt((await admin.fetchTopicOffsets(topic)).find((p) => p.partition === partition)!.high);
  const ended = async (end: () => Promise<void>): Promise<void> => {
    const before = await highWatermark();
    await end();
    while ((await highWatermark()) === before) await sleep(10);
  };
  return { commit: () => ended(() => transaction.commit()), abort: () => ended(() => transaction.abort()) };
}
