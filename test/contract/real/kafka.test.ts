import { afterAll, describe } from 'vitest';
import { openKafkaCluster } from '../../../src/drivers/kafka/cluster.ts';
import { kafkaRegistry } from '../../../src/drivers/kafka/registry.ts';
import { stack } from '../../stack/for-tests.ts';
import { fresh, kafkaClusterContract } from '../kafka-cluster.ts';
import { kafkaRegistryContract } from '../kafka-registry.ts';
import { realKafkaWorld } from './kafka-world.ts';

describe('the Kafka driver on a real broker', () => {
  kafkaClusterContract(() => realKafkaWorld(stack().kafka.bootstrapServers));
});

describe('the registry on a real broker', () => {
  const cluster = openKafkaCluster({ bootstrapServers: [stack().kafka.bootstrapServers], clientId: 'registry' });
  afterAll(() => cluster.close());

  kafkaRegistryContract(async () => {
    const prefix = fresh('prefix');
    return { open: () => kafkaRegistry(cluster, prefix) };
  });
});
