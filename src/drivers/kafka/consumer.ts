import { type Consumer, type EachBatchPayload, PartitionAssigners } from 'kafkajs';
import type { Clock } from '../../controller/clock.ts';
import type { Logger } from '../../controller/logger.ts';
import { type Batch, type GroupConsumer, type GroupEvents, type Position, partitionKey, type TopicPartition } from '../../worker/ports.ts';
import type { KafkaSettings } from './connection.ts';
import { coded, kafkajs } from './kafkajs.ts';
import type { RawBatch } from './kafkajs-repairs.ts';

export interface GroupConsumerOptions {
  readonly settings: KafkaSettings;
  readonly group: string;
  readonly topics: readonly string[];
  /** Partitions of all topics together; every one may be processed at the same time. */
  readonly partitions: number;
  /** About what one fetch brings at most, shared by all partitions. */
  readonly fetchBytes: number;
  readonly sessionTimeoutMilliseconds: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long a fetch waits for records, and so how long an idle partition delays one that becomes free. */
const LONG_POLL_MS = 250;
/** How long a busy partition holds up the others of its broker before it is paused. */
const PATIENCE_MS = 200;
const METADATA_MAX_AGE_MS = 30_000;
/** Smaller batches cost more per record, larger ones only memory: some thousand records are enough. */
const PARTITION_BYTES = { least: 128 * 1024, most: 1024 * 1024 } as const;

/**
 * A consumer that has not joined yet. The library's own idea of where to read is never used: it is sought before it reads, what comes is
 * checked against what was asked for, and only what it is told is committed.
 */
export function groupConsumer(options: GroupConsumerOptions): GroupConsumer {
  const maxBytesPerPartition = Math.min(Math.max(Math.floor(options.fetchBytes / options.partitions), PARTITION_BYTES.least), PARTITION_BYTES.most);
  const consumer = kafkajs(options.settings, options.logger).consumer({
    groupId: options.group,
    partitionAssigners: [PartitionAssigners.roundRobin],
    sessionTimeout: options.sessionTimeoutMilliseconds,
    heartbeatInterval: Math.max(250, Math.floor(options.sessionTimeoutMilliseconds / 10)),
    rebalanceTimeout: Math.max(30_000, options.sessionTimeoutMilliseconds),
    maxWaitTimeInMs: LONG_POLL_MS,
    maxBytesPerPartition,
    // room for all of them: brokers fill an answer in the order of the question, so the last partitions would starve
    maxBytes: maxBytesPerPartition * options.partitions,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 3_000, retries: 5, restartOnFailure: async () => false },
  });
  return new Member(consumer, options);
}

interface Commit extends PromiseWithResolvers<void> {
  readonly where: TopicPartition;
  readonly position: Position;
}

class Member implements GroupConsumer {
  readonly ended: Promise<void>;
  readonly #consumer: Consumer;
  readonly #options: GroupConsumerOptions;
  #events: GroupEvents | undefined;
  /** Where the next fetch of each partition that is read has to begin. */
  readonly #positions = new Map<string, Position>();
  /** Partitions that are not fetched because their last batch has not been taken yet. */
  readonly #busy = new Set<string>();
  readonly #end = Promise.withResolvers<void>();
  #watchdog: NodeJS.Timeout | undefined;
  #assigned: readonly TopicPartition[] = [];
  #memberId = '';
  #doubtful = false;
  #heardAt: number;
  #closing = false;
  readonly #commits: Commit[] = [];
  #committing = false;
  #tryCommit: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;

