import { type Backoff, backoffMilliseconds } from '../controller/backoff.ts';
import type { Logger } from '../controller/logger.ts';
import { BadWindow } from './bad-window.ts';
import { type PartitionPorts, runPartition } from './partition.ts';
import type { Batch, GroupConsumer, TopicPartition } from './ports.ts';
import { isLasting } from './problem.ts';
import { Slot } from './slot.ts';

export interface LaneParts extends Omit<PartitionPorts, 'window'> {
  readonly consumer: Pick<GroupConsumer, 'readFrom' | 'stopReading' | 'commit' | 'isMember'>;
  readonly logger: Logger;
  readonly report: LaneReport;
}

/** What is said about one partition. */
export interface LaneReport {
  /** What is in the way; undefined when the partition runs again. */
  problem(where: TopicPartition, problem: unknown): void;
  /** So many bad records were set aside. */
  setAside(where: TopicPartition, bad: number): void;
}

const backoff: Backoff = { baseMilliseconds: 200, maxMilliseconds: 30_000, jitter: 0.3 };
/** What does not pass by itself is looked at again now and then: somebody may have put it right. */
const LASTING_MS = 60_000;

/** One assigned partition: runs it, and after each failure again from its commit, until it is drained or abandoned. */
export class Lane {
  readonly where: TopicPartition;
  readonly #parts: LaneParts;
  readonly #drain = new AbortController();
  readonly #abandon = new AbortController();
  readonly #window = new BadWindow();
  readonly #ended: Promise<void>;
  #feed: Slot<Batch>;
  #wake: () => void = () => {};

  /** @param after when the one who had the partition before is done with it */
  constructor(where: TopicPartition, parts: LaneParts, after: Promise<void>) {
    this.where = where;
    this.#parts = parts;
    this.#feed = new Slot(parts.clock);
    this.#ended = after.then(() => this.#run());
  }

  /** Resolves when there is room for more. */
  fetched(batch: Batch): Promise<void> {
    return this.#feed.put(batch);
  }

  /** Starts again at once if it pauses. @param forgive whether what is bad so far no longer counts */
  poke(forgive: boolean): void {
    if (forgive) this.#window.forgive();
    this.#wake();
  }

  /** Finishes and commits what is being delivered. */
  async drain(): Promise<void> {
    this.#parts.consumer.stopReading(this.where);
    this.#drain.abort();
    this.#wake();
    await this.#ended;
  }

  /** Gives up; nothing is sent or committed any more when it resolves. */
  async abandon(reason: Error): Promise<void> {
    this.#abandon.abort(reason);
    this.#wake();
    await this.#ended;
  }

  get #over(): boolean {
    return this.#drain.signal.aborted || this.#abandon.signal.aborted;
  }

  async #run(): Promise<void> {
    const { where } = this;
    const { consumer, metrics, logger, report } = this.#parts;
    let failures = 0;
    const recovered = (): void => {
      if (failures > 0) report.problem(where, undefined);
      failures = 0;
    };
    const ports: PartitionPorts = {
      ...this.#parts,
      window: this.#window,
      metrics: {
        ...metrics,
        settled(records, written, bad) {
          metrics.settled(records, written, bad);
          if (bad > 0) report.setAside(where, bad);
        },
        position(batch, position) {
          metrics.position(batch, position);
          recovered();
        },
      },
    };
    while (!this.#over) {
      try {
        await runPartition(where, this.#feed, ports, { drain: this.#drain.signal, abandon: this.#abandon.signal });
      } catch (error) {
        consumer.stopReading(where);
        this.#feed.close();
        this.#feed = new Slot(this.#parts.clock);
        if (this.#over) return;
        failures++;
        metrics.restarted();
        logger.warn('the partition starts again from its commit', { ...where, failures, error });
        report.problem(where, error);
        await this.#pause(isLasting(error) ? LASTING_MS : backoffMilliseconds(backoff, failures, this.#parts.random ?? Math.random));
      }
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.schedule(milliseconds, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
