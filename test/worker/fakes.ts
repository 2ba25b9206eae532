import type { DeadLetters } from '../../src/worker/dead-letters.ts';
import type { StageMetrics } from '../../src/worker/metrics.ts';
import type { Delivered, PartitionFacts } from '../../src/worker/partition.ts';
import type { Batch, GroupConsumer, GroupEvents, Position, TopicPartition } from '../../src/worker/ports.ts';
import { partitionKey } from '../../src/worker/ports.ts';
import type { BadRecord, RawRecord } from '../../src/worker/transform/ports.ts';

/** A batch of `count` records from `from` on; a hole in front of them and markers behind them where asked for. */
export function batchOf(from: Position, count: number, { partition = 0, hole = 0, markers = 0 } = {}): Batch {
  const records = Array.from({ length: count }, (_, n): RawRecord => ({ offset: String(from + hole + n), key: null, value: Buffer.from('{}') }));
  return { topic: 'in', partition, from, next: from + hole + count + markers, records, highWatermark: from + hole + count + markers };
}

export function badOf(batch: Batch, count: number): BadRecord[] {
  return batch.records.slice(0, count).map(({ offset }, index) => ({
    index,
    partition: batch.partition,
    offset,
    origin: undefined,
    identity: `in|${batch.partition}|${offset}`,
    code: 'GRUE-REC-001',
    reason: 'no JSON',
  }));
}

export const silentMetrics: StageMetrics = {
  settled() {},
  position() {},
  bulk() {},
  retried() {},
  rebalanced() {},
  restarted() {},
  remove() {},
};

/** A world of one stage: what happens, in order, and what the test can make happen. */
export class FakeWorld {
  readonly events: string[] = [];
  readonly facts = new Map<string, PartitionFacts>();
  readonly committed = new Map<string, Position>();
  member = true;
  /** Takes the place of the commit. */
  onCommit: (where: TopicPartition, position: Position) => Promise<void> = async () => {};
  /** Takes the place of the delivery. */
  onDeliver: (batch: Batch, signal: AbortSignal) => Promise<Delivered> = async (batch) => ({ written: batch.records.length, bad: [] });
  onPrepare: (batch: Batch) => Promise<void> = async () => {};
  group: GroupEvents | undefined;
  readonly #end = Promise.withResolvers<void>();

  readonly deadLetters: DeadLetters = {
    write: async (batch, bad) => {
      this.events.push(`bury ${bad.length} of ${batch.from}`);
    },
  };

  readonly consumer: GroupConsumer = {
    join: async (events) => {
      this.group = events;
      this.events.push('join');
    },
    readFrom: (where, position) => {
      this.events.push(`read ${this.#name(where)} from ${position}`);
    },
    stopReading: (where) => {
      this.events.push(`stop ${this.#name(where)}`);
    },
    commit: async (where, position) => {
      await this.onCommit(where, position);
      this.committed.set(partitionKey(where), position);
      this.events.push(`commit ${this.#name(where)} ${position}`);
    },
    isMember: () => this.member,
    ended: this.#end.promise,
    close: async () => {
      this.events.push('leave');
      this.#end.resolve();
    },
  };

  crash(error: Error): void {
    this.#end.promise.catch(() => {});
    this.#end.reject(error);
  }

  readonly readFacts = async (where: TopicPartition): Promise<PartitionFacts> => {
    const facts = this.facts.get(partitionKey(where)) ?? { committed: 0, logStart: 0, logEnd: 1_000_000 };
    return { ...facts, committed: this.committed.get(partitionKey(where)) ?? facts.committed };
  };

  readonly prepare = async (batch: Batch) => {
    await this.onPrepare(batch);
    this.events.push(`prepare ${batch.from}`);
    return async (signal: AbortSignal) => {
      const delivered = await this.onDeliver(batch, signal);
      this.events.push(`deliver ${batch.from}`);
      return delivered;
    };
  };

  #name({ topic, partition }: TopicPartition): string {
    return `${topic}/${partition}`;
  }
}

/** A promise that the test settles. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}
