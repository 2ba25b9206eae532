import type { RawRecord } from './transform/ports.ts';

/** One partition of an input topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Names a partition in maps, conditions and logs. */
export const partitionKey = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

/**
 * Offset of the next record to read. A number, because it is handled per batch on the hot path: an offset above 2^53 is refused where it
 * enters. The ports of the operator keep bigints.
 */
export type Position = number;

/** What came of one partition in one fetch, in order. Batches of one partition follow on each other: `from` is the `next` of the one before. */
export interface Batch extends TopicPartition {
  /** The position that was asked for. */
  readonly from: Position;
  /** The position after everything in it, transaction markers and compaction holes included. */
  readonly next: Position;
  /** Empty when there was nothing that readers may see. The first may lie behind `from`. */
  readonly records: readonly RawRecord[];
  /** High watermark at that time. */
  readonly highWatermark: Position;
}

/** What a group consumer tells its owner. Calls come one at a time. */
export interface GroupEvents {
  /**
   * We are a member and these partitions are ours. Nothing of a partition is read before `readFrom`. A partition that was ours before
   * and was not taken away by a `lost` in between goes on where it was, without a new `readFrom`.
   */
  assigned(partitions: readonly TopicPartition[]): void;
  /**
   * Our membership ended or became doubtful: another worker may own every partition from now on. What is under way must be given up,
   * nothing may be sent again, and nothing can be committed.
   */
  lost(reason: string): void;
  /** Resolves when there is room for the next batch of this partition; until then none is delivered. */
  fetched(batch: Batch): Promise<void>;
}

/** A member of a consumer group that decides by itself where it reads. It never resets a position. */
export interface GroupConsumer {
  /** Joins the group, once. The first `assigned` may come before this resolves. @throws GrueError when Kafka cannot be reached or refuses */
  join(events: GroupEvents): Promise<void>;
  /** Reads an assigned partition from a position on. What was fetched before and not delivered is forgotten. */
  readFrom(where: TopicPartition, position: Position): void;
  /** Delivers nothing more of this partition until `readFrom`. */
  stopReading(where: TopicPartition): void;
  /** Commits a position, once, under the present membership. Rejects when the coordinator does not take it. */
  commit(where: TopicPartition, position: Position): Promise<void>;
  /** False when no heartbeat was answered for half the session time-out: by then nothing may be sent to anyone any more. */
  isMember(): boolean;
  /** Resolves after `close`; rejects when the consumer cannot go on, after a `lost`. */
  readonly ended: Promise<void>;
  /** Leaves the group, so that others need not wait for the session to time out. */
  close(): Promise<void>;
}

/** A record to produce. `value` null is a tombstone. */
export interface ProducerRecord {
  readonly partition: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A record that Kafka does not take, however often it is sent. */
export interface RefusedRecord {
  /** Position in the records that were sent. */
  readonly index: number;
  readonly reason: string;
}

export interface RecordProducer {
  /**
   * Resolves when each record has been acknowledged by all in-sync replicas or refused for good. Per partition the order is kept.
   * Rejects when that is not known of all; then the caller starts again from its last commit.
   */
  send(topic: string, records: readonly ProducerRecord[]): Promise<readonly RefusedRecord[]>;
  close(): Promise<void>;
}
