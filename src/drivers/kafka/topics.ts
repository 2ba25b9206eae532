import { createTopicsV7, deleteTopicsV6, describeConfigsV4, metadataV12 } from '@platformatic/kafka';
import type { TopicFacts, TopicSpec } from '../ports.ts';
import type { BrokerAddress } from './connection.ts';
import { accept, errorName, noSuchTopic } from './errors.ts';
import type { Attempt, Wire } from './wire.ts';

const TOPIC_RESOURCE = 2;
/** How long the controller may take; less than our patience, so that its answer still arrives. */
const CARRY_OUT_WITHIN_MS = 5_000;
const SEEN_EVERY_MS = 20;
const SEEN_WITHIN_MS = 3_000;

/** A topic and where its partitions are led; undefined where nobody leads now. */
export interface TopicPlace extends TopicFacts {
  readonly leaders: readonly (BrokerAddress | undefined)[];
}

interface Cluster {
  readonly id: string;
  readonly controller: BrokerAddress | undefined;
  readonly topics: ReadonlyMap<string, TopicPlace>;
}

/** What the cluster says of itself and of some topics now; nothing is remembered, for a topic may be made anew at any time. */
export async function describeCluster(wire: Wire, attempt: Attempt, names: readonly string[]): Promise<Cluster> {
  const response = await attempt.ask('any', metadataV12.api, [...new Set(names)], false);
  const brokers = new Map(response.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
  wire.learn([...brokers.values()]);
  const topics = new Map<string, TopicPlace>();
  for (const topic of response.topics) {
    if (errorName(topic.errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') continue;
    accept(topic, `topic ${topic.name}`);
    const name = topic.name ?? '';
    const partitions = topic.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex);
    topics.set(name, { name, id: fromUuid(topic.topicId), partitions: partitions.length, leaders: partitions.map(({ leaderId }) => brokers.get(leaderId)) });
  }
  return { id: response.clusterId ?? '', controller: brokers.get(response.controllerId), topics };
}

export const clusterId = (wire: Wire, signal: AbortSignal): Promise<string> =>
  wire.persist(signal, async (attempt) => (await describeCluster(wire, attempt, [])).id);

export const describeTopics = (wire: Wire, names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, TopicPlace>> =>
  wire.persist(signal, async (attempt) => (await describeCluster(wire, attempt, names)).topics);

export function topicConfig(wire: Wire, name: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
  return wire.persist(signal, async (attempt) => {
    const resource = { resourceType: TOPIC_RESOURCE, resourceName: name, configurationKeys: null } as const;
    const [result] = (await attempt.ask('any', describeConfigsV4.api, [resource])).results;
    if (errorName(result!.errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') throw noSuchTopic(name);
    accept(result!, `the configuration of topic ${name}`);
    return Object.fromEntries(result!.configs.flatMap(({ name, value }): [string, string][] => (typeof value === 'string' ? [[name, value]] : [])));
  });
}

/** Returns only when the topic is there for the next question, not merely accepted by the controller. */
export async function createTopic(wire: Wire, spec: TopicSpec, signal: AbortSignal): Promise<'Created' | 'Exists'> {
  const configs = Object.entries(spec.config).map(([name, value]) => ({ name, value }));
  // -1: as many replicas as the cluster's administrator has chosen
  const request = { name: spec.name, numPartitions: spec.partitions, replicationFactor: -1, assignments: [], configs };
  const created = await wire.persist(signal, async (attempt) => {
    const { controller } = await describeCluster(wire, attempt, []);
    const [result] = (await attempt.command(controller ?? 'any', createTopicsV7.api, [request], CARRY_OUT_WITHIN_MS, false)).topics;
    if (errorName(result!.errorCode) === 'TOPIC_ALREADY_EXISTS') return undefined;
    accept(result!, `topic ${spec.name}`);
    return fromUuid(result!.topicId);
  });
  if (created === undefined) return 'Exists';
  await untilSeen(wire, spec.name, signal, (topic) => topic?.id === created && !topic.leaders.includes(undefined));
  return 'Created';
}

/** Kafka itself compares the id: a topic made anew under the same name in between is safe. */
export async function deleteTopic(wire: Wire, name: string, id: string, signal: AbortSignal): Promise<'Deleted' | 'Absent' | 'OtherIdentity'> {
  const outcome = await wire.persist(signal, async (attempt) => {
    const { controller, topics } = await describeCluster(wire, attempt, [name]);
    const present = topics.get(name);
    if (present === undefined) return 'Absent';
    if (present.id !== id) return 'OtherIdentity';
    const [result] = (await attempt.command(controller ?? 'any', deleteTopicsV6.api, [{ topicId: toUuid(id) }], CARRY_OUT_WITHIN_MS)).responses;
    if (errorName(result!.errorCode) === 'UNKNOWN_TOPIC_ID') return 'Absent';
    accept(result!, `topic ${name}`);
    return 'Deleted';
  });
  if (outcome === 'Deleted') await untilSeen(wire, name, signal, (topic) => topic?.id !== id);
  return outcome;
}

/** Brokers learn of topics a moment after the controller has answered. Whoever asks next should not see the past. */
async function untilSeen(wire: Wire, name: string, signal: AbortSignal, seen: (topic: TopicPlace | undefined) => boolean): Promise<void> {
  const deadline = performance.now() + SEEN_WITHIN_MS;
  while (performance.now() < deadline && !seen((await describeTopics(wire, [name], signal)).get(name))) {
    await new Promise((resolve) => setTimeout(resolve, SEEN_EVERY_MS));
  }
}

/** Topic ids are shown as Kafka's own tools show them: 16 bytes in base64url. On the wire of the library they are hexadecimal. */
export const fromUuid = (uuid: string): string => Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url');

export function toUuid(id: string): string {
  const hex = Buffer.from(id, 'base64url').toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
