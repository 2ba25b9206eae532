import kafkajs from 'kafkajs';
import { beforeAll, expect, test } from 'vitest';
import { installCodecs } from '../../../src/drivers/kafka/codecs.ts';

beforeAll(installCodecs);

const { CompressionCodecs, CompressionTypes } = kafkajs;
const text = Buffer.from('the same again and again '.repeat(10_000));

test.each(['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const)('what %s compresses it gives back', async (name) => {
  const codec = CompressionCodecs[CompressionTypes[name]]();
  const small: Buffer = await codec.compress({ buffer: text });
  expect(small.length).toBeLessThan(text.length / 4);
  expect((await codec.decompress(small)).equals(text)).toBe(true);
});

test('Snappy in the frames of the Java client is read', async () => {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const codec = CompressionCodecs[CompressionTypes.Snappy]();
  const frames = await Promise.all([text, text].map(async (part) => (await codec.compress({ buffer: part })) as Buffer));
  const framed = frames.flatMap((frame) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    return [length, frame];
  });
  expect((await codec.decompress(Buffer.concat([header, ...framed]))).equals(Buffer.concat([text, text]))).toBe(true);
});
