import { describe, expect, test } from 'vitest';
import { partitionKey } from '../../../src/worker/ports.ts';
import { all, type KafkaWorld, kafkaClusterContract } from '../../contract/kafka-cluster.ts';
import { kafkaRegistryContract } from '../../contract/kafka-registry.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { memoryKafka } from './kafka.ts';

const signal = new AbortController().signal;

async function memoryWorld(): Promise<KafkaWorld> {
  const kafka = memoryKafka({ clock: virtualClock() });
  return {
    cluster: kafka.cluster,
    produce: async (topic, partition, records) => void kafka.append(topic, partition, records),
    beginTransaction: async (topic, partition, records) => {
      const { commit, abort } = kafka.beginTransaction(topic, partition, records);
      return { commit: async () => commit(), abort: async () => abort() };
    },
    deleteRecords: async (topic, partition, before) => kafka.truncate(topic, partition, before),
    createCompacted: async (name) => void kafka.createTopic({ name, partitions: 1, config: { 'cleanup.policy': 'compact' } }),
    compact: async (topic) => kafka.compact(topic),
    join: async (group, topic) => {
      const { leave } = kafka.join(group, [topic]);
      return { leave: async () => leave() };
    },
    close: async () => {},
  };
}

describe('Kafka in memory', () => {
  kafkaClusterContract(memoryWorld);
});

describe('the registry over Kafka in memory', () => {
  kafkaRegistryContract(async () => {
    const kafka = memoryKafka({ clock: virtualClock() });
    return { open: () => kafka.registry('grue') };
  });
});

