import type { KafkaCluster, KafkaRegistry, SearchCluster } from '../drivers/ports.ts';

/** The servers behind one Platform, connected, with the identity that they show now. */
export interface Servers {
  readonly kafka: KafkaCluster;
  /** What this and other installations have made there. */
  readonly registry: KafkaRegistry;
  readonly search: SearchCluster;
  readonly kafkaClusterId: string;
  readonly elasticsearchUuid: string;
}
