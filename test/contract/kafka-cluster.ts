import { afterAll, describe, expect, test } from 'vitest';
import type { KafkaCluster, KafkaRecord, Offset } from '../../src/drivers/ports.ts';

/** What the suite needs beside the port to bring about what it asks for. Names of topics and groups are the suite's. */
export interface KafkaWorld {
  readonly cluster: KafkaCluster;
  /** Appends records to one partition, as one batch. */
  produce(topic: string, partition: number, records: readonly WorldRecord[]): Promise<void>;
  /** Writes records in a transaction that stays open until it is ended. */
  beginTransaction(topic: string, partition: number, records: readonly WorldRecord[]): Promise<OpenTransaction>;
  /** Moves the log start to `before`, as an administrator or retention does. */
  deleteRecords(topic: string, partition: number, before: Offset): Promise<void>;
  /** Makes a topic on which {@link compact} works. */
  createCompacted(topic: string): Promise<void>;
  /** Returns once of each key of partition 0 only the last record is left, at least up to the record before the last. */
  compact(topic: string): Promise<void>;
  /** A member of the group that reads the topic; returns once it is in. */
  join(group: string, topic: string): Promise<{ leave(): Promise<void> }>;
  close(): Promise<void>;
}

export interface WorldRecord {
  readonly key?: string;
  /** undefined is a tombstone */
  readonly value?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface OpenTransaction {
  commit(): Promise<void>;
  abort(): Promise<void>;
}

const signal = new AbortController().signal;
let names = 0;

/** A name that nobody had before, in this run or another one. */
export const fresh = (what: string): string => `contract-${what}-${Date.now().toString(36)}-${names++}`;

export async function all(records: AsyncIterable<KafkaRecord>): Promise<readonly KafkaRecord[]> {
  const found: KafkaRecord[] = [];
  for await (const record of records) found.push(record);
  return found;
}

const values = async (records: AsyncIterable<KafkaRecord>): Promise<readonly (string | undefined)[]> =>
  (await all(records)).map(({ value }) => value?.toString());

/** What every implementation of the port does. */
export function kafkaClusterContract(make: () => Promise<KafkaWorld>): void {
  const made = make();
  afterAll(async () => (await made).close());

  /** A topic with some partitions, and in partition 0 one record for each value. */
  const topicWith = async (values: readonly string[], partitions = 1): Promise<string> => {
    const { cluster, produce } = await made;
    const topic = fresh('topic');
    await cluster.createTopic({ name: topic, partitions, config: {} }, signal);
    if (values.length > 0) {
      const records = values.map((value) => ({ value }));
      await produce(topic, 0, records);
    }
    return topic;
  };

  describe('identity and topics', () => {
    test('a cluster has an identity that stays', async () => {
      const { cluster } = await made;
      const id = await cluster.clusterId(signal);
      expect(id).not.toBe('');
      expect(await cluster.clusterId(signal)).toBe(id);
    });

    test('topics are told by name with id and partitions, and absent ones are left out', async () => {
      const { cluster } = await made;
      const [a, b] = [await topicWith([], 3), await topicWith([])];
      const topics = await cluster.topics([a, fresh('absent'), b], signal);
      expect([...topics.keys()].toSorted()).toEqual([a, b].toSorted());
      expect(topics.get(a)).toEqual({ name: a, id: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/), partitions: 3 });
      expect(topics.get(b)!.id).not.toBe(topics.get(a)!.id);
      expect(await cluster.topics([], signal)).toEqual(new Map());
    });

    test('asking for a topic does not make it', async () => {
      const { cluster } = await made;
      const name = fresh('absent');
      await cluster.topics([name], signal);
      await cluster.offsets([name], 'Earliest', signal);
      expect(await cluster.topics([name], signal)).toEqual(new Map());
    });

    test('a topic is created once, and is there as soon as the call returns', async () => {
      const { cluster } = await made;
      const spec = { name: fresh('topic'), partitions: 2, config: { 'cleanup.policy': 'compact', 'retention.ms': '86400000' } };
      expect(await cluster.createTopic(spec, signal)).toBe('Created');
      expect((await cluster.topics([spec.name], signal)).get(spec.name)?.partitions).toBe(2);
      expect(await cluster.topicConfig(spec.name, signal)).toMatchObject(spec.config);
      expect(await cluster.createTopic({ ...spec, partitions: 5 }, signal)).toBe('Exists');
      expect((await cluster.topics([spec.name], signal)).get(spec.name)?.partitions).toBe(2);
    });

    test('a configuration that the cluster refuses is told in its words', async () => {
      const { cluster } = await made;
      const name = fresh('topic');
      const created = cluster.createTopic({ name, partitions: 1, config: { 'cleanup.policy': 'burn' } }, signal);
      await expect(created).rejects.toMatchObject({ code: 'GRUE-KFK-008', message: expect.stringContaining('cleanup.policy') });
      expect(await cluster.topics([name], signal)).toEqual(new Map());
    });

    test('the configuration of a topic that does not exist is an error', async () => {
      const { cluster } = await made;
      await expect(cluster.topicConfig(fresh('absent'), signal)).rejects.toMatchObject({ code: 'GRUE-KFK-001' });
    });

    test('a topic is deleted only under its own id', async () => {
      const { cluster } = await made;
      const [name, other] = [await topicWith([]), await topicWith([])];
      const id = (await cluster.topics([name], signal)).get(name)!.id;
      const otherId = (await cluster.topics([other], signal)).get(other)!.id;
      expect(await cluster.deleteTopic(name, otherId, signal)).toBe('OtherIdentity');
      expect((await cluster.topics([name, other], signal)).size).toBe(2);
      expect(await cluster.deleteTopic(name, id, signal)).toBe('Deleted');
      expect(await cluster.topics([name], signal)).toEqual(new Map());
      expect(await cluster.deleteTopic(name, id, signal)).toBe('Absent');
    });

    test('a topic made anew under the same name has another id and is safe from a deletion by the old one', async () => {
      const { cluster } = await made;
      const name = await topicWith(['old']);
      const old = (await cluster.topics([name], signal)).get(name)!.id;
      await cluster.deleteTopic(name, old, signal);
      await cluster.createTopic({ name, partitions: 1, config: {} }, signal);
      expect((await cluster.topics([name], signal)).get(name)!.id).not.toBe(old);
      expect(await cluster.deleteTopic(name, old, signal)).toBe('OtherIdentity');
      expect((await cluster.topics([name], signal)).size).toBe(1);
    });
  });

