import { describe, expect, test } from 'vitest';
import type { Offsets } from '../../src/drivers/ports.ts';
import { type InputTopic, partitionFacts } from '../../src/worker/facts.ts';

const signal = new AbortController().signal;

function cluster(committed: Offsets, { id = 'T1', earliest = [0n, 0n] as Offsets, latest = [9n, 9n] as Offsets, topics = ['in'] } = {}) {
  const asked: string[] = [];
  const of = (offsets: Offsets) => new Map(topics.map((topic) => [topic, offsets]));
  return {
    asked,
    topics: async () => new Map(topics.map((name) => [name, { name, id, partitions: 2 }])),
    committed: async (group: string) => {
      asked.push(group);
      return of(committed);
    },
    offsets: async (_: readonly string[], which: string) => of(which === 'Earliest' ? earliest : latest),
  };
}

const input: InputTopic = { topic: 'in', id: 'T1', fixedPartitions: false };
const of = (partition: number) => ({ topic: 'in', partition });

test('a partition has its commit and the bounds of its log', async () => {
  const facts = partitionFacts(cluster([3n, 5n], { earliest: [1n, 2n] }), 'g', [input]);
  expect(await facts(of(1), signal)).toEqual({ committed: 5, logStart: 2, logEnd: 9 });
});

test('a missing commit stays missing', async () => {
  const facts = partitionFacts(cluster([3n, undefined]), 'g', [input]);
  expect(await facts(of(1), signal)).toMatchObject({ committed: undefined });
});

test('questions of the same moment are one, later ones ask again', async () => {
  const kafka = cluster([3n, 5n]);
  const facts = partitionFacts(kafka, 'g', [input]);
  await Promise.all([facts(of(0), signal), facts(of(1), signal)]);
  expect(kafka.asked).toEqual(['g']);
  await facts(of(0), signal);
  expect(kafka.asked).toEqual(['g', 'g']);
});

test('one failed question does not spoil the next', async () => {
  const kafka = cluster([3n, 5n]);
  let fail = true;
  const facts = partitionFacts({ ...kafka, topics: async () => (fail ? Promise.reject(new Error('down')) : kafka.topics()) }, 'g', [input]);
  await expect(facts(of(0), signal)).rejects.toThrow('down');
  fail = false;
  expect(await facts(of(0), signal)).toMatchObject({ committed: 3 });
});

describe('it refuses', () => {
  test('a topic that is not there', async () => {
    await expect(partitionFacts(cluster([3n, 5n], { topics: [] }), 'g', [input])(of(0), signal)).rejects.toMatchObject({ code: 'GRUE-KFK-001' });
  });

  test('another topic under the same name', async () => {
    await expect(partitionFacts(cluster([3n, 5n], { id: 'T2' }), 'g', [input])(of(0), signal)).rejects.toMatchObject({ code: 'GRUE-KFK-004' });
  });

  test('a partition that was added to a Change stream of others, in all of its partitions', async () => {
    const facts = partitionFacts(cluster([3n, undefined]), 'g', [{ ...input, fixedPartitions: true }]);
    await expect(facts(of(0), signal)).rejects.toMatchObject({ code: 'GRUE-KFK-004' });
  });

  test('a partition without a leader, as something that passes', async () => {
    await expect(partitionFacts(cluster([3n, 5n], { latest: [undefined, 9n] }), 'g', [input])(of(0), signal)).rejects.toMatchObject({ code: 'GRUE-PLT-002' });
  });

  test('an offset that it could not count', async () => {
    await expect(partitionFacts(cluster([2n ** 60n, 5n]), 'g', [input])(of(0), signal)).rejects.toBeInstanceOf(RangeError);
  });
});
