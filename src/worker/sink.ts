import { GrueError } from '../api/errors.ts';
import type { Backoff, Random } from '../controller/backoff.ts';
import type { Clock } from '../controller/clock.ts';
import type { BulkOutcome, DocumentWriter, ItemFailure } from '../drivers/elasticsearch/bulk.ts';
import { formatOrigin } from '../records/provenance.ts';
import type { StageMetrics } from './metrics.ts';
import { MembershipLost, type Prepare } from './partition.ts';
import type { Batch, GroupConsumer } from './ports.ts';
import { type Attempt, retry } from './retry.ts';
import type { BadRecord, BulkBody, BulkItem, SinkStage } from './transform/ports.ts';

export interface SinkParts {
  readonly stage: Pick<SinkStage, 'transform'>;
  readonly writer: Pick<DocumentWriter, 'bulk' | 'storedDigests'>;
  readonly index: string;
  readonly consumer: Pick<GroupConsumer, 'isMember'>;
  readonly metrics: StageMetrics;
  readonly clock: Clock;
  /** For the jitter of waits; a number in [0, 1). */
  readonly random?: Random | undefined;
}

/** Elasticsearch works best with bodies of some megabytes, and refuses them above 100. */
const BODY_BYTES = 4 * 1024 * 1024;
/**
 * Together with the time-out of one request it stays under a third of `gc_deletes` (10 minutes): a write that arrives late must still
 * find the deletion that it is older than.
 */
const MAX_AGE_MS = 150_000;
const backoff: Backoff = { baseMilliseconds: 100, maxMilliseconds: 10_000, jitter: 0.5 };

/**
 * Stream to index. The bodies of a batch go out beside each other, and each until every operation of it is answered for good. Their order does
 * not matter: ids come from keys or origins, and where one is written twice its version decides.
 */
export function sinkWork(parts: SinkParts): Prepare {
  return async (batch) => {
    const { bodies, bad } = await parts.stage.transform(batch, BODY_BYTES);
    return async (signal) => {
      const refused = (await allOrNone(bodies, signal, (body, either) => deliver(body, batch, parts, either))).flat();
      const operations = bodies.reduce((sum, { count }) => sum + count, 0);
      return { written: operations - refused.length, bad: [...bad, ...refused] };
    };
  };
}

/** The first failure ends the others; nothing is under way any more when it is thrown. */
async function allOrNone<T, R>(items: readonly T[], signal: AbortSignal, work: (item: T, signal: AbortSignal) => Promise<R>): Promise<readonly R[]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const outcomes = await Promise.allSettled(
    items.map((item) =>
      work(item, either).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    ),
  );
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
}

/** What is sent in one attempt: the whole body, or those of its operations that are still open. */
interface Open {
  readonly bytes: Buffer | string;
  /** Position in the whole body of the nth operation sent. */
  readonly positionOf: (n: number) => number;
  readonly count: number;
}

async function deliver(body: BulkBody, batch: Batch, parts: SinkParts, signal: AbortSignal): Promise<readonly BadRecord[]> {
  const { writer, index, consumer, metrics, clock, random } = parts;
  const bad: BadRecord[] = [];
  let open: Open = { bytes: body.bytes, count: body.count, positionOf: (n) => n };
  await retry({ backoff, maxAgeMilliseconds: MAX_AGE_MS, clock, random, onRetry: metrics.retried }, signal, async (): Promise<Attempt<void>> => {
    if (!consumer.isMember()) throw new MembershipLost('no heartbeat was answered for half the session time-out');
    const sentAt = clock.monotonic();
    const outcome = await writer.bulk(index, open.bytes, open.count, signal);
    metrics.bulk(open.count, (clock.monotonic() - sentAt) / 1_000);
    if (outcome.outcome !== 'Answered') return { again: unavailable(index, outcome) };
    if (outcome.failures.length === 0) return { done: undefined };
    const verdicts = await judge(body, outcome.failures, open, parts, signal);
    bad.push(...verdicts.filter(({ verdict }) => verdict === 'Bad').map((bads) => badRecord(bads, batch)));
    const again = verdicts.filter(({ verdict }) => verdict === 'Again');
    if (again[0] === undefined) return { done: undefined };
    const positions = again.map(({ position }) => position);
    open = { bytes: again.map(({ item }) => item.text).join(''), count: again.length, positionOf: (n) => positions[n] ?? 0 };
    return { again: unavailable(index, { outcome: 'Rejected', status: again[0].status, reason: again[0].reason }) };
  });
  return bad;
}

const unavailable = (index: string, { reason }: Exclude<BulkOutcome, { outcome: 'Answered' }>): GrueError =>
  new GrueError('GRUE-PLT-003', `writing to ${index}: ${reason}`);

interface Judged {
  /** Good: what is stored is what was sent, or newer. Again: it may be taken later. Bad: it will never be taken. */
  readonly verdict: 'Good' | 'Again' | 'Bad';
  readonly item: BulkItem;
  /** Among all operations of the body. */
  readonly position: number;
  readonly status: number;
  readonly code: 'GRUE-REC-006' | 'GRUE-REC-007';
  readonly reason: string;
}

async function judge(body: BulkBody, failures: readonly ItemFailure[], open: Open, parts: SinkParts, signal: AbortSignal): Promise<readonly Judged[]> {
  const failed = failures.map(({ position: sent, status, type, reason }) => {
    const position = open.positionOf(sent);
    return { position, item: body.item(position), status, reason: `${type}: ${reason}` };
  });
  const lost = failed.find(({ status }) => status === 404);
  if (lost) throw new GrueError('GRUE-ES-005', `index ${parts.index} is not there any more: ${lost.reason}`);
  const taken = failed.filter(({ status, item }) => status === 409 && item.action === 'create').map(({ item }) => item.id);
  const stored = taken.length === 0 ? new Map<string, string>() : await parts.writer.storedDigests(parts.index, taken, signal);
  return failed.map((failure): Judged => {
    const { item, status } = failure;
    // 403: the index is blocked, for lack of disk or by somebody; that is not the document's fault
    if (status === 429 || status === 403 || status >= 500) return { ...failure, verdict: 'Again', code: 'GRUE-REC-006' };
    if (status !== 409) return { ...failure, verdict: 'Bad', code: 'GRUE-REC-006' };
    // Under an external version a conflict says that the stored version is at least as new.
    if (item.action !== 'create') return { ...failure, verdict: 'Good', code: 'GRUE-REC-007' };
    const digest = stored.get(item.id);
    // It was there a moment ago, so somebody deletes documents; then it may be created again.
    if (digest === undefined) return { ...failure, verdict: 'Again', code: 'GRUE-REC-007' };
    if (digest === item.digest) return { ...failure, verdict: 'Good', code: 'GRUE-REC-007' };
    return { ...failure, verdict: 'Bad', code: 'GRUE-REC-007', reason: `the index holds another document under the id ${item.id}` };
  });
}

function badRecord({ item: { index, origin }, code, reason }: Judged, batch: Batch): BadRecord {
  const offset = batch.records[index]?.offset ?? '';
  return { index, partition: batch.partition, offset, origin, identity: formatOrigin(origin), code, reason };
}
