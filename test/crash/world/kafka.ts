import type { Clock } from '../../../src/controller/clock.ts';
import type { RecordAppender } from '../../../src/drivers/kafka/append.ts';
import { kafkaRegistry, type RegistryLog } from '../../../src/drivers/kafka/registry.ts';
import type { KafkaCluster, KafkaRecord, KafkaRegistry, Offset, TopicFacts, TopicSpec } from '../../../src/drivers/ports.ts';
import { type GroupConsumer, partitionKey, type RecordProducer } from '../../../src/worker/ports.ts';
import { Changes } from './kafka/changes.ts';
import { type ConsumerOptions, memoryConsumer } from './kafka/consumer.ts';
import { Groups, type StoredGroups } from './kafka/groups.ts';
import type { SimRecord } from './kafka/log.ts';
import { type Brokers, kafkaPort } from './kafka/port.ts';
import { memoryProducer } from './kafka/producer.ts';
import { type Topic, Topics } from './kafka/topics.ts';

/** A foreign consumer. */
export interface Membership {
  /** @throws Error when it has been fenced off */
  commit(topic: string, partition: number, offset: Offset): void;
  leave(): void;
  /** No heartbeat comes any more: it is out after the session time-out. */
  silence(): void;
}

/** What the disks held at one moment. */
export interface KafkaCheckpoint {
  readonly topics: readonly Topic[];
  readonly groups: StoredGroups;
}

/** All that is there, as plain JSON. */
export interface KafkaSnapshot {
  readonly topics: Readonly<Record<string, TopicSnapshot>>;
  readonly groups: Readonly<Record<string, { readonly state: string; readonly positions: Readonly<Record<string, string>> }>>;
}

export interface TopicSnapshot {
  readonly id: string;
  readonly config: Readonly<Record<string, string>>;
  readonly partitions: readonly { readonly start: string; readonly end: string; readonly records: readonly string[] }[];
}

/** A Kafka cluster in memory: the port, what workers use, and the hands of everybody else. All but the ports is synchronous. */
export interface MemoryKafka {
  readonly cluster: KafkaCluster & RecordAppender;
  /** The real registry over the logs in memory. */
  registry(prefix: string, log?: RegistryLog): KafkaRegistry;
  consumer(options: ConsumerOptions): GroupConsumer;
  producer(): RecordProducer;

  /** @throws Error if it exists */
  createTopic(spec: TopicSpec): TopicFacts;
  deleteTopic(name: string): void;
  /** Deletes it and makes an empty one of the same name, with another id. */
  recreateTopic(name: string): TopicFacts;
  /** @returns the offset of the first record */
  append(topic: string, partition: number, records: readonly SimRecord[]): Offset;
  beginTransaction(topic: string, partition: number, records: readonly SimRecord[]): { commit(): void; abort(): void };
  /** Moves the log start. */
  truncate(topic: string, partition: number, before: Offset): void;
  compact(topic: string): void;
  /** What readers see. */
  records(topic: string, partition: number): readonly KafkaRecord[];
  join(group: string, topics: readonly string[], sessionTimeoutMilliseconds?: number): Membership;
  /** All members are out at once, as after a restart of the coordinator that lost them. */
  expel(group: string): void;
  /** An administrator's reset. */
  setPosition(group: string, topic: string, partition: number, offset: Offset | undefined): void;
  deleteGroup(name: string): void;
  /** While it is true nobody is answered. */
  down: boolean;

  /** What was made and removed, in order. */
  history(): readonly string[];
  checkpoint(): KafkaCheckpoint;
  /** Goes back to what the disks held: ids stay, members are out. */
  restore(checkpoint: KafkaCheckpoint): void;
  snapshot(): KafkaSnapshot;
}

const SESSION_TIMEOUT_MS = 45_000;

export interface MemoryKafkaOptions {
  /** Governs session time-outs and the patience of readers. */
  readonly clock: Clock;
  readonly clusterId?: string;
  /** How long the commit of a start is on its way after the look that it rests on; it arrives whoever has given up meanwhile. Without it, at once. */
  readonly onTheWay?: () => Promise<void>;
}

