import type { KafkaCluster } from '../ports.ts';
import { append, type RecordAppender } from './append.ts';
import type { KafkaSettings } from './connection.ts';
import { deleteGroup, describeGroup } from './groups.ts';
import { namesUnder } from './names.ts';
import { commitStart, committed, offsets } from './positions.ts';
import { readRange } from './read.ts';
import { clusterId, createTopic, deleteTopic, describeTopics, topicConfig } from './topics.ts';
import { Wire } from './wire.ts';

const PATIENCE_MS = 15_000;

/**
 * The operator's side of a Kafka cluster. Nothing is sent before the first question; all questions share one connection per broker.
 * @param patienceMs how long a question waits for a cluster that cannot be reached or is about to move something
 */
export function openKafkaCluster(settings: KafkaSettings, patienceMs: number = PATIENCE_MS): KafkaCluster & RecordAppender {
  const wire = new Wire(settings, patienceMs);
  return {
    clusterId: (signal) => clusterId(wire, signal),
    topics: async (names, signal) =>
      new Map([...(await describeTopics(wire, names, signal))].map(([name, { id, partitions }]) => [name, { name, id, partitions }])),
    topicConfig: (name, signal) => topicConfig(wire, name, signal),
    createTopic: (spec, signal) => createTopic(wire, spec, signal),
    deleteTopic: (name, id, signal) => deleteTopic(wire, name, id, signal),
    offsets: (topics, which, signal) => offsets(wire, topics, which, signal),
    committed: (group, topics, signal) => committed(wire, group, topics, signal),
    group: (name, signal) => describeGroup(wire, name, signal),
    commitStart: (group, start, signal) => commitStart(wire, group, start, signal),
    deleteGroup: (name, signal) => deleteGroup(wire, name, signal),
    namesUnder: (prefix, signal) => namesUnder(wire, prefix, signal),
    read: (topic, partition, from, to, signal) => readRange(wire, topic, partition, from, to, signal),
    append: (record, signal) => append(wire, record, signal),
    close: () => wire.close(),
  };
}