  describe('offsets', () => {
    test('offsets are told for all partitions of several topics, and absent topics are left out', async () => {
      const { cluster, produce } = await made;
      const [a, b] = [await topicWith(['1', '2'], 3), await topicWith([])];
      await produce(a, 2, [{ value: 'x' }]);
      const asked = [a, fresh('absent'), b];
      const expected = new Map([
        [a, [2n, 0n, 1n]],
        [b, [0n]],
      ]);
      expect(await cluster.offsets(asked, 'HighWatermark', signal)).toEqual(expected);
      expect(await cluster.offsets(asked, 'LastStable', signal)).toEqual(expected);
      expect((await cluster.offsets(asked, 'Earliest', signal)).get(a)).toEqual([0n, 0n, 0n]);
      expect(await cluster.offsets([], 'Earliest', signal)).toEqual(new Map());
    });

    test('while a transaction is open, the last stable offset stays before it and the high watermark does not', async () => {
      const { cluster, produce, beginTransaction } = await made;
      const topic = await topicWith(['before']);
      const transaction = await beginTransaction(topic, 0, [{ value: 'in it' }]);
      await produce(topic, 0, [{ value: 'after' }]);
      expect((await cluster.offsets([topic], 'LastStable', signal)).get(topic)).toEqual([1n]);
      expect((await cluster.offsets([topic], 'HighWatermark', signal)).get(topic)).toEqual([3n]);
      await transaction.commit();
      // its marker takes an offset of its own
      expect((await cluster.offsets([topic], 'LastStable', signal)).get(topic)).toEqual([4n]);
    });

    test('the earliest offset is the log start', async () => {
      const { cluster, deleteRecords } = await made;
      const topic = await topicWith(['1', '2', '3']);
      await deleteRecords(topic, 0, 2n);
      expect((await cluster.offsets([topic], 'Earliest', signal)).get(topic)).toEqual([2n]);
    });
  });

