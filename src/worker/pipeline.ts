import { formatOrigin, parseStamp } from '../records/provenance.ts';
import type { Prepare } from './partition.ts';
import type { Batch, RecordProducer } from './ports.ts';
import type { BadRecord, OutputRecord, PipelineStage } from './transform/ports.ts';

export interface PipelineParts {
  readonly stage: Pick<PipelineStage, 'transform'>;
  readonly producer: RecordProducer;
  readonly topic: string;
  /** Of the output topic. */
  readonly partitions: number;
}

/** Stream to stream: the SQL runs over the batch, then its output is produced. A record that Kafka does not take is bad. */
export function pipelineWork({ stage, producer, topic, partitions }: PipelineParts): Prepare {
  return async (batch) => {
    const { records, bad } = await stage.transform(batch, partitions);
    return async () => {
      const refused = await producer.send(topic, records);
      return {
        written: records.length - refused.length,
        bad: [...bad, ...refused.map(({ index, reason }) => badRecord(batch, records[index]!, reason))],
      };
    };
  };
}

function badRecord(batch: Batch, { index, headers }: OutputRecord, reason: string): BadRecord {
  const offset = batch.records[index]?.offset ?? '';
  const origin = parseStamp(headers.grue)?.origin;
  const identity = origin === undefined ? `${batch.topic}|${batch.partition}|${offset}` : formatOrigin(origin);
  return { index, partition: batch.partition, offset, origin, identity, code: 'GRUE-REC-004', reason };
}
