import type { KafkaRecord, Offset } from '../../../../src/drivers/ports.ts';

/** A record to append. No value: a tombstone. */
export interface SimRecord {
  readonly key?: string | undefined;
  readonly value?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Records of it are seen once it is committed. */
interface Transaction {
  readonly first: Offset;
  state: 'Open' | 'Committed' | 'Aborted';
}

interface Entry {
  readonly offset: Offset;
  /** Absent in the marker that ends a transaction: it takes an offset, and nobody sees it. */
  readonly record: KafkaRecord | undefined;
  readonly transaction: Transaction | undefined;
}

/** What a read_committed reader gets. */
export interface Fetched {
  readonly records: readonly KafkaRecord[];
  /** Behind everything that was looked at, also what nobody sees. */
  readonly next: Offset;
}

/** One partition: offsets are given once, and holes stay holes. */
export class PartitionLog {
  #entries: Entry[] = [];
  #open: Transaction[] = [];
  #start: Offset = 0n;
  #end: Offset = 0n;

  get start(): Offset {
    return this.#start;
  }

  get highWatermark(): Offset {
    return this.#end;
  }

  get lastStable(): Offset {
    return this.#open[0]?.first ?? this.#end;
  }

  append(records: readonly SimRecord[], transaction?: Transaction): Offset {
    const first = this.#end;
    for (const { key, value, headers = {} } of records) {
      const record = { offset: this.#end, key: bytes(key), value: bytes(value), headers };
      this.#entries.push({ offset: this.#end++, record, transaction });
    }
    return first;
  }

  /** @returns what ends it; its marker takes an offset */
  begin(records: readonly SimRecord[]): (state: 'Committed' | 'Aborted') => void {
    const transaction: Transaction = { first: this.#end, state: 'Open' };
    this.#open.push(transaction);
    this.append(records, transaction);
    return (state) => {
      if (transaction.state !== 'Open') throw new Error('the transaction has ended');
      transaction.state = state;
      this.#open = this.#open.filter((other) => other !== transaction);
      this.#entries.push({ offset: this.#end++, record: undefined, transaction: undefined });
    };
  }

  truncate(before: Offset): void {
    if (before > this.#end) throw new Error(`the log ends at ${this.#end}, before ${before}`);
    if (before > this.#start) this.#start = before;
    this.#entries = this.#entries.filter(({ offset }) => offset >= this.#start);
  }

  /** Leaves the last record of each key; the very last entry stays, as the open segment does. */
  compact(): void {
    const last = new Map(this.#entries.map(({ offset, record }) => [record?.key?.toString() ?? '', offset]));
    this.#entries = this.#entries.filter(
      ({ offset, record }) => offset === this.#end - 1n || (record?.key !== undefined && last.get(record.key.toString()) === offset),
    );
  }

  /** At most `limit` records from `from` on that readers may see. */
  fetch(from: Offset, limit: number): Fetched {
    const end = this.lastStable;
    const records: KafkaRecord[] = [];
    for (let n = this.#indexOf(from); n < this.#entries.length; n++) {
      const { offset, record, transaction } = this.#entries[n]!;
      if (offset >= end) break;
      if (records.length === limit) return { records, next: offset };
      if (record !== undefined && transaction?.state !== 'Aborted') records.push(record);
    }
    return { records, next: end > from ? end : from };
  }

  /** As the disks hold it now. A transaction that is open has no end any more. */
  copy(): PartitionLog {
    const log = new PartitionLog();
    log.#start = this.#start;
    log.#end = this.#end;
    log.#entries = this.#entries.map((entry) =>
      entry.transaction?.state === 'Open' ? { ...entry, transaction: { first: entry.transaction.first, state: 'Aborted' } } : entry,
    );
    return log;
  }

  /** Position of the first entry at or behind an offset. */
  #indexOf(offset: Offset): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const bytes = (text: string | undefined): Buffer | undefined => (text === undefined ? undefined : Buffer.from(text));