  describe('groups', () => {
    test('a group that does not exist has no positions and no members', async () => {
      const { cluster } = await made;
      const topic = await topicWith([], 2);
      const group = fresh('group');
      expect(await cluster.committed(group, [topic, fresh('absent')], signal)).toEqual(new Map([[topic, [undefined, undefined]]]));
      expect(await cluster.group(group, signal)).toEqual({ state: 'Absent', members: 0 });
      expect(await cluster.deleteGroup(group, signal)).toBe('Absent');
    });

    test('a start is committed for all partitions, and 0 is a position', async () => {
      const { cluster } = await made;
      const [a, b] = [await topicWith(['1', '2'], 2), await topicWith([])];
      const group = fresh('group');
      const start = new Map([
        [a, [1n, 0n]],
        [b, [0n]],
      ]);
      await cluster.commitStart(group, start, signal);
      expect(await cluster.committed(group, [a, b], signal)).toEqual(start);
      expect(await cluster.group(group, signal)).toEqual({ state: 'Empty', members: 0 });
    });

    test('a start never moves a position that is there', async () => {
      const { cluster } = await made;
      const topic = await topicWith(['1', '2'], 2);
      const group = fresh('group');
      await cluster.commitStart(group, new Map([[topic, [2n]]]), signal);
      await cluster.commitStart(group, new Map([[topic, [0n, 0n]]]), signal);
      expect((await cluster.committed(group, [topic], signal)).get(topic)).toEqual([2n, 0n]);
    });

    test('the start of a group with members is refused, unless there is nothing to commit', async () => {
      const { cluster, join } = await made;
      const [topic, other] = [await topicWith([]), await topicWith([])];
      const group = fresh('group');
      const start = new Map([[topic, [0n]]]);
      await cluster.commitStart(group, start, signal);
      const member = await join(group, topic);
      try {
        expect(await cluster.group(group, signal)).toEqual({ state: 'Active', members: 1 });
        await cluster.commitStart(group, start, signal);
        await expect(cluster.commitStart(group, new Map([[other, [0n]]]), signal)).rejects.toMatchObject({ code: 'GRUE-KFK-007' });
        expect((await cluster.committed(group, [other], signal)).get(other)).toEqual([undefined]);
        expect(await cluster.deleteGroup(group, signal)).toBe('Active');
      } finally {
        await member.leave();
      }
      expect(await cluster.group(group, signal)).toEqual({ state: 'Empty', members: 0 });
    });

    test('a start in a topic or partition that does not exist is an error', async () => {
      const { cluster } = await made;
      const topic = await topicWith([]);
      const group = fresh('group');
      await expect(cluster.commitStart(group, new Map([[fresh('absent'), [0n]]]), signal)).rejects.toMatchObject({ code: 'GRUE-KFK-001' });
      await expect(cluster.commitStart(group, new Map([[topic, [0n, 0n]]]), signal)).rejects.toMatchObject({ code: 'GRUE-KFK-001' });
      expect((await cluster.committed(group, [topic], signal)).get(topic)).toEqual([undefined]);
    });

    test('positions in a topic that was deleted are gone, also after one of the same name is made', async () => {
      const { cluster } = await made;
      const topic = await topicWith(['1']);
      const group = fresh('group');
      await cluster.commitStart(group, new Map([[topic, [1n]]]), signal);
      await cluster.deleteTopic(topic, (await cluster.topics([topic], signal)).get(topic)!.id, signal);
      expect(await cluster.committed(group, [topic], signal)).toEqual(new Map());
      await cluster.createTopic({ name: topic, partitions: 1, config: {} }, signal);
      await expect.poll(async () => (await cluster.committed(group, [topic], signal)).get(topic)).toEqual([undefined]);
    });

    test('a group without members is deleted with its positions', async () => {
      const { cluster } = await made;
      const topic = await topicWith([]);
      const group = fresh('group');
      await cluster.commitStart(group, new Map([[topic, [0n]]]), signal);
      expect(await cluster.deleteGroup(group, signal)).toBe('Deleted');
      expect(await cluster.group(group, signal)).toEqual({ state: 'Absent', members: 0 });
      expect((await cluster.committed(group, [topic], signal)).get(topic)).toEqual([undefined]);
    });
  });

