import { GrueError } from '../api/errors.ts';
import type { Backoff, Random } from '../controller/backoff.ts';
import type { Clock } from '../controller/clock.ts';
import type { BadWindow } from './bad-window.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { StageMetrics } from './metrics.ts';
import type { Batch, GroupConsumer, Position, TopicPartition } from './ports.ts';
import { type Attempt, retry } from './retry.ts';
import { closed, idle, Slot } from './slot.ts';
import type { BadRecord } from './transform/ports.ts';

/** Sends what was prepared and waits until every record of it is acknowledged or found to be bad. Safe to repeat: all writes are idempotent. */
export type Deliver = (signal: AbortSignal) => Promise<Delivered>;

export interface Delivered {
  readonly written: number;
  readonly bad: readonly BadRecord[];
}

/** What a stage does with the records of one batch, up to the point where something is sent. */
export type Prepare = (batch: Batch) => Promise<Deliver>;

/** Where a partition stands, as the brokers know it now. */
export interface PartitionFacts {
  readonly committed: Position | undefined;
  readonly logStart: Position;
  readonly logEnd: Position;
}

export interface PartitionPorts {
  readonly consumer: Pick<GroupConsumer, 'readFrom' | 'commit' | 'isMember'>;
  readonly facts: (where: TopicPartition, signal: AbortSignal) => Promise<PartitionFacts>;
  readonly prepare: Prepare;
  readonly deadLetters: DeadLetters;
  readonly window: BadWindow;
  readonly metrics: StageMetrics;
  readonly clock: Clock;
  /** For the jitter of waits; a number in [0, 1). */
  readonly random?: Random | undefined;
}

/** Bad records came in such a share that none of them is set aside any more. */
export class TooManyBadRecords extends Error {
  override readonly name = 'TooManyBadRecords';
}

/** Another worker may own the partition from now on. */
export class MembershipLost extends Error {
  override readonly name = 'MembershipLost';
}

/** With nothing to do for so long, the position is committed, although no record asks for it: a fence may lie in front of it. */
const IDLE_MS = 1_000;
const COMMIT_WITHIN_MS = 30_000;
const commitBackoff: Backoff = { baseMilliseconds: 50, maxMilliseconds: 1_000, jitter: 0.2 };

/** How a partition is told to end. */
export interface PartitionEnd {
  /** Take nothing new; what is being delivered is finished and committed. */
  readonly drain: AbortSignal;
  /** Give up at once: nothing may be sent or committed any more. */
  readonly abandon: AbortSignal;
}

/**
 * The commit protocol of one partition. One batch is delivered at a time and in order; the next one is prepared meanwhile, which sends
 * nothing. It may be killed between any two lines: whatever was not committed is read again, and every write is idempotent.
 *
 * @returns after `drain`
 * @throws the reason of `abandon`, or whatever stands in the way; then the caller starts it again, from the commit. Nothing is under
 *   way any more when it ends
 */
