import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kafkaRegistry, type RegistryLog } from '../../../src/drivers/kafka/registry.ts';
import { kafkaRegistryContract } from '../../contract/kafka-registry.ts';
import { fakeLog } from './fake-log.ts';

const signal = new AbortController().signal;

describe('the registry over a log in memory', () => {
  kafkaRegistryContract(async () => {
    const log = fakeLog();
    return { open: () => kafkaRegistry(log, 'grue') };
  });
});

test('compaction changes neither notes nor who holds the claim', async () => {
  const log = fakeLog();
  const registry = kafkaRegistry(log, 'grue');
  await Promise.all(['a', 'b', 'c'].map((name) => kafkaRegistry(log, 'grue').claim(name, signal)));
  const note = { kind: 'group', name: 'g', installation: 'a', namespace: 'n', revision: 'r' } as const;
  await registry.record({ ...note, revision: 'older' }, signal);
  await registry.record(note, signal);
  const before = await registry.claim('x', signal);
  log.compact();
  expect(log.records).toHaveLength(2);
  expect(await registry.claim('x', signal)).toEqual(before);
  expect(await registry.entries(signal)).toEqual([note]);
});

test('however the steps of rivals fall between each other, one gets the claim and only its claim is left', async () => {
  const names = ['a', 'b', 'c'];
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.boolean(), async (scheduler, someoneTakesOver) => {
      const log = fakeLog();
      const slowly = {
        ...log,
        append: scheduler.scheduleFunction(log.append),
        offsets: scheduler.scheduleFunction(log.offsets),
      } as RegistryLog;
      const claims = names.map((name) => kafkaRegistry(slowly, 'grue').claim(name, signal));
      const takeOver = someoneTakesOver ? kafkaRegistry(slowly, 'grue').takeOver('d', signal) : undefined;
      await scheduler.waitFor(Promise.all([...claims, takeOver]));
      const last = kafkaRegistry(log, 'grue');
      if (takeOver !== undefined) {
        expect(await takeOver).toEqual({ outcome: 'Ours' });
        expect(await last.claim('d', signal)).toEqual({ outcome: 'Ours' });
      } else {
        const winners = (await Promise.all(claims)).flatMap(({ outcome }, i) => (outcome === 'Ours' ? [names[i]!] : []));
        expect(winners).toHaveLength(1);
        expect(await last.claim(winners[0]!, signal)).toEqual({ outcome: 'Ours' });
      }
      log.compact();
      expect(log.records).toHaveLength(1);
    }),
    { numRuns: 300 },
  );
});

test('a topic of that name that is not compacted, or has more partitions, is not used', async () => {
  for (const found of [
    { policy: 'delete', partitions: 1 },
    { policy: 'compact', partitions: 3 },
    { policy: 'compact,delete', partitions: 1 },
  ]) {
    const registry = kafkaRegistry(fakeLog(found), 'grue');
    await expect(registry.entries(signal)).rejects.toMatchObject({ code: 'GRUE-KFK-002', message: expect.stringContaining('grue.registry') });
  }
});

test('what others write into the topic is passed over, but a claim that cannot be read still stands', async () => {
  const log = fakeLog({ policy: 'compact', partitions: 1 });
  const append = (key: string, value: string) => log.append({ topic: 't', partition: 0, key, value }, signal);
  await append('topic/a', 'no JSON');
  await append('topic/b', '{"installation": 7}');
  await append('newer/thing', '{}');
  const registry = kafkaRegistry(log, 'grue');
  expect(await registry.entries(signal)).toEqual([]);
  await append('claim/1', '{"who": "a newer version"}');
  expect(await registry.claim('a', signal)).toMatchObject({ outcome: 'Others' });
});

test('a claim that was written but whose answer was lost is found again and not written twice', async () => {
  const log = fakeLog();
  const lossy: RegistryLog = {
    ...log,
    append: async (record, s) => {
      await log.append(record, s);
      throw new Error('no answer');
    },
  };
  await expect(kafkaRegistry(lossy, 'grue').claim('a', signal)).rejects.toThrow('no answer');
  expect(await kafkaRegistry(log, 'grue').claim('a', signal)).toEqual({ outcome: 'Ours' });
  expect(log.records).toHaveLength(1);
});