  test('topics and groups are found by how their names begin, those of others and what is gone are not among them', async () => {
    const { cluster } = await made;
    const prefix = fresh('under');
    const topic = `${prefix}.one`;
    await cluster.createTopic({ name: topic, partitions: 1, config: {} }, signal);
    await cluster.createTopic({ name: `${prefix}.gone`, partitions: 1, config: {} }, signal);
    await cluster.commitStart(`${prefix}.readers`, new Map([[topic, [0n]]]), signal);
    await cluster.commitStart(`${prefix}.left`, new Map([[topic, [0n]]]), signal);
    await cluster.commitStart(fresh('other'), new Map([[topic, [0n]]]), signal);
    await cluster.deleteGroup(`${prefix}.left`, signal);
    await cluster.deleteTopic(`${prefix}.gone`, (await cluster.topics([`${prefix}.gone`], signal)).get(`${prefix}.gone`)?.id ?? '', signal);
    expect(await cluster.namesUnder(`${prefix}.`, signal)).toEqual({ topics: [topic], groups: [`${prefix}.readers`] });
    expect(await cluster.namesUnder(`${fresh('nothing')}.`, signal)).toEqual({ topics: [], groups: [] });
  });

  describe('reading a range', () => {
    test('it delivers exactly the records in it, in order', async () => {
      const { cluster, produce } = await made;
      const topic = await topicWith(['0', '1', '2']);
      await produce(topic, 0, [{ value: '3' }, { value: '4' }]);
      const records = await all(cluster.read(topic, 0, 1n, 4n, signal));
      expect(records.map(({ offset, value }) => [offset, value?.toString()])).toEqual([
        [1n, '1'],
        [2n, '2'],
        [3n, '3'],
      ]);
    });

    test('keys, headers and tombstones come as they were written', async () => {
      const { cluster, produce } = await made;
      const topic = await topicWith([]);
      await produce(topic, 0, [{ key: 'k', value: 'v', headers: { 'grue-root': 'flights', empty: '', ümlaut: 'ß' } }, { key: 'k' }, { key: '', value: '' }]);
      expect(await all(cluster.read(topic, 0, 0n, 3n, signal))).toEqual([
        { offset: 0n, key: Buffer.from('k'), value: Buffer.from('v'), headers: { 'grue-root': 'flights', empty: '', ümlaut: 'ß' } },
        { offset: 1n, key: Buffer.from('k'), value: undefined, headers: {} },
        { offset: 2n, key: Buffer.from(''), value: Buffer.from(''), headers: {} },
      ]);
    });

    test('an empty range ends at once', async () => {
      const { cluster } = await made;
      const topic = await topicWith(['0']);
      expect(await all(cluster.read(topic, 0, 1n, 1n, signal))).toEqual([]);
      expect(await all(cluster.read(topic, 0, 1n, 0n, signal))).toEqual([]);
    });

    test('markers of transactions are passed over, also at the end of the range', async () => {
      const { cluster, beginTransaction } = await made;
      const topic = await topicWith(['0']);
      await (await beginTransaction(topic, 0, [{ value: '1' }])).commit();
      await (await beginTransaction(topic, 0, [{ value: '3' }])).commit();
      expect(await values(cluster.read(topic, 0, 0n, 5n, signal))).toEqual(['0', '1', '3']);
      expect(await all(cluster.read(topic, 0, 4n, 5n, signal))).toEqual([]);
    });

    test('records of aborted transactions are not delivered, wherever reading starts', async () => {
      const { cluster, produce, beginTransaction } = await made;
      const topic = await topicWith(['0']);
      const first = await beginTransaction(topic, 0, [{ value: 'void' }, { value: 'void' }]);
      await produce(topic, 0, [{ value: '3' }]);
      const second = await beginTransaction(topic, 0, [{ value: '4' }]);
      await first.abort();
      await second.commit();
      await (await beginTransaction(topic, 0, [{ value: 'void' }])).abort();
      await produce(topic, 0, [{ value: '9' }]);
      const end = 10n;
      expect((await cluster.offsets([topic], 'LastStable', signal)).get(topic)).toEqual([end]);
      expect(await values(cluster.read(topic, 0, 0n, end, signal))).toEqual(['0', '3', '4', '9']);
      expect(await values(cluster.read(topic, 0, 2n, end, signal))).toEqual(['3', '4', '9']);
      expect(await values(cluster.read(topic, 0, 7n, end, signal))).toEqual(['9']);
    });

    test('what compaction removed is passed over', async () => {
      const { cluster, produce, createCompacted, compact } = await made;
      const topic = fresh('compacted');
      await createCompacted(topic);
      for (const round of [1, 2, 3]) {
        const records = ['a', 'b'].map((key) => ({ key, value: `${key}${round}` }));
        await produce(topic, 0, records);
      }
      await produce(topic, 0, [{ key: 'end', value: 'end' }]);
      await compact(topic);
      expect(await values(cluster.read(topic, 0, 0n, 7n, signal))).toEqual(['a3', 'b3', 'end']);
      expect(await all(cluster.read(topic, 0, 0n, 4n, signal))).toEqual([]);
    });

    test('a range that begins before the log start is an error and never a shorter range', async () => {
      const { cluster, deleteRecords } = await made;
      const topic = await topicWith(['0', '1', '2', '3']);
      await deleteRecords(topic, 0, 2n);
      await expect(all(cluster.read(topic, 0, 1n, 4n, signal))).rejects.toMatchObject({ code: 'GRUE-KFK-003', message: expect.stringContaining('offset 2') });
      expect(await values(cluster.read(topic, 0, 2n, 4n, signal))).toEqual(['2', '3']);
    });

    test('a topic or partition that does not exist is an error', async () => {
      const { cluster } = await made;
      const topic = await topicWith([]);
      await expect(all(cluster.read(fresh('absent'), 0, 0n, 1n, signal))).rejects.toMatchObject({ code: 'GRUE-KFK-001' });
      await expect(all(cluster.read(topic, 1, 0n, 1n, signal))).rejects.toMatchObject({ code: 'GRUE-KFK-001' });
    });

    test('it waits for what an open transaction holds back', async () => {
      const { cluster, beginTransaction } = await made;
      const topic = await topicWith(['0']);
      const transaction = await beginTransaction(topic, 0, [{ value: '1' }]);
      const reading = values(cluster.read(topic, 0, 0n, 2n, signal));
      await transaction.commit();
      expect(await reading).toEqual(['0', '1']);
    });

    test('a reader that stops early leaves nothing behind', async () => {
      const { cluster } = await made;
      const topic = await topicWith(['0', '1', '2']);
      for await (const { value } of cluster.read(topic, 0, 0n, 3n, signal)) {
        expect(value?.toString()).toBe('0');
        break;
      }
      expect(await values(cluster.read(topic, 0, 2n, 3n, signal))).toEqual(['2']);
    });
  });

  test('a question whose signal has been aborted is not asked', async () => {
    const { cluster } = await made;
    const reason = new Error('enough');
    const aborted = AbortSignal.abort(reason);
    const name = fresh('never');
    await expect(cluster.createTopic({ name, partitions: 1, config: {} }, aborted)).rejects.toBe(reason);
    await expect(all(cluster.read(name, 0, 0n, 1n, aborted))).rejects.toBe(reason);
    expect(await cluster.topics([name], signal)).toEqual(new Map());
  });
}