export async function runPartition(where: TopicPartition, feed: Slot<Batch>, ports: PartitionPorts, { drain, abandon }: PartitionEnd): Promise<void> {
  const start = await startOf(where, ports, abandon);
  const ready = new Slot<Ready>(ports.clock);
  const end = (): void => {
    feed.close();
    ready.close();
  };
  const ending = AbortSignal.any([drain, abandon]);
  ending.addEventListener('abort', end, { once: true });
  if (ending.aborted) end();
  ports.consumer.readFrom(where, start);
  const loops = [prepareAll(start, feed, ready, ports, abandon), deliverAll(where, start, ready, ports, abandon)];
  const outcomes = await Promise.allSettled(loops.map((loop) => loop.finally(end)));
  ending.removeEventListener('abort', end);
  abandon.throwIfAborted();
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

interface Ready {
  readonly batch: Batch;
  /** Absent when the batch holds no records. */
  readonly deliver?: Deliver;
}

/** Never guesses: without a commit, or with one that the log does not reach, nothing is read. */
async function startOf(where: TopicPartition, ports: PartitionPorts, signal: AbortSignal): Promise<Position> {
  const { committed, logStart, logEnd } = await ports.facts(where, signal);
  const partition = `partition ${where.partition} of ${where.topic}`;
  if (committed === undefined) throw new GrueError('GRUE-KFK-006', `${partition} has no committed offset`);
  if (committed > logEnd) throw new GrueError('GRUE-KFK-004', `${partition} ends at ${logEnd}, before the committed offset ${committed}`);
  requireHistory(partition, committed, logStart);
  return committed;
}

function requireHistory(partition: string, position: Position, logStart: Position): void {
  if (logStart > position)
    throw new GrueError(
      'GRUE-KFK-003',
      `${partition} begins at ${logStart}: ${logStart - position} offsets from ${position} on were removed before they were read`,
    );
}

async function prepareAll(start: Position, feed: Slot<Batch>, ready: Slot<Ready>, ports: PartitionPorts, signal: AbortSignal): Promise<void> {
  for (let position = start; ; ) {
    const batch = await feed.take();
    if (batch === closed || batch === idle) return ready.close();
    await checkContinuity(batch, position, ports, signal);
    position = batch.next;
    await ready.put(batch.records.length === 0 ? { batch } : { batch, deliver: await ports.prepare(batch) });
  }
}

/** A hole in front of the first record is a transaction marker or compaction; that it is not a part of the log cut off is looked up. */
async function checkContinuity(batch: Batch, position: Position, ports: PartitionPorts, signal: AbortSignal): Promise<void> {
  const partition = `partition ${batch.partition} of ${batch.topic}`;
  if (batch.from !== position) throw new Error(`${partition}: records from ${batch.from} on came instead of those from ${position} on`);
  const first = batch.records[0];
  if (first !== undefined && Number(first.offset) === position) return;
  requireHistory(partition, position, (await ports.facts(batch, signal)).logStart);
}

async function deliverAll(where: TopicPartition, start: Position, ready: Slot<Ready>, ports: PartitionPorts, signal: AbortSignal): Promise<void> {
  let position = start;
  let committed = start;
  let committedAt = ports.clock.monotonic();
  for (;;) {
    const next = await ready.take(IDLE_MS);
    if (next === closed) return;
    if (next !== idle) {
      if (next.deliver) await settle(next.batch, next.deliver, ports, signal);
      position = next.batch.next;
      ports.metrics.position(next.batch, position);
    }
    const delivered = next !== idle && next.deliver !== undefined;
    if (position === committed || !(delivered || ports.clock.monotonic() - committedAt >= IDLE_MS)) continue;
    await commit(where, position, ports, signal);
    committed = position;
    committedAt = ports.clock.monotonic();
  }
}

/** Everything between reading a batch and committing it: after this, each of its records is durable, as output or as dead letter. */
async function settle(batch: Batch, deliver: Deliver, ports: PartitionPorts, signal: AbortSignal): Promise<void> {
  requireMembership(ports, signal);
  const { written, bad } = await deliver(signal);
  const records = batch.records.length;
  if (!ports.window.allows(records, bad.length)) throw new TooManyBadRecords(tooMany(batch, bad));
  if (bad.length > 0) {
    requireMembership(ports, signal);
    await ports.deadLetters.write(batch, bad);
  }
  ports.window.passed(records, bad.length);
  ports.metrics.settled(records, written, bad.length);
}

function tooMany(batch: Batch, bad: readonly BadRecord[]): string {
  const [first] = bad;
  const share = `${bad.length} of the ${batch.records.length} records from offset ${batch.from} on are bad`;
  return first === undefined ? share : `${share}; the first at offset ${first.offset}: ${first.code}: ${first.reason}`;
}

async function commit(where: TopicPartition, position: Position, ports: PartitionPorts, signal: AbortSignal): Promise<void> {
  const policy = { backoff: commitBackoff, maxAgeMilliseconds: COMMIT_WITHIN_MS, clock: ports.clock, random: ports.random };
  await retry(policy, signal, async (): Promise<Attempt<void>> => {
    requireMembership(ports, signal);
    try {
      return { done: await ports.consumer.commit(where, position) };
    } catch (error) {
      // While the group rebalances nothing is taken; if the partition stays ours, the same commit is good afterwards.
      return { again: error instanceof Error ? error : new Error(String(error)) };
    }
  });
}

function requireMembership({ consumer }: PartitionPorts, signal: AbortSignal): void {
  signal.throwIfAborted();
  if (!consumer.isMember()) throw new MembershipLost('no heartbeat was answered for half the session time-out');
}
