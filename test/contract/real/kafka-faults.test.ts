import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openKafkaCluster } from '../../../src/drivers/kafka/cluster.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { fresh } from '../kafka-cluster.ts';

const signal = new AbortController().signal;
const PATIENCE_MS = 1_500;

/** A broker of its own: it is killed, frozen and restarted. */
describe('the Kafka driver when the broker fails', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ only: ['kafka'] });
  });
  afterAll(() => stack.stop());

  // told to go, not killed: a killed broker is let in again only when its old registration has expired, 9 s later
  const leave = () => stack.kill('kafka', 'SIGTERM');
  const open = (patienceMs?: number) => openKafkaCluster({ bootstrapServers: [stack.kafka.bootstrapServers], clientId: 'faults' }, patienceMs);

  test('after a restart of the broker the next question is answered, over a new connection', async () => {
    const cluster = open();
    const id = await cluster.clusterId(signal);
    await stack.restart('kafka');
    expect(await cluster.clusterId(signal)).toBe(id);
    await cluster.close();
  });

  test('a question asked while the broker is away is answered when it comes back in time', async () => {
    const cluster = open(30_000);
    const id = await cluster.clusterId(signal);
    await leave();
    const [answer] = await Promise.all([cluster.clusterId(signal), stack.startServer('kafka')]);
    expect(answer).toBe(id);
    await cluster.close();
  });

  test('a dead broker is an error within the patience, and the end of a read', async () => {
    const cluster = open(PATIENCE_MS);
    const topic = fresh('topic');
    await cluster.createTopic({ name: topic, partitions: 1, config: {} }, signal);
    await cluster.append({ topic, partition: 0, key: 'k', value: 'v' }, signal);
    await cluster.append({ topic, partition: 0, key: 'k', value: 'v' }, signal);
    await leave();
    const began = performance.now();
    await expect(cluster.clusterId(signal)).rejects.toMatchObject({ code: 'GRUE-PLT-002', message: expect.stringContaining(stack.kafka.bootstrapServers) });
    await expect(cluster.read(topic, 0, 0n, 2n, signal)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'GRUE-PLT-002' });
    await expect(cluster.group('any', signal)).rejects.toMatchObject({ code: 'GRUE-PLT-002' });
    expect(performance.now() - began).toBeLessThan(3 * PATIENCE_MS + 500);
    await stack.startServer('kafka');
    expect((await cluster.offsets([topic], 'HighWatermark', signal)).get(topic)).toEqual([2n]);
    await cluster.close();
  });

  test('a frozen broker is an error within the patience, and is asked again once it thaws', async () => {
    const cluster = open(PATIENCE_MS);
    const id = await cluster.clusterId(signal);
    await stack.pause('kafka');
    const began = performance.now();
    await expect(cluster.clusterId(signal)).rejects.toMatchObject({ code: 'GRUE-PLT-002' });
    expect(performance.now() - began).toBeLessThan(PATIENCE_MS + 500);
    await stack.resume('kafka');
    expect(await cluster.clusterId(signal)).toBe(id);
    await cluster.close();
  });

  test('a question is given up at once when its signal aborts', async () => {
    const cluster = open();
    await cluster.clusterId(signal);
    await stack.pause('kafka');
    const controller = new AbortController();
    const asked = cluster.clusterId(controller.signal);
    const reason = new Error('enough');
    const began = performance.now();
    setTimeout(() => controller.abort(reason), 50);
    await expect(asked).rejects.toBe(reason);
    expect(performance.now() - began).toBeLessThan(300);
    await stack.resume('kafka');
    await cluster.close();
  });
});
