import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { deadLetteredNumbers } from '../../../demo/dead-letters.ts';
import type { World } from '../../../demo/world.ts';
import { systemClock } from '../../../src/controller/clock.ts';
import { silentLogger } from '../../../src/controller/logger.ts';
import { openKafkaCluster } from '../../../src/drivers/kafka/cluster.ts';
import { kafkajs } from '../../../src/drivers/kafka/kafkajs.ts';
import { openProducer } from '../../../src/drivers/kafka/producer.ts';
import { deadLetters } from '../../../src/worker/dead-letters.ts';
import type { Batch } from '../../../src/worker/ports.ts';
import { stack } from '../../stack/for-tests.ts';

const namespace = `demo-${randomBytes(3).toString('hex')}`;
const { signal } = new AbortController();
const settings = { bootstrapServers: [stack().kafka.bootstrapServers], clientId: 'demo-test' };
const cluster = openKafkaCluster(settings);
const producer = openProducer(settings, silentLogger);
const world = { kafka: kafkajs(settings, silentLogger), cluster, names: { namespace, topic: '', alias: '' } } as unknown as World;

afterAll(async () => {
  await producer.close();
  await cluster.close();
});

async function letters(topic: string, values: readonly string[]): Promise<void> {
  await cluster.createTopic({ name: topic, partitions: 1, config: {} }, signal);
  const records = values.map((value, i) => ({ offset: String(i), key: null, value: Buffer.from(value), headers: {} }));
  const batch = { topic: 'flights', partition: 0, records } as unknown as Batch;
  const bad = values.map((_, index) => ({
    index,
    partition: 0,
    offset: String(index),
    origin: undefined,
    identity: `flights|0|${index}`,
    code: 'GRUE-REC-001' as const,
    reason: 'no number',
  }));
  await deadLetters(producer, topic, 'pipeline-delays-1', systemClock).write(batch, bad);
}

test('the numbers of dead letters are found in all dead-letter topics of the namespace, and in no others', async () => {
  expect(await deadLetteredNumbers(world, signal)).toEqual(new Set());
  await letters(`grue.${namespace}.delays.1-aaaaaa.dead-letters`, ['{"number":7,"delay":"late"}', 'no JSON at all']);
  await letters(`grue.${namespace}.delays-index.1-bbbbbb.dead-letters`, ['{"number":8}', '{"origin":"LAS"}']);
  await letters(`grue.${namespace}-other.delays.1-cccccc.dead-letters`, ['{"number":9}']);
  expect(await deadLetteredNumbers(world, signal)).toEqual(new Set([7, 8]));
});