export function memoryKafka({ clock, clusterId = 'memory-kafka', onTheWay }: MemoryKafkaOptions): MemoryKafka {
  const history: string[] = [];
  const topics = new Topics();
  const changes = new Changes();
  const groups = new Groups({
    clock,
    partitionsOf: (topic) => topics.get(topic)?.partitions ?? 0,
    down: () => kafka.down,
    note: (happened) => void history.push(happened),
  });
  const brokers: Brokers = {
    clusterId,
    clock,
    topics,
    groups,
    changes,
    down: () => kafka.down,
    onTheWay,
    make: (spec) => {
      const topic = topics.make(spec);
      history.push(`created topic ${topic.name} (${topic.id})`);
      changes.tell();
      return topic;
    },
    remove: (name) => {
      history.push(`deleted topic ${name} (${topics.get(name)?.id})`);
      topics.remove(name);
      groups.forgetTopic(name);
      changes.tell();
    },
  };
  const cluster = kafkaPort(brokers);
  let registryIds = 0;

  const kafka: MemoryKafka = {
    cluster,
    registry: (prefix, log = cluster) => kafkaRegistry(log, prefix, () => String(registryIds++)),
    consumer: (options) => memoryConsumer(brokers, options),
    producer: () => memoryProducer(brokers),
    createTopic: (spec) => {
      if (topics.get(spec.name)) throw new Error(`topic ${spec.name} exists`);
      return factsOf(brokers.make(spec));
    },
    deleteTopic: (name) => brokers.remove(required(topics, name).name),
    recreateTopic: (name) => {
      const spec = required(topics, name);
      brokers.remove(name);
      return factsOf(brokers.make(spec));
    },
    append: (topic, partition, records) => {
      const first = topics.log(topic, partition).append(records);
      changes.tell();
      return first;
    },
    beginTransaction: (topic, partition, records) => {
      const end = topics.log(topic, partition).begin(records);
      changes.tell();
      const ended = (state: 'Committed' | 'Aborted') => (): void => {
        end(state);
        changes.tell();
      };
      return { commit: ended('Committed'), abort: ended('Aborted') };
    },
    truncate: (topic, partition, before) => {
      topics.log(topic, partition).truncate(before);
      changes.tell();
    },
    compact: (topic) => {
      for (const log of required(topics, topic).logs) log.compact();
    },
    records: (topic, partition) => topics.log(topic, partition).fetch(0n, Number.POSITIVE_INFINITY).records,
    join: (group, names, session = SESSION_TIMEOUT_MS) => foreignMember(groups, clock, group, names, session),
    expel: (group) => groups.expel(group),
    setPosition: (group, topic, partition, offset) => groups.setPosition(group, { topic, partition }, offset),
    deleteGroup: (name) => groups.delete(name),
    down: false,
    history: () => history,
    checkpoint: () => ({ topics: topics.copy(), groups: groups.copy() }),
    restore: (checkpoint) => {
      topics.restore(checkpoint.topics);
      groups.restore(checkpoint.groups);
      changes.tell();
    },
    snapshot: () => ({
      topics: sorted(topics.all().map((topic) => [topic.name, snapshotOf(topic)])),
      groups: sorted(groups.names().map((name) => [name, { state: groups.facts(name).state, positions: positionsOf(groups, name) }])),
    }),
  };
  return kafka;
}

function foreignMember(groups: Groups, clock: Clock, group: string, topics: readonly string[], session: number): Membership {
  let heard = -1;
  let silent = false;
  const member = groups.join(group, topics, session, (_, generation) => {
    if (!silent) heard = generation;
  });
  const beat = (): void => {
    clock.schedule(session / 10, () => {
      if (!silent && member.heartbeat()) beat();
    });
  };
  beat();
  const silence = (): void => {
    silent = true;
  };
  return {
    commit: (topic, partition, offset) => member.commit({ topic, partition }, offset, heard),
    leave: () => {
      silence();
      member.leave();
    },
    silence,
  };
}

const factsOf = ({ name, id, partitions }: Topic): TopicFacts => ({ name, id, partitions });

const sorted = <T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> =>
  Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));

function required(topics: Topics, name: string): Topic {
  const topic = topics.get(name);
  if (topic === undefined) throw new Error(`there is no topic ${name}`);
  return topic;
}

const positionsOf = (groups: Groups, name: string): Readonly<Record<string, string>> =>
  sorted(groups.positions(name).map(({ where, position }) => [partitionKey(where), String(position)]));

const snapshotOf = ({ id, config, logs }: Topic): TopicSnapshot => ({
  id,
  config,
  partitions: logs.map((log) => ({
    start: String(log.start),
    end: String(log.highWatermark),
    records: log.fetch(0n, Number.POSITIVE_INFINITY).records.map(textOf),
  })),
});

/** `offset key headers value`; a tombstone has no value. */
const textOf = ({ offset, key, value, headers }: KafkaRecord): string =>
  [offset, key?.toString() ?? '-', JSON.stringify(headers), value?.toString() ?? '-'].join(' ');
