import { expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../../src/controller/logger.ts';
import { openKafkaCluster } from '../../../src/drivers/kafka/cluster.ts';
import { openProducer } from '../../../src/drivers/kafka/producer.ts';
import { stack } from '../../stack/for-tests.ts';
import { startFlakyProxy } from '../../support/flaky-proxy.ts';

const signal = new AbortController().signal;
let made = 0;

async function world(config: Readonly<Record<string, string>> = {}, bootstrapServers = stack().kafka.bootstrapServers) {
  const name = `producer-${process.pid}-${Date.now().toString(36)}-${made++}`;
  const cluster = openKafkaCluster({ bootstrapServers: [stack().kafka.bootstrapServers], clientId: 'contract' });
  const producer = openProducer({ bootstrapServers: [bootstrapServers], clientId: 'contract' }, silentLogger);
  await cluster.createTopic({ name, partitions: 3, config }, signal);
  onTestFinished(async () => void (await Promise.allSettled([producer.close(), cluster.close()])));
  const read = async (partition: number) => {
    const end = (await cluster.offsets([name], 'HighWatermark', signal)).get(name)?.[partition] ?? 0n;
    const found: { readonly key: string | undefined; readonly value: string | undefined; readonly headers: object }[] = [];
    for await (const { key, value, headers } of cluster.read(name, partition, 0n, end, signal))
      found.push({ key: key?.toString(), value: value?.toString(), headers });
    return found;
  };
  return { name, producer, read };
}

test('each record goes to its partition, in the order given, with key, value and headers', async () => {
  const { name, producer, read } = await world();
  const records = Array.from({ length: 7_000 }, (_, n) => ({ partition: n % 3, key: `k${n}`, value: `v${n}`, headers: { grue: `h${n}` } }));
  expect(await producer.send(name, records)).toEqual([]);
  for (const partition of [0, 1, 2]) {
    const expected = records.filter((record) => record.partition === partition).map(({ key, value, headers }) => ({ key, value, headers }));
    expect(await read(partition)).toEqual(expected);
  }
});

test('a record without key and value is a tombstone without a key', async () => {
  const { name, producer, read } = await world();
  await producer.send(name, [{ partition: 0, key: null, value: null }]);
  expect(await read(0)).toEqual([{ key: undefined, value: undefined, headers: {} }]);
});

test('nothing to send is a success without a connection', async () => {
  const producer = openProducer({ bootstrapServers: ['127.0.0.1:1'], clientId: 'contract' }, silentLogger);
  expect(await producer.send('topic', [])).toEqual([]);
  await producer.close();
});

test('records that the topic does not take are told one by one, and all others are there', async () => {
  const { name, producer, read } = await world({ 'max.message.bytes': '100000' });
  const records = Array.from({ length: 50 }, (_, n) => ({ partition: 0, key: null, value: n % 20 === 7 ? 'x'.repeat(200_000) : `v${n}` }));
  const refused = await producer.send(name, records);
  expect(refused).toEqual([7, 27, 47].map((index) => ({ index, reason: 'Kafka does not take it: MESSAGE_TOO_LARGE' })));
  expect((await read(0)).map(({ value }) => value)).toEqual(records.filter((_, n) => n % 20 !== 7).map(({ value }) => value));
});

test('an unreachable Kafka is told as such, and once it is back the same producer goes on', async () => {
  const [host = '', port = ''] = stack().kafka.bootstrapServers.split(':');
  await using proxy = await startFlakyProxy({ host, port: Number(port) });
  const { name, producer, read } = await world({}, `127.0.0.1:${proxy.port}`);
  proxy.inject({ kind: 'DropRequest' });
  await expect(producer.send(name, [{ partition: 0, key: null, value: 'a' }])).rejects.toMatchObject({ code: 'GRUE-PLT-002' });
  proxy.heal();
  await producer.send(name, [{ partition: 0, key: null, value: 'b' }]);
  expect((await read(0)).map(({ value }) => value)).toContain('b');
});

test('a topic that does not exist is told as such', async () => {
  const { producer } = await world();
  await expect(producer.send('there-is-no-such-topic', [{ partition: 0, key: null, value: 'a' }])).rejects.toMatchObject({ code: 'GRUE-KFK-001' });
});
