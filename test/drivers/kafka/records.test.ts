import type { RecordsBatch } from '@platformatic/kafka';
import { describe, expect, test } from 'vitest';
import { type FetchedPartition, pageOf } from '../../../src/drivers/kafka/records.ts';

const TRANSACTIONAL = 16;
const CONTROL = 32;

interface Part {
  readonly at: bigint;
  /** Offsets that are left in the batch, counted from its first one. */
  readonly deltas: readonly number[];
  /** Last offset that the batch had when it was written; compaction keeps it. */
  readonly last?: number;
  readonly producer?: bigint;
  readonly kind?: number;
  readonly headers?: RecordsBatch['records'][number]['headers'];
}

const batch = ({ at, deltas, last, producer = -1n, kind = 0, headers = [] }: Part): RecordsBatch => ({
  firstOffset: at,
  lastOffsetDelta: last ?? deltas.at(-1)!,
  attributes: kind,
  producerId: producer,
  records: deltas.map((offsetDelta) => ({ length: 0, attributes: 0, timestampDelta: 0n, offsetDelta, key: null, value: Buffer.from('v'), headers })),
  length: 0,
  partitionLeaderEpoch: 0,
  magic: 2,
  crc: 0,
  firstTimestamp: 0n,
  maxTimestamp: 0n,
  producerEpoch: 0,
  firstSequence: 0,
});

const fetched = (parts: readonly Part[], aborted: FetchedPartition['abortedTransactions'] = null): FetchedPartition => ({
  lastStableOffset: 1000n,
  abortedTransactions: aborted,
  records: parts.map(batch),
});

const offsetsOf = (partition: FetchedPartition, from: bigint) => {
  const { records, next } = pageOf(partition, from);
  return [records.map(({ offset }) => Number(offset)), Number(next)];
};

describe('a page', () => {
  test('holds what was asked for, although brokers send whole batches', () => {
    expect(offsetsOf(fetched([{ at: 10n, deltas: [0, 1, 2] }]), 11n)).toEqual([[11, 12], 13]);
  });

  test('ends where the last batch ended when it was written, whatever compaction left of it', () => {
    expect(offsetsOf(fetched([{ at: 10n, deltas: [1], last: 4 }]), 10n)).toEqual([[11], 15]);
    expect(offsetsOf(fetched([{ at: 10n, deltas: [], last: 9 }]), 10n)).toEqual([[], 20]);
  });

  test('crosses the holes between batches', () => {
    expect(
      offsetsOf(
        fetched([
          { at: 10n, deltas: [0] },
          { at: 500n, deltas: [0] },
        ]),
        3n,
      ),
    ).toEqual([[10, 500], 501]);
  });

  test('of nothing stays where it is', () => {
    expect(offsetsOf(fetched([]), 7n)).toEqual([[], 7]);
    expect(offsetsOf({ lastStableOffset: 7n, abortedTransactions: [], records: null }, 7n)).toEqual([[], 7]);
  });

  test('never goes back, if a broker sends an older batch', () => {
    expect(offsetsOf(fetched([{ at: 1n, deltas: [0, 1] }]), 20n)).toEqual([[], 20]);
  });
});

describe('transactions', () => {
  const P = 7n;
  const Q = 8n;
  const data = (at: bigint, producer: bigint) => ({ at, deltas: [0], producer, kind: TRANSACTIONAL });
  const marker = (at: bigint, producer: bigint) => ({ at, deltas: [0], producer, kind: TRANSACTIONAL | CONTROL });

  test('markers are never delivered', () => {
    expect(offsetsOf(fetched([data(0n, P), marker(1n, P)]), 0n)).toEqual([[0], 2]);
  });

  test('aborted records are void up to the marker, and the next transaction of the producer counts', () => {
    const aborted = [{ producerId: P, firstOffset: 0n }];
    expect(offsetsOf(fetched([data(0n, P), data(1n, Q), marker(2n, P), data(3n, P), marker(4n, P)], aborted), 0n)).toEqual([[1, 3], 5]);
  });

  test('an abort whose marker is only in a later page holds for all of this one, and one that began before it too', () => {
    expect(offsetsOf(fetched([data(5n, P), data(6n, P)], [{ producerId: P, firstOffset: 1n }]), 5n)).toEqual([[], 7]);
  });

  test('a committed transaction before an aborted one of the same producer counts', () => {
    const aborted = [{ producerId: P, firstOffset: 2n }];
    expect(offsetsOf(fetched([data(0n, P), marker(1n, P), data(2n, P), marker(3n, P)], aborted), 0n)).toEqual([[0], 4]);
  });

  test('aborted transactions may be named in any order', () => {
    const aborted = [
      { producerId: P, firstOffset: 3n },
      { producerId: Q, firstOffset: 0n },
    ];
    const parts = [data(0n, Q), data(1n, P), marker(2n, P), data(3n, P), marker(4n, Q), data(5n, Q), marker(6n, P)];
    expect(offsetsOf(fetched(parts, aborted), 0n)).toEqual([[1, 5], 7]);
  });

  test('records outside of transactions count, whatever their producer aborts', () => {
    expect(offsetsOf(fetched([{ at: 0n, deltas: [0], producer: P }], [{ producerId: P, firstOffset: 0n }]), 0n)).toEqual([[0], 1]);
  });
});

test('of a repeated header the last counts, and a name from the prototype is a header like others', () => {
  const headers: [Buffer | null, Buffer | null][] = [
    ['a', '1'],
    ['a', '2'],
    ['__proto__', 'x'],
    ['none', null],
  ].map(([k, v]) => [Buffer.from(k!), v === null ? null : Buffer.from(v!)]);
  const { records } = pageOf(fetched([{ at: 0n, deltas: [0], headers }]), 0n);
  expect(Object.entries(records[0]!.headers)).toEqual([
    ['a', '2'],
    ['__proto__', 'x'],
    ['none', ''],
  ]);
});
