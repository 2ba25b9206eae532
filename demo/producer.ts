import type { Kafka } from 'kafkajs';
import { systemClock } from '../src/controller/clock.ts';

export interface ProductionOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly partitions: number;
  readonly rows: number;
  /** The records in order; each carries its number. */
  readonly source: AsyncIterable<readonly string[]>;
  readonly signal: AbortSignal;
  /** Seconds in which the rest would be produced if the pace stayed as it is. */
  readonly horizonSeconds?: number;
}

/** Produces without a break: half of the records at once, as a history, and the rest at a pace that never runs dry. */
export interface Production {
  /** Every record below this number has been acknowledged by all replicas, and none above it. */
  acknowledged(): number;
  /** Resolves when the history, the first half, is acknowledged. */
  readonly history: Promise<void>;
  /** Resolves when all records are acknowledged. @throws when Kafka does not take them */
  readonly done: Promise<void>;
  /** From now on as fast as it goes. */
  hurry(): void;
}

const atOnce = 2_000;
const tick = 100;
/** At no time faster than a machine with two cores can follow beside everything else. */
const fastestPace = 3_000;

/** How many records are the history. */
export const historyOf = (rows: number): number => Math.ceil(rows / 2);

export function produce({ kafka, topic, partitions, rows, source, signal, horizonSeconds = 75 }: ProductionOptions): Production {
  const half = historyOf(rows);
  const history = Promise.withResolvers<void>();
  const hurried = new AbortController();
  let acknowledged = 0;
  let pacedSince: number | undefined;

  /**
   * How many records to send next, once it is time for them; parts of a record are carried over. The pace follows what is left, and how long
   * it has taken so far: on a slow machine everything takes longer, and the records must last to the end.
   */
  async function quota(owed: number): Promise<number> {
    if (acknowledged < half) return Math.min(half - acknowledged, atOnce);
    pacedSince ??= performance.now();
    await systemClock.sleep(tick, AbortSignal.any([hurried.signal, signal])).catch(() => {});
    if (hurried.signal.aborted) return atOnce;
    const horizon = Math.max(horizonSeconds, (1.5 * (performance.now() - pacedSince)) / 1_000);
    return Math.min(owed + Math.min((rows - acknowledged) / horizon, fastestPace) * (tick / 1_000), atOnce);
  }

  async function run(): Promise<void> {
    const producer = kafka.producer({
      idempotent: true, // a repeated send must not become a second record
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    });
    await producer.connect();
    const records = inPortions(source);
    try {
      let owed = 0;
      while (acknowledged < rows) {
        signal.throwIfAborted();
        owed = await quota(owed);
        const values = await records.take(Math.floor(owed));
        owed = acknowledged < half ? 0 : owed - values.length;
        if (values.length === 0) continue;
        await producer.send({ topic, acks: -1, messages: values.map((value, i) => ({ value, partition: (acknowledged + i) % partitions })) });
        acknowledged += values.length;
        if (acknowledged >= half) history.resolve();
      }
    } finally {
      await records.close();
      await producer.disconnect();
    }
  }

  const done = run();
  done.catch(history.reject);
  history.promise.catch(() => {});
  return { acknowledged: () => acknowledged, history: history.promise, done, hurry: () => hurried.abort() };
}

function inPortions(source: AsyncIterable<readonly string[]>) {
  const chunks = source[Symbol.asyncIterator]();
  let waiting: readonly string[] = [];
  return {
    /** The next `wanted` records; fewer where a chunk ends. @throws when there are none left */
    async take(wanted: number): Promise<readonly string[]> {
      if (wanted > 0 && waiting.length === 0) {
        const { value, done } = await chunks.next();
        if (done === true) throw new Error('the data set has fewer rows than were asked for');
        waiting = value;
      }
      const taken = waiting.slice(0, wanted);
      waiting = waiting.slice(wanted);
      return taken;
    },
    close: async () => void (await chunks.return?.()),
  };
}
