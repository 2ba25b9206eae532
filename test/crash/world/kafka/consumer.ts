import { GrueError } from '../../../../src/api/errors.ts';
import type { Cancel, Clock } from '../../../../src/controller/clock.ts';
import { type Batch, type GroupConsumer, type GroupEvents, type Position, partitionKey, type TopicPartition } from '../../../../src/worker/ports.ts';
import type { Member } from './groups.ts';
import { type Brokers, unreachable } from './port.ts';

export interface ConsumerOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMilliseconds: number;
  /** Of the process: while that stands still, it neither fetches nor sends heartbeats. */
  readonly clock: Clock;
  /** One fetch of a partition brings at most so much, and takes so long. */
  readonly recordsPerFetch: number;
  readonly fetchMilliseconds: number;
}

/** A member of a group in memory, which behaves as the real driver over kafkajs does. */
export const memoryConsumer = (brokers: Brokers, options: ConsumerOptions): GroupConsumer => new MemoryConsumer(brokers, options);

class MemoryConsumer implements GroupConsumer {
  readonly ended: Promise<void>;
  readonly #brokers: Brokers;
  readonly #options: ConsumerOptions;
  readonly #end = Promise.withResolvers<void>();
  /** Where the next fetch begins of each partition that is read. */
  readonly #readings = new Map<string, { position: Position }>();
  #member: Member | undefined;
  #generation = -1;
  #events: GroupEvents | undefined;
  #assigned: readonly TopicPartition[] = [];
  #heardAt: number;
  #heartbeat: Cancel | undefined;
  #closing = false;

  constructor(brokers: Brokers, options: ConsumerOptions) {
    this.#brokers = brokers;
    this.#options = options;
    this.#heardAt = options.clock.monotonic();
    this.ended = this.#end.promise;
    this.ended.catch(() => {});
  }

  async join(events: GroupEvents): Promise<void> {
    if (this.#brokers.down()) throw unreachable();
    this.#events = events;
    this.#enter();
    this.#beat();
  }

  readFrom(where: TopicPartition, position: Position): void {
    const reading = { position };
    this.#readings.set(partitionKey(where), reading);
    void this.#read(where, reading);
  }

  stopReading(where: TopicPartition): void {
    this.#readings.delete(partitionKey(where));
  }

  async commit(where: TopicPartition, position: Position): Promise<void> {
    if (this.#brokers.down()) throw unreachable();
    if (this.#member === undefined) throw new Error('there is no membership to commit under');
    this.#member.commit(where, BigInt(position), this.#generation);
  }

  isMember(): boolean {
    return this.#assigned.length > 0 && this.#silence() < this.#patience();
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#heartbeat?.();
    this.#readings.clear();
    this.#member?.leave();
    this.#end.resolve();
  }

  #silence(): number {
    return this.#options.clock.monotonic() - this.#heardAt;
  }

  #patience(): number {
    return this.#options.sessionTimeoutMilliseconds / 2;
  }

  #enter(): void {
    const { clock, group, topics, sessionTimeoutMilliseconds } = this.#options;
    this.#heardAt = clock.monotonic();
    const member = this.#brokers.groups.join(group, topics, sessionTimeoutMilliseconds, (partitions, generation) => {
      // a process that stands still does not hear it
      clock.schedule(0, () => {
        if (!this.#closing && this.#member === member) this.#hear(partitions, generation);
      });
    });
    this.#member = member;
  }

  #beat(): void {
    this.#heartbeat = this.#options.clock.schedule(this.#options.sessionTimeoutMilliseconds / 10, () => {
      if (this.#brokers.down()) {
        if (this.#silence() >= this.#patience()) return this.#crash(unreachable());
      } else if (this.#member?.heartbeat()) this.#heardAt = this.#options.clock.monotonic();
      else this.#lost();
      this.#beat();
    });
  }

  #hear(partitions: readonly TopicPartition[], generation: number): void {
    this.#generation = generation;
    this.#assigned = partitions;
    const ours = new Set(partitions.map(partitionKey));
    for (const key of this.#readings.keys()) if (!ours.has(key)) this.#readings.delete(key);
    this.#events?.assigned(partitions);
  }

  /** Others may own everything by now. The library joins again by itself, as another member. */
  #lost(): void {
    this.#readings.clear();
    this.#assigned = [];
    this.#events?.lost('the group went on without this worker');
    this.#enter();
  }

  async #read(where: TopicPartition, reading: { position: Position }): Promise<void> {
    const { clock, recordsPerFetch, fetchMilliseconds } = this.#options;
    const isCurrent = (): boolean => this.#readings.get(partitionKey(where)) === reading;
    while (isCurrent()) {
      await clock.sleep(fetchMilliseconds);
      if (!isCurrent()) return;
      const batch = this.#fetch(where, reading.position, recordsPerFetch);
      if (batch instanceof Error) return this.#crash(batch);
      if (batch === undefined) {
        await this.#brokers.changes.wait();
        continue;
      }
      reading.position = batch.next;
      await this.#events?.fetched(batch);
    }
  }

  /** @returns nothing when nothing is there; an error when the library would give up */
  #fetch(where: TopicPartition, from: Position, limit: number): Batch | Error | undefined {
    if (this.#brokers.down()) return undefined;
    const log = this.#brokers.topics.get(where.topic)?.logs[where.partition];
    if (log === undefined) return new GrueError('GRUE-KFK-001', `reading ${where.topic}: the topic does not exist`);
    const position = BigInt(from);
    if (position < log.start || position > log.highWatermark)
      return new Error(`partition ${where.partition} of topic ${where.topic} does not hold the position that was asked for`);
    const { records, next } = log.fetch(position, limit);
    if (next === position) return undefined;
    return {
      ...where,
      from,
      next: Number(next),
      highWatermark: Number(log.highWatermark),
      records: records.map(({ offset, key, value, headers }) => ({ offset: String(offset), key: key ?? null, value: value ?? null, headers })),
    };
  }

  #crash(error: Error): void {
    if (this.#closing) return;
    this.#heartbeat?.();
    this.#readings.clear();
    this.#assigned = [];
    this.#events?.lost(error.message);
    this.#end.reject(error);
  }
}
