import { IS_CONTROL, IS_TRANSACTIONAL, type RecordsBatch } from '@platformatic/kafka';
import type { KafkaRecord, Offset } from '../ports.ts';

/** What a broker sends of one partition. */
export interface FetchedPartition {
  readonly lastStableOffset: Offset;
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: Offset }[] | null;
  readonly records?: readonly RecordsBatch[] | null | undefined;
}

export interface Page {
  readonly records: readonly KafkaRecord[];
  /** Where the next fetch starts. It is beyond the last record where markers, aborted records or compaction left nothing to deliver. */
  readonly next: Offset;
}

/**
 * The records from `position` on that count: those of aborted transactions, markers, and records before `position` (a broker sends
 * whole batches) are left out.
 *
 * A broker names the aborted transactions that touch what it sends, each with its first offset, also when it began before. So each page
 * is judged by itself: from its first offset on, a producer's transactional records are void until its marker.
 */
export function pageOf({ records: batches, abortedTransactions }: FetchedPartition, position: Offset): Page {
  const aborted = (abortedTransactions ?? []).toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  const voided = new Set<bigint>();
  const records: KafkaRecord[] = [];
  let next = position;
  for (const batch of batches ?? []) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    while (aborted.length > 0 && aborted[0]!.firstOffset <= last) voided.add(aborted.shift()!.producerId);
    if (batch.attributes & IS_CONTROL) voided.delete(batch.producerId);
    else if (!(batch.attributes & IS_TRANSACTIONAL && voided.has(batch.producerId))) records.push(...delivered(batch, position));
    if (last >= next) next = last + 1n;
  }
  return { records, next };
}

function* delivered(batch: RecordsBatch, from: Offset): Iterable<KafkaRecord> {
  for (const { offsetDelta, key, value, headers } of batch.records) {
    const offset = batch.firstOffset + BigInt(offsetDelta);
    if (offset >= from) yield { offset, key: key ?? undefined, value: value ?? undefined, headers: textual(headers) };
  }
}

/** Of a header that occurs more than once the last one counts, as for Kafka's own clients; one without a value is an empty text. */
const textual = (headers: RecordsBatch['records'][number]['headers']): Record<string, string> =>
  Object.fromEntries(headers.map(([name, value]) => [name?.toString() ?? '', value?.toString() ?? '']));
