import type { Clock } from '../controller/clock.ts';
import type { Logger } from '../controller/logger.ts';
import type { DeadLetters } from './dead-letters.ts';
import { Lane, type LaneReport } from './lane.ts';
import type { StageMetrics } from './metrics.ts';
import { MembershipLost, type PartitionPorts, type Prepare } from './partition.ts';
import { type GroupConsumer, partitionKey, type TopicPartition } from './ports.ts';

export interface StageParts {
  readonly consumer: GroupConsumer;
  readonly facts: PartitionPorts['facts'];
  readonly prepare: Prepare;
  readonly deadLetters: DeadLetters;
  readonly metrics: StageMetrics;
  readonly clock: Clock;
  readonly random?: PartitionPorts['random'];
  readonly logger: Logger;
  readonly report: StageReport;
}

export interface StageReport extends LaneReport {
  /** From now on these partitions are this worker's; whatever was said about others is the business of other workers. */
  assigned(partitions: readonly TopicPartition[]): void;
}

/** A batch that is being delivered may take so long when the worker is asked to stop. */
const DRAIN_MS = 8_000;

/** One stage in this process: a member of the stage's consumer group, with a lane for each partition that it is assigned. */
export class Stage {
  readonly #parts: StageParts;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes that were given up and are not over yet. */
  readonly #leaving = new Map<string, Promise<void>>();
  #ending = false;

  constructor(parts: StageParts) {
    this.#parts = parts;
  }

  /**
   * Consumes until `signal` aborts; then what is being delivered is finished and committed, and the group left.
   * @throws GrueError when it cannot go on; it is over then, and another one may be started
   */
  async run(signal: AbortSignal): Promise<void> {
    const { consumer } = this.#parts;
    const stop = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => stop.resolve(), { once: true });
    if (signal.aborted) return;
    try {
      await consumer.join({
        assigned: (partitions) => this.#assigned(partitions),
        lost: (reason) => this.#abandon([...this.#lanes.values()], reason),
        fetched: async (batch) => this.#lanes.get(partitionKey(batch))?.fetched(batch),
      });
      await Promise.race([consumer.ended, stop.promise]);
      this.#ending = true;
      await this.#drain();
    } finally {
      this.#ending = true;
      this.#abandon([...this.#lanes.values()], 'the stage ends');
      await Promise.all(this.#leaving.values());
      await consumer.close();
    }
  }

  /** Somebody has changed something: what pauses is tried again. @param forgive whether bad records seen so far no longer count */
  poke(forgive: boolean): void {
    for (const lane of this.#lanes.values()) lane.poke(forgive);
  }

  async #drain(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.schedule(DRAIN_MS, late.resolve);
    await Promise.race([Promise.all([...this.#lanes.values()].map((lane) => lane.drain())), late.promise]);
    cancel();
  }

  #assigned(partitions: readonly TopicPartition[]): void {
    const ours = new Set(partitions.map(partitionKey));
    this.#abandon(
      [...this.#lanes.values()].filter(({ where }) => !ours.has(partitionKey(where))),
      'the partition was given to another worker',
    );
    // A group that was being joined may still assign something while it is left: nobody would end such a lane.
    if (this.#ending) return;
    for (const where of partitions) {
      const key = partitionKey(where);
      if (!this.#lanes.has(key)) this.#lanes.set(key, new Lane(where, this.#parts, this.#leaving.get(key) ?? Promise.resolve()));
    }
    this.#parts.metrics.rebalanced(partitions.length);
    this.#parts.report.assigned(partitions);
    this.#parts.logger.info('partitions assigned', { partitions: partitions.map(partitionKey) });
  }

  #abandon(lanes: readonly Lane[], reason: string): void {
    for (const lane of lanes) {
      const key = partitionKey(lane.where);
      this.#lanes.delete(key);
      const over = lane.abandon(new MembershipLost(reason)).then(() => {
        if (this.#leaving.get(key) === over) this.#leaving.delete(key);
      });
      this.#leaving.set(key, over);
    }
  }
}
