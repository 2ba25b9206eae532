import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromUuid, toUuid } from '../../../src/drivers/kafka/topics.ts';

test('topic ids are shown as the tools of Kafka show them', () => {
  expect(fromUuid('3ec5ef2e-f0a5-4533-9a7d-6a9aae0a60d6')).toBe('PsXvLvClRTOafWqargpg1g');
});

test('a topic id survives the way there and back', () => {
  fc.assert(fc.property(fc.uuid(), (uuid) => toUuid(fromUuid(uuid)) === uuid));
});
