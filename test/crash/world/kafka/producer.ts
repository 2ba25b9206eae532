import { GrueError } from '../../../../src/api/errors.ts';
import type { RecordProducer } from '../../../../src/worker/ports.ts';
import { type Brokers, unreachable } from './port.ts';

/** A producer whose records are there when the call is made, and acknowledged later. A record that is too long is refused, as by a broker. */
export function memoryProducer({ topics, changes, down }: Brokers): RecordProducer {
  return {
    async send(topic, records) {
      if (records.length === 0) return [];
      if (down()) throw unreachable();
      const found = topics.get(topic);
      if (found === undefined) throw new GrueError('GRUE-KFK-001', `producing to ${topic}: the topic does not exist`);
      const longest = Number(found.config['max.message.bytes']);
      const tooLong = (record: (typeof records)[number]): boolean => Buffer.byteLength(record.value ?? '') + Buffer.byteLength(record.key ?? '') > longest;
      for (const record of records) {
        if (tooLong(record)) continue;
        const { partition, key, value, headers } = record;
        topics.log(topic, partition).append([{ key: key ?? undefined, value: value ?? undefined, headers }]);
      }
      changes.tell();
      return records.flatMap((record, index) => (tooLong(record) ? [{ index, reason: 'Kafka does not take it: MESSAGE_TOO_LARGE' }] : []));
    },
    async close() {},
  };
}
