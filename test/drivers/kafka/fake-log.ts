import type { RegistryLog } from '../../../src/drivers/kafka/registry.ts';
import type { KafkaRecord } from '../../../src/drivers/ports.ts';

export interface FakeLog extends RegistryLog {
  readonly records: KafkaRecord[];
  /** Leaves only the last record of each key, each at its place, as the broker does. */
  compact(): void;
}

/** One topic in memory, of which a registry is made. `config` and `partitions` are what it is found with; without them it is not there. */
export function fakeLog(found?: { readonly policy: string; readonly partitions: number }): FakeLog {
  const records: KafkaRecord[] = [];
  let topic = found;
  let end = 0n;
  return {
    records,
    compact: () => {
      const last = new Map(records.map((record) => [record.key!.toString(), record]));
      records.splice(0, records.length, ...records.filter((record) => last.get(record.key!.toString()) === record && record.value !== undefined));
    },
    createTopic: async ({ config, partitions }) => {
      if (topic !== undefined) return 'Exists';
      topic = { policy: config['cleanup.policy'] ?? 'delete', partitions };
      return 'Created';
    },
    topics: async ([name = '']) => new Map(topic === undefined ? [] : [[name, { name, id: 'id', partitions: topic.partitions }]]),
    topicConfig: async () => ({ 'cleanup.policy': topic?.policy ?? 'absent' }),
    offsets: async ([name = ''], which) => new Map([[name, [which === 'Earliest' ? 0n : end]]]),
    async *read(_topic, _partition, from, to) {
      yield* records.filter(({ offset }) => from <= offset && offset < to);
    },
    append: async ({ key, value }) => {
      records.push({ offset: end, key: Buffer.from(key), value: value === undefined ? undefined : Buffer.from(value), headers: {} });
      return end++;
    },
  };
}
