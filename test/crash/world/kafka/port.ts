import { GrueError } from '../../../../src/api/errors.ts';
import type { Clock } from '../../../../src/controller/clock.ts';
import type { RecordAppender } from '../../../../src/drivers/kafka/append.ts';
import type { KafkaCluster, KafkaRecord, Offset, Offsets } from '../../../../src/drivers/ports.ts';
import type { Changes } from './changes.ts';
import type { Groups } from './groups.ts';
import type { PartitionLog } from './log.ts';
import type { Topic, Topics } from './topics.ts';

/** Everything behind the port. */
export interface Brokers {
  readonly clusterId: string;
  readonly clock: Pick<Clock, 'schedule'>;
  readonly topics: Topics;
  readonly groups: Groups;
  readonly changes: Changes;
  readonly down: () => boolean;
  /** How long the commit of a start is on its way after the look that it rests on. */
  readonly onTheWay?: (() => Promise<void>) | undefined;
  make(spec: { readonly name: string; readonly partitions: number; readonly config: Readonly<Record<string, string>> }): Topic;
  remove(topic: string): void;
}

/** The real driver waits so long for records that are held back. */
const PATIENCE_MS = 15_000;
const PAGE = 500;

/** The port over brokers in memory. What a call does is done in the call itself; its answer comes later. */
export function kafkaPort(brokers: Brokers): KafkaCluster & RecordAppender {
  const { topics, groups } = brokers;
  /** Fails as a call does before it is carried out. */
  const reach = (signal: AbortSignal): void => {
    signal.throwIfAborted();
    if (brokers.down()) throw unreachable();
  };
  const existing = (names: readonly string[]): readonly Topic[] => [...new Set(names)].flatMap((name) => topics.get(name) ?? []);
  const committed = (group: string, names: readonly string[]): ReadonlyMap<string, Offsets> =>
    new Map(existing(names).map(({ name, logs }) => [name, logs.map((_, partition) => groups.position(group, { topic: name, partition }))]));

  return {
    clusterId: async (signal) => {
      reach(signal);
      return brokers.clusterId;
    },
    topics: async (names, signal) => {
      reach(signal);
      return new Map(existing(names).map(({ name, id, partitions }) => [name, { name, id, partitions }]));
    },
    topicConfig: async (name, signal) => {
      reach(signal);
      const topic = topics.get(name);
      if (topic === undefined) throw new GrueError('GRUE-KFK-001', `topic ${name} does not exist`);
      return topic.config;
    },
    createTopic: async (spec, signal) => {
      reach(signal);
      if (topics.get(spec.name)) return 'Exists';
      brokers.make(spec);
      return 'Created';
    },
    deleteTopic: async (name, id, signal) => {
      reach(signal);
      const topic = topics.get(name);
      if (topic === undefined) return 'Absent';
      if (topic.id !== id) return 'OtherIdentity';
      brokers.remove(name);
      return 'Deleted';
    },
    offsets: async (names, which, signal) => {
      reach(signal);
      return new Map(existing(names).map(({ name, logs }) => [name, logs.map((log) => offsetOf(log, which))]));
    },
    committed: async (group, names, signal) => {
      reach(signal);
      return committed(group, names);
    },
    group: async (name, signal) => {
      reach(signal);
      return groups.facts(name);
    },
    commitStart: async (group, start, signal) => {
      reach(signal);
      const present = committed(group, [...start.keys()]);
      const missing = [...start].flatMap(([topic, offsets]) => missingOf(topic, offsets, present.get(topic)));
      if (missing.length === 0) return;
      if (brokers.onTheWay) {
        await brokers.onTheWay();
        if (brokers.down()) throw unreachable();
        const gone = missing.find(({ topic }) => topics.get(topic) === undefined);
        if (gone) throw new GrueError('GRUE-KFK-001', `topic ${gone.topic} does not exist`);
      }
      if (groups.facts(group).state === 'Active')
        throw new GrueError('GRUE-KFK-007', `group ${group} has members, so Kafka does not let its start be set`, { fix: 'stop what reads with this group' });
      for (const { position, ...where } of missing) groups.setPosition(group, where, position);
    },
    namesUnder: async (prefix, signal) => {
      reach(signal);
      const isMeant = (name: string): boolean => name.startsWith(prefix);
      return {
        topics: topics
          .all()
          .map(({ name }) => name)
          .filter(isMeant),
        groups: groups.names().filter(isMeant),
      };
    },
    deleteGroup: async (name, signal) => {
      reach(signal);
      const { state } = groups.facts(name);
      if (state !== 'Empty') return state;
      groups.delete(name);
      return 'Deleted';
    },
    read: (topic, partition, from, to, signal) => readRange(brokers, reach, { topic, partition, from, to }, signal),
    append: async ({ topic, partition, key, value }, signal) => {
      reach(signal);
      const offset = topics.log(topic, partition).append([{ key, value }]);
      brokers.changes.tell();
      return offset;
    },
    close: async () => {},
  };
}

export const unreachable = (): GrueError => new GrueError('GRUE-PLT-002', 'Kafka at memory cannot be reached: it is down');

function offsetOf(log: PartitionLog, which: 'Earliest' | 'HighWatermark' | 'LastStable'): Offset {
  if (which === 'Earliest') return log.start;
  return which === 'HighWatermark' ? log.highWatermark : log.lastStable;
}

function missingOf(topic: string, start: readonly Offset[], there: Offsets | undefined) {
  if (there === undefined) throw new GrueError('GRUE-KFK-001', `topic ${topic} does not exist`);
  if (start.length > there.length) {
    throw new GrueError('GRUE-KFK-001', `topic ${topic} has ${there.length} partitions, and a start for ${start.length} was to be committed`);
  }
  return start.flatMap((position, partition) => (there[partition] === undefined ? [{ topic, partition, position }] : []));
}

interface Range {
  readonly topic: string;
  readonly partition: number;
  readonly from: Offset;
  readonly to: Offset;
}

async function* readRange(brokers: Brokers, reach: (signal: AbortSignal) => void, range: Range, signal: AbortSignal): AsyncIterable<KafkaRecord> {
  const { topic, partition, from, to } = range;
  const cannot = (why: string): GrueError => new GrueError('GRUE-KFK-009', `partition ${partition} of topic ${topic} cannot be read: ${why}`);
  let id: string | undefined;
  for (let position = from; position < to; ) {
    reach(signal);
    const log = brokers.topics.log(topic, partition);
    const found = brokers.topics.get(topic)?.id;
    id ??= found;
    if (found !== id) throw new GrueError('GRUE-KFK-004', `topic ${topic} was deleted and made again while it was read`);
    if (position < log.start)
      throw new GrueError('GRUE-KFK-003', `partition ${partition} of topic ${topic} starts at offset ${log.start}: the records from ${position} on are gone`);
    const page = log.fetch(position, PAGE);
    for (const record of page.records) {
      if (record.offset >= to) return;
      yield record;
    }
    if (page.next === position && !(await brokers.changes.next(PATIENCE_MS, brokers.clock, signal)))
      throw cannot(log.highWatermark > position ? `an open transaction holds back what follows offset ${position}` : `it ends at offset ${position}`);
    position = page.next;
  }
}
