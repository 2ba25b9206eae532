import { createRecordsBatch } from '@platformatic/kafka';
import { expect, onTestFinished, test } from 'vitest';
import { readRange } from '../../../src/drivers/kafka/read.ts';
import { Wire } from '../../../src/drivers/kafka/wire.ts';
import { all } from '../../contract/kafka-cluster.ts';
import { configOf, fakeBroker, fetchOf, KEYS, metadataOf, throttled } from './fake-broker.ts';

const PATIENCE_MS = 500;
const ID = '3ec5ef2e-f0a5-4533-9a7d-6a9aae0a60d6';
const ATTRIBUTES_AT = 21;
const signal = new AbortController().signal;

/** A batch of one record at offset 0, declared to be compressed with the codec of this number. */
function batch(codec = 0): Buffer {
  const bytes = Buffer.from(createRecordsBatch([{ topic: 't', value: Buffer.from('v') }]).buffer);
  bytes.writeInt16BE(codec, ATTRIBUTES_AT);
  return bytes;
}

/** Reads [0, to) of a broker that answers fetches in this way. */
async function read(to: bigint, fetches: readonly Buffer[], cleanup = 'delete') {
  const broker = await fakeBroker((address) => ({
    [KEYS.Metadata]: metadataOf(address, 't', ID),
    [KEYS.Fetch]: fetches,
    [KEYS.DescribeConfigs]: configOf('t', 'cleanup.policy', cleanup),
  }));
  const wire = new Wire({ bootstrapServers: [broker.address], clientId: 'test' }, PATIENCE_MS);
  onTestFinished(async () => {
    await wire.close();
    broker.close();
  });
  return (await all(readRange(wire, 't', 0, 0n, to, signal))).map(({ offset }) => offset);
}

test('what the broker sends is delivered', async () => {
  expect(await read(1n, [fetchOf(ID, 1n, batch())])).toEqual([0n]);
});

test('a compression that nobody here knows is named as such', async () => {
  const reading = read(1n, [fetchOf(ID, 1n, batch(5))]);
  await expect(reading).rejects.toMatchObject({
    code: 'GRUE-KFK-005',
    message: expect.stringContaining('partition 0 of topic t'),
    fix: expect.stringContaining('zstd'),
  });
});

test('a damaged batch is an error that says where, and is not tried again and again', async () => {
  const began = performance.now();
  const reading = read(1n, [fetchOf(ID, 1n, batch(1))]);
  await expect(reading).rejects.toMatchObject({ code: 'GRUE-KFK-009', message: expect.stringContaining('offset 0 cannot be decoded') });
  expect(performance.now() - began).toBeLessThan(PATIENCE_MS);
});

test('a broker that holds answers back because of a quota is asked again', async () => {
  expect(await read(1n, [throttled, fetchOf(ID, 1n, batch())])).toEqual([0n]);
});

test('a stretch at the end that compaction emptied is passed over', async () => {
  const nothing = fetchOf(ID, 7n, Buffer.alloc(0));
  expect(await read(7n, [fetchOf(ID, 7n, batch()), nothing], 'compact')).toEqual([0n]);
});

test('nothing where something must be, in a topic that is not compacted, is never taken for the end', async () => {
  const nothing = fetchOf(ID, 7n, Buffer.alloc(0));
  await expect(read(7n, [fetchOf(ID, 7n, batch()), nothing])).rejects.toMatchObject({
    code: 'GRUE-KFK-009',
    message: expect.stringContaining('nothing from offset 1'),
  });
});
