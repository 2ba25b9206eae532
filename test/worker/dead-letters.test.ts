import { expect, test } from 'vitest';
import { deadLetters } from '../../src/worker/dead-letters.ts';
import type { ProducerRecord } from '../../src/worker/ports.ts';
import type { BadRecord } from '../../src/worker/transform/ports.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const batch = (key: Buffer | null, value: Buffer | null) => ({
  topic: 'in',
  partition: 3,
  from: 7,
  next: 8,
  records: [{ offset: '7', key, value }],
  highWatermark: 8,
});
const bad: BadRecord = {
  index: 0,
  partition: 3,
  offset: '7',
  origin: { root: 'flights', epoch: 0, p: 3, o: 7n, path: '' },
  identity: 'flights|0|3|7|',
  code: 'GRUE-REC-002',
  reason: 'delay: "abc" is no INT',
};

async function written(key: Buffer | null, value: Buffer | null, record = bad) {
  const sent: ProducerRecord[] = [];
  const producer = {
    send: async (topic: string, records: readonly ProducerRecord[]) => {
      expect(topic).toBe('dead');
      sent.push(...records);
      return [];
    },
    close: async () => {},
  };
  await deadLetters(producer, 'dead', 'pipeline-delays-1', virtualClock(Date.UTC(2026, 0, 2, 3, 4, 5))).write(batch(key, value), [record]);
  const [letter] = sent;
  return { partition: letter?.partition, key: JSON.parse(letter?.key ?? ''), value: JSON.parse(letter?.value ?? '') };
}

test('a dead letter says what, why, where from and when, under stage and identity', async () => {
  expect(await written(Buffer.from('k'), Buffer.from('{"delay":"abc"}'))).toEqual({
    partition: 0,
    key: { revision: 'pipeline-delays-1', identity: 'flights|0|3|7|' },
    value: {
      code: 'GRUE-REC-002',
      reason: 'delay: "abc" is no INT',
      topic: 'in',
      partition: 3,
      offset: '7',
      origin: 'flights|0|3|7|',
      key: { text: 'k', bytes: 1 },
      value: { text: '{"delay":"abc"}', bytes: 15 },
      time: '2026-01-02T03:04:05.000Z',
    },
  });
});

test('what is no UTF-8 is kept as base64, what is not there as null', async () => {
  const { value } = await written(null, Buffer.from([0xff, 0x00]));
  expect(value).toMatchObject({ key: null, value: { base64: '/wA=', bytes: 2 } });
});

test('a large value is cut at 64 KiB between characters, with its whole length', async () => {
  const { value } = await written(null, Buffer.from(`x${'ü'.repeat(100_000)}`));
  expect(value.value.bytes).toBe(200_001);
  expect(value.value.text).toBe(`x${'ü'.repeat(32_767)}`);
});

test('a record without a readable origin is known by its position', async () => {
  const { key, value } = await written(null, null, { ...bad, origin: undefined, identity: 'in|3|7' });
  expect(key.identity).toBe('in|3|7');
  expect(value.origin).toBeNull();
});

test('a dead letter that Kafka does not take stops the partition', async () => {
  const producer = { send: async () => [{ index: 0, reason: 'too large' }], close: async () => {} };
  await expect(deadLetters(producer, 'dead', 'r', virtualClock()).write(batch(null, null), [bad])).rejects.toThrow('a dead letter was refused: too large');
});
