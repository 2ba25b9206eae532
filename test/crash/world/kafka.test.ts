import { describe } from 'vitest';
import { type KafkaWorld, kafkaClusterContract } from '../../contract/kafka-cluster.ts';
import { kafkaRegistryContract } from '../../contract/kafka-registry.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { memoryKafka } from './kafka.ts';

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
