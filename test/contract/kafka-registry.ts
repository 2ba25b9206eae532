import { describe, expect, test } from 'vitest';
import type { KafkaRegistry, RegistryEntry } from '../../src/drivers/ports.ts';

const signal = new AbortController().signal;

const entry = (name: string, more: Partial<RegistryEntry> = {}): RegistryEntry => ({
  kind: 'topic',
  name,
  topicId: 'rQ2mPRLBRWi7Z5VeXHqSAw',
  installation: 'prod/3f1c',
  namespace: 'flights',
  revision: 'stream-delays-1',
  ...more,
});

/**
 * What every implementation of the registry does.
 * @param make makes a registry with nothing in it; each call of `open` is another process that uses it
 */
export function kafkaRegistryContract(make: () => Promise<{ open(): KafkaRegistry }>): void {
  describe('notes', () => {
    test('what one process notes, another one finds', async () => {
      const { open } = await make();
      const notes = [entry('grue.flights.delays.1-x7k2pq'), entry('grue.flights.delays.1-m3v9ab', { kind: 'group', topicId: undefined })];
      for (const note of notes) await open().record(note, signal);
      expect(await open().entries(signal)).toEqual(notes);
    });

    test('a registry that nobody has used is empty', async () => {
      const { open } = await make();
      expect(await open().entries(signal)).toEqual([]);
    });

    test('a later note replaces the earlier one, and a topic and a group of one name are two things', async () => {
      const registry = (await make()).open();
      await registry.record(entry('a', { topicId: undefined }), signal);
      await registry.record(entry('a', { kind: 'group', topicId: undefined }), signal);
      await registry.record(entry('a'), signal);
      const entries = await registry.entries(signal);
      expect(entries.toSorted((x, y) => (x.kind < y.kind ? -1 : 1))).toEqual([entry('a', { kind: 'group', topicId: undefined }), entry('a')]);
    });

    test('what is forgotten is gone, and forgetting twice is nothing', async () => {
      const registry = (await make()).open();
      await registry.record(entry('a'), signal);
      await registry.record(entry('b'), signal);
      await registry.forget('topic', 'a', signal);
      await registry.forget('topic', 'a', signal);
      await registry.forget('group', 'b', signal);
      expect(await registry.entries(signal)).toEqual([entry('b')]);
    });
  });

  describe('claims', () => {
    test('the first one gets it, and keeps it however often both ask', async () => {
      const { open } = await make();
      for (let i = 0; i < 3; i++) {
        expect(await open().claim('a', signal)).toEqual({ outcome: 'Ours' });
        expect(await open().claim('b', signal)).toEqual({ outcome: 'Others', installation: 'a' });
      }
    });

    test('of several at once exactly one gets it, and all others hear which', async () => {
      const { open } = await make();
      const names = ['a', 'b', 'c', 'd'];
      const claims = await Promise.all(names.map((name) => open().claim(name, signal)));
      const winners = names.filter((_, i) => claims[i]!.outcome === 'Ours');
      expect(winners).toHaveLength(1);
      expect(claims.filter(({ outcome }) => outcome === 'Others')).toEqual(Array(3).fill({ outcome: 'Others', installation: winners[0] }));
    });

    test('two processes of one installation hold the claim together', async () => {
      const { open } = await make();
      expect(await Promise.all([open(), open(), open()].map((registry) => registry.claim('a', signal)))).toEqual(Array(3).fill({ outcome: 'Ours' }));
      expect(await open().claim('b', signal)).toEqual({ outcome: 'Others', installation: 'a' });
    });

    test('a released claim is free, and nobody gets it who does not ask', async () => {
      const { open } = await make();
      await open().claim('a', signal);
      await open().claim('b', signal);
      await open().release('b', signal);
      expect(await open().claim('c', signal)).toEqual({ outcome: 'Others', installation: 'a' });
      await open().release('a', signal);
      expect(await open().claim('c', signal)).toEqual({ outcome: 'Ours' });
    });

    test('a take-over ends the claim of the other one', async () => {
      const { open } = await make();
      await open().claim('a', signal);
      expect(await open().takeOver('b', signal)).toEqual({ outcome: 'Ours' });
      expect(await open().claim('a', signal)).toEqual({ outcome: 'Others', installation: 'b' });
      expect(await open().takeOver('b', signal)).toEqual({ outcome: 'Ours' });
    });

    test('claims and notes do not disturb each other', async () => {
      const { open } = await make();
      await open().record(entry('a'), signal);
      await open().claim('x', signal);
      await open().record(entry('b'), signal);
      expect(await open().entries(signal)).toEqual([entry('a'), entry('b')]);
      await open().forget('topic', 'a', signal);
      expect(await open().claim('y', signal)).toEqual({ outcome: 'Others', installation: 'x' });
    });
  });
}
