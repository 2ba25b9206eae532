import { GrueError } from '../../../../src/api/errors.ts';
import type { TopicFacts, TopicSpec } from '../../../../src/drivers/ports.ts';
import { PartitionLog } from './log.ts';

export interface Topic extends TopicFacts {
  readonly config: Readonly<Record<string, string>>;
  readonly logs: readonly PartitionLog[];
}

/** What brokers say of a topic for which nobody wished anything else. */
const defaults = {
  'cleanup.policy': 'delete',
  'retention.ms': '604800000',
  'retention.bytes': '-1',
  'max.message.bytes': '1048588',
  'min.insync.replicas': '1',
} as const;

const policies = ['delete', 'compact', 'delete,compact', 'compact,delete'];

/** The topics of a cluster by name; an id is given once. */
export class Topics {
  #topics = new Map<string, Topic>();
  #made = 0;

  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  all(): readonly Topic[] {
    return [...this.#topics.values()];
  }

  /** @throws GrueError GRUE-KFK-008 for what a broker refuses */
  make({ name, partitions, config }: TopicSpec): Topic {
    const wrong = Object.entries(config).find(([key, value]) => (key === 'cleanup.policy' ? !policies.includes(value) : !/^-?\d+$/.test(value)));
    if (wrong)
      throw new GrueError(
        'GRUE-KFK-008',
        `Kafka refuses a request about topic ${name}: INVALID_CONFIG: Invalid value ${wrong[1]} for configuration ${wrong[0]}`,
      );
    this.#made += 1;
    // ids are 22 characters in Kafka's own tools
    const id = `topic-${String(this.#made).padStart(16, '0')}`;
    const topic = { name, id, partitions, config: { ...defaults, ...config }, logs: Array.from({ length: partitions }, () => new PartitionLog()) };
    this.#topics.set(name, topic);
    return topic;
  }

  remove(name: string): void {
    this.#topics.delete(name);
  }

  /** @throws GrueError GRUE-KFK-001 */
  log(name: string, partition: number): PartitionLog {
    const topic = this.#topics.get(name);
    const log = topic?.logs[partition];
    if (log === undefined)
      throw new GrueError('GRUE-KFK-001', topic === undefined ? `topic ${name} does not exist` : `topic partition ${partition} of ${name} does not exist`);
    return log;
  }

  copy(): readonly Topic[] {
    return this.all().map((topic) => ({ ...topic, logs: topic.logs.map((log) => log.copy()) }));
  }

  restore(topics: readonly Topic[]): void {
    // An id is never given twice, also where these topics were made in another world.
    for (const { id } of topics) this.#made = Math.max(this.#made, Number(id.slice('topic-'.length)));
    this.#topics = new Map(topics.map((topic) => [topic.name, { ...topic, logs: topic.logs.map((log) => log.copy()) }]));
  }
}