describe('what befalls Kafka in memory', () => {
  const scene = () => {
    const clock = virtualClock();
    const kafka = memoryKafka({ clock });
    kafka.createTopic({ name: 'a', partitions: 2, config: {} });
    return { clock, kafka, committed: async () => (await kafka.cluster.committed('g', ['a'], signal)).get('a') };
  };

  test('a member commits under its generation, and one that was expelled does not', async () => {
    const { clock, kafka, committed } = scene();
    const member = kafka.join('g', ['a']);
    await clock.advance(0);
    member.commit('a', 0, 3n);
    kafka.expel('g');
    expect(await kafka.cluster.group('g', signal)).toEqual({ state: 'Empty', members: 0 });
    expect(() => member.commit('a', 0, 4n)).toThrow('UNKNOWN_MEMBER_ID');
    expect(await committed()).toEqual([3n, undefined]);
  });

  test('a member that has not heard of a new generation yet commits nothing', async () => {
    const { clock, kafka } = scene();
    const [first, second] = [kafka.join('g', ['a'], 10_000), kafka.join('g', ['a'], 10_000)];
    await clock.advance(0);
    first.silence();
    second.leave();
    await clock.advance(0);
    first.commit('a', 0, 1n);
    const third = kafka.join('g', ['a'], 10_000);
    expect(() => third.commit('a', 0, 2n)).toThrow('ILLEGAL_GENERATION');
    await clock.advance(10_000);
    third.commit('a', 0, 2n);
    expect(() => first.commit('a', 0, 3n)).toThrow('UNKNOWN_MEMBER_ID');
  });

  test('a silent member stays one until its session ends, and not while the brokers are down', async () => {
    const { clock, kafka } = scene();
    const member = kafka.join('g', ['a'], 10_000);
    await clock.advance(25_000);
    member.silence();
    kafka.down = true;
    await clock.advance(60_000);
    kafka.down = false;
    expect(await kafka.cluster.group('g', signal)).toEqual({ state: 'Active', members: 1 });
    expect(await kafka.cluster.deleteGroup('g', signal)).toBe('Active');
    await clock.advance(20_000);
    expect(await kafka.cluster.group('g', signal)).toEqual({ state: 'Empty', members: 0 });
  });

  test('each partition is read by one member', async () => {
    const { clock, kafka } = scene();
    const shares: string[] = [];
    const consume = async (name: string): Promise<void> => {
      const options = { group: 'g', topics: ['a'], sessionTimeoutMilliseconds: 10_000, clock, recordsPerFetch: 1, fetchMilliseconds: 10 };
      await kafka.consumer(options).join({
        assigned: (partitions) => shares.push(`${name}: ${partitions.map(partitionKey).join(' ')}`),
        lost: () => {},
        fetched: async () => {},
      });
    };
    await consume('x');
    await clock.advance(100);
    await consume('y');
    await clock.advance(2_000);
    expect(shares).toEqual(['x: a/0 a/1', 'x: a/0', 'y: a/1']);
  });

  test('a topic made anew is empty, has another id, and no position leads into it', async () => {
    const { kafka, committed } = scene();
    kafka.append('a', 0, [{ value: 'old' }]);
    kafka.setPosition('g', 'a', 0, 1n);
    const before = (await kafka.cluster.topics(['a'], signal)).get('a')?.id;
    expect(kafka.recreateTopic('a').id).not.toBe(before);
    expect(kafka.records('a', 0)).toEqual([]);
    expect(await committed()).toEqual([undefined, undefined]);
    expect(kafka.history()).toEqual([
      'created topic a (topic-0000000000000001)',
      'created group g',
      'deleted topic a (topic-0000000000000001)',
      'created topic a (topic-0000000000000002)',
    ]);
  });

  test('restored to an earlier time, everything is as it was then, and ids go on', async () => {
    const { kafka, committed } = scene();
    kafka.append('a', 0, [{ value: '1' }]);
    kafka.setPosition('g', 'a', 0, 1n);
    const snapshot = kafka.snapshot();
    const checkpoint = kafka.checkpoint();
    kafka.append('a', 0, [{ value: '2' }]);
    kafka.setPosition('g', 'a', 0, 2n);
    kafka.createTopic({ name: 'b', partitions: 1, config: {} });
    for (let times = 0; times < 2; times++) {
      kafka.restore(checkpoint);
      expect(kafka.snapshot()).toEqual(snapshot);
      kafka.append('a', 0, [{ value: 'other' }]);
    }
    expect(await committed()).toEqual([1n, undefined]);
    expect(kafka.createTopic({ name: 'b', partitions: 1, config: {} }).id).toBe('topic-0000000000000003');
  });

  test('while it is down nobody is answered', async () => {
    const { kafka } = scene();
    kafka.down = true;
    await expect(kafka.cluster.topics(['a'], signal)).rejects.toMatchObject({ code: 'GRUE-PLT-002' });
    await expect(kafka.producer().send('a', [{ partition: 0, key: null, value: 'x' }])).rejects.toMatchObject({ code: 'GRUE-PLT-002' });
    expect(kafka.records('a', 0)).toEqual([]);
  });

  test('records that stay out of reach are an error after the patience of the driver', async () => {
    const { clock, kafka } = scene();
    const open = kafka.beginTransaction('a', 0, [{ value: 'held back' }]);
    const reading = all(kafka.cluster.read('a', 0, 0n, 1n, signal)).catch((error: unknown) => error);
    await clock.advance(20_000);
    expect(await reading).toMatchObject({ code: 'GRUE-KFK-009', message: expect.stringContaining('an open transaction') });
    open.abort();
    expect(await all(kafka.cluster.read('a', 0, 0n, 2n, signal))).toEqual([]);
  });

  test('the commit of a start that was long on its way is refused where a member has come, and otherwise taken', async () => {
    const clock = virtualClock();
    const kafka = memoryKafka({ clock, onTheWay: () => clock.sleep(5_000) });
    kafka.createTopic({ name: 'a', partitions: 1, config: {} });
    const start = () => kafka.cluster.commitStart('g', new Map([['a', [0n]]]), signal).catch((error: unknown) => error);
    const refused = start();
    const member = kafka.join('g', ['a']);
    await clock.advance(5_000);
    expect(await refused).toMatchObject({ code: 'GRUE-KFK-007' });
    const taken = start();
    member.leave();
    kafka.setPosition('g', 'a', 0, 7n);
    await clock.advance(5_000);
    expect(await taken).toBeUndefined();
    expect((await kafka.cluster.committed('g', ['a'], signal)).get('a')).toEqual([0n]);
  });
});
