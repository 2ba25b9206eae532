import { describe } from 'vitest';
import { stack } from '../../stack/for-tests.ts';
import { kafkaClusterContract } from '../kafka-cluster.ts';
import { realKafkaWorld } from './kafka-world.ts';

describe('the Kafka driver on a real broker', () => {
  kafkaClusterContract(() => realKafkaWorld(stack().kafka.bootstrapServers));
});
