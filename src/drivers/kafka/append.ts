import { produceV9 } from '@platformatic/kafka';
import { GrueError } from '../../api/errors.ts';
import type { Offset } from '../ports.ts';
import { accept, noSuchTopic, Transient } from './errors.ts';
import { describeCluster } from './topics.ts';
import type { Wire } from './wire.ts';

const ALL_IN_SYNC = -1;
const REPLICATED_WITHIN_MS = 5_000;

/** Writes single records and waits until all replicas in sync have them. Not for streams of data. */
export interface RecordAppender {
  /**
   * Never repeats: after GRUE-PLT-002 the record may be there or not.
   * @returns the offset of the record
   */
  append(record: NewRecord, signal: AbortSignal): Promise<Offset>;
}

export interface NewRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  /** undefined is a tombstone */
  readonly value: string | undefined;
}

export function append(wire: Wire, { topic, partition, key, value }: NewRecord, signal: AbortSignal): Promise<Offset> {
  return wire.persist(signal, async (attempt) => {
    const place = (await describeCluster(wire, attempt, [topic])).topics.get(topic);
    if (place === undefined || partition >= place.partitions) throw noSuchTopic(topic);
    const leader = place.leaders[partition];
    const where = `partition ${partition} of topic ${topic}`;
    if (leader === undefined) throw new Transient(new GrueError('GRUE-KFK-008', `${where} has no leader to write to`));
    // the library writes a missing value as a tombstone, but its type does not say so
    const record = { topic, partition, key: Buffer.from(key), value: value === undefined ? undefined : Buffer.from(value) } as { topic: string; value: Buffer };
    const response = await attempt.command(leader, produceV9.api, ALL_IN_SYNC, REPLICATED_WITHIN_MS, [record]);
    const answer = typeof response === 'boolean' ? undefined : response.responses[0]?.partitionResponses[0];
    accept(answer!, where);
    return answer!.baseOffset;
  });
}