  constructor(consumer: Consumer, options: GroupConsumerOptions) {
    this.#consumer = consumer;
    this.#options = options;
    this.#heardAt = options.clock.monotonic();
    this.ended = this.#end.promise;
    this.ended.catch(() => {});
    const { GROUP_JOIN, HEARTBEAT, COMMIT_OFFSETS, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => this.#joined(payload.memberId, payload.memberAssignment));
    consumer.on(HEARTBEAT, () => this.#heard());
    consumer.on(COMMIT_OFFSETS, () => this.#heard());
    consumer.on(CRASH, ({ payload }) => this.#crashed(payload.error));
  }

  async join(events: GroupEvents): Promise<void> {
    const { topics, partitions, sessionTimeoutMilliseconds, settings } = this.#options;
    this.#events = events;
    this.#watchdog = setInterval(() => this.#watch(), sessionTimeoutMilliseconds / 10);
    try {
      await this.#consumer.connect();
      // fromBeginning is never used, for every position is set; were it, records would be read twice rather than lost
      await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: partitions,
        eachBatch: (payload) => this.#deliver(payload),
      });
    } catch (error) {
      await this.close().catch(() => {});
      throw coded(`reading ${topics.join(', ')}`, settings, error);
    }
  }

  isMember(): boolean {
    return this.#assigned.length > 0 && !this.#doubtful && this.#silence() < this.#patience();
  }

  readFrom(where: TopicPartition, position: Position): void {
    this.#positions.set(partitionKey(where), position);
    this.#seek(where, position);
  }

  stopReading(where: TopicPartition): void {
    this.#positions.delete(partitionKey(where));
    this.#pause([where]);
  }

  commit(where: TopicPartition, position: Position): Promise<void> {
    const commit = { where, position, ...Promise.withResolvers<void>() };
    this.#commits.push(commit);
    if (this.#commits.length === 1 && !this.#committing) void this.#commitAll();
    return commit.promise;
  }

  /** One request at a time, with all that has gathered meanwhile: many small partitions need not mean many small commits. */
  async #commitAll(): Promise<void> {
    this.#committing = true;
    while (this.#commits.length > 0) {
      const commits = this.#commits.splice(0);
      await this.#commitOnce(commits).then(
        () => {
          for (const { resolve } of commits) resolve();
        },
        (error) => {
          for (const { reject } of commits) reject(error);
        },
      );
    }
    this.#committing = false;
  }

  async #commitOnce(commits: readonly Commit[]): Promise<void> {
    const topics = this.#options.topics.map((topic) => ({
      topic,
      partitions: commits.filter(({ where }) => where.topic === topic).map(({ where: { partition }, position }) => ({ partition, offset: String(position) })),
    }));
    // The published way to commit repeats a refused commit, under another generation if there is a new one by then. The one of a
    // batch is tried once; it belongs to no batch in particular.
    if (this.#tryCommit) await this.#tryCommit({ topics: topics.filter(({ partitions }) => partitions.length > 0) });
    else await this.#consumer.commitOffsets(topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, ...partition }))));
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#watchdog);
    this.#positions.clear();
    await this.#consumer.disconnect();
    this.#end.resolve();
  }

  /** Called by the library with what came of one partition; it fetches again when all partitions of the fetch have returned. */
  async #deliver({ batch, resolveOffset, commitOffsetsIfNecessary }: EachBatchPayload): Promise<void> {
    this.#tryCommit = commitOffsetsIfNecessary;
    const { topic, partition } = batch;
    const position = this.#positions.get(partitionKey(batch));
    if (position === undefined || this.#busy.has(partitionKey(batch))) return;
    const fetched = toBatch(batch as RawBatch);
    if (fetched.from !== position) {
      this.#options.logger.warn('records from another position than the one asked for were thrown away', {
        topic,
        partition,
        asked: position,
        from: fetched.from,
      });
      this.#seek({ topic, partition }, position);
      return;
    }
    this.#positions.set(partitionKey(batch), fetched.next);
    resolveOffset(batch.lastOffset());
    await this.#handOver(fetched);
  }

  /** A partition that stays busy is taken out of the fetches, so that the others do not wait for it. */
  #handOver(batch: Batch): Promise<void> {
    const key = partitionKey(batch);
    return new Promise((resolve) => {
      const cancel = this.#options.clock.schedule(PATIENCE_MS, () => {
        this.#busy.add(key);
        this.#pause([batch]);
        resolve();
      });
      void this.#events?.fetched(batch).then(() => {
        cancel();
        if (this.#busy.delete(key) && this.#positions.has(key)) this.#resume(batch);
        resolve();
      });
    });
  }

  /** Runs inside the library's join, before it fetches anything under the new assignment. */
  #joined(memberId: string, assignment: Readonly<Record<string, readonly number[]>>): void {
    this.#heard();
    const before = this.#memberId;
    this.#memberId = memberId;
    this.#assigned = Object.entries(assignment).flatMap(([topic, partitions]) => partitions.map((partition) => ({ topic, partition })));
    this.#pause(this.#assigned);
    // A member that missed a generation is forgotten by the coordinator and comes back under another id: others may have owned its
    // partitions meanwhile. Under the same id nobody has.
    if (before !== '' && before !== memberId) this.#lose('the group went on without this worker');
    this.#doubtful = false;
    const still = new Set(this.#assigned.map(partitionKey));
    for (const key of this.#positions.keys()) if (!still.has(key)) this.#positions.delete(key);
    for (const where of this.#assigned) {
      const position = this.#positions.get(partitionKey(where));
      if (position !== undefined) this.#seek(where, position);
    }
    this.#events?.assigned(this.#assigned);
  }

  #heard(): void {
    this.#heardAt = this.#options.clock.monotonic();
    if (!this.#doubtful || this.#closing) return;
    this.#doubtful = false;
    this.#events?.assigned(this.#assigned);
  }

  #watch(): void {
    if (!this.#doubtful && this.#assigned.length > 0 && this.#silence() >= this.#patience())
      this.#lose('no heartbeat was answered for half the session time-out');
  }

  #lose(reason: string): void {
    this.#doubtful = true;
    this.#positions.clear();
    this.#pause(this.#assigned);
    this.#events?.lost(reason);
  }

  #crashed(error: Error): void {
    if (this.#closing) return;
    this.#lose(error.message);
    clearInterval(this.#watchdog);
    this.#end.reject(coded(`reading ${this.#options.topics.join(', ')}`, this.#options.settings, error));
  }

  #silence(): number {
    return this.#options.clock.monotonic() - this.#heardAt;
  }

  #patience(): number {
    return this.#options.sessionTimeoutMilliseconds / 2;
  }

  #seek(where: TopicPartition, position: Position): void {
    this.#steer(() => this.#consumer.seek({ ...where, offset: String(position) }));
    if (!this.#busy.has(partitionKey(where))) this.#resume(where);
  }

  #resume({ topic, partition }: TopicPartition): void {
    this.#steer(() => this.#consumer.resume([{ topic, partitions: [partition] }]));
  }

  #pause(partitions: readonly TopicPartition[]): void {
    this.#steer(() => this.#consumer.pause(partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] }))));
  }

  /** While the library breaks down or stops it has no group to steer any more, and says so by an exception. */
  #steer(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.logger.debug('the consumer cannot be steered any more', { error });
    }
  }
}

function toBatch(batch: RawBatch): Batch {
  return {
    topic: batch.topic,
    partition: batch.partition,
    from: positionOf(batch.fetchedOffset),
    next: positionOf(batch.lastOffset()) + 1,
    records: batch.messages,
    highWatermark: positionOf(batch.highWatermark),
  };
}

function positionOf(offset: string): Position {
  const position = Number(offset);
  if (!Number.isSafeInteger(position)) throw new RangeError(`offset ${offset} is beyond what this worker can count`);
  return position;
}
