import type { Binding } from '../../api/revision.ts';
import { decimalsAsText, mayHoldLongNumber } from '../../records/exact-json.ts';
import { parseFields } from '../../records/field-types.ts';
import { documentIdOfValues, isKeyed, jsonString, type KeyValue, keyReader } from '../../records/identity.ts';
import { originOfStamp, parseOrigin, stampHeader } from '../../records/provenance.ts';
import type { BadRecord, RawBatch, RawRecord, TransformLimits } from './ports.ts';

/** Records that go through one statement together, as columns. */
export interface MicroBatch {
  /** Positions in `RawBatch.records`. */
  readonly indexes: number[];
  /** A tombstone is empty. */
  readonly values: Buffer[];
  /** Origins as text. */
  readonly origins: string[];
  /** The document id that the Kafka key names, in JSON; empty where there is no key. */
  readonly keys: string[];
}

/** A deletion, known by its key alone. */
export interface Deletion {
  readonly index: number;
  readonly origin: string;
  readonly key: readonly KeyValue[];
}

export interface Intake {
  readonly batches: readonly MicroBatch[];
  /** Only if they are kept apart. */
  readonly deletions: readonly Deletion[];
  readonly bad: readonly BadRecord[];
}

const tombstone = Buffer.alloc(0);

interface Problem extends Pick<BadRecord, 'index' | 'code' | 'reason'> {
  readonly origin: string | undefined;
}

/** A bad record of a batch, with what is known of where it came from. */
export function badRecord(batch: RawBatch, { index, origin, code, reason }: Problem): BadRecord {
  const offset = batch.records[index]?.offset ?? '';
  const identity = origin ?? `${batch.topic}|${batch.partition}|${offset}`;
  return { index, partition: batch.partition, offset, origin: origin === undefined ? undefined : parseOrigin(origin), identity, code, reason };
}

/**
 * Makes the function that takes records in: reads where they come from and what their keys say, sorts out what is bad already, and cuts the
 * rest into micro-batches of bounded size.
 * @param apart give deletions of keyed streams as such instead of among the records
 */
export function intake(binding: Binding, limits: TransformLimits, apart: boolean): (batch: RawBatch) => Intake {
  const keyed = isKeyed(binding);
  const readKey = keyed ? keyReader(binding) : undefined;
  const decimals = parseFields(binding.fields).flatMap(({ name, type }) =>
    type.name === 'DECIMAL' || (type.name === 'ARRAY' && type.element.name === 'DECIMAL') ? [name] : [],
  );

  return (batch) => {
    const batches: MicroBatch[] = [];
    const deletions: Deletion[] = [];
    const bad: BadRecord[] = [];
    let current: MicroBatch | undefined;
    let bytes = 0;
    const rootOrigin = `${binding.stream}|${binding.epoch}|${batch.partition}|`;

    for (let index = 0; index < batch.records.length; index++) {
      const record = batch.records[index]!;
      const origin = binding.root ? `${rootOrigin}${record.offset}|` : originOf(record);
      const refuse = (code: BadRecord['code'], reason: string): number => bad.push(badRecord(batch, { index, origin, code, reason }));
      if (origin === undefined) {
        refuse('GRUE-REC-002', `the record has no readable header ${stampHeader}: something else than Grue wrote it`);
        continue;
      }
      const size = (record.value?.length ?? 0) + (record.key?.length ?? 0);
      if (size > limits.recordBytes) {
        refuse('GRUE-REC-004', `the record has ${size} bytes, the bound is ${limits.recordBytes}`);
        continue;
      }
      // No tombstone, but it would be passed on as one.
      if (record.value?.length === 0) {
        refuse('GRUE-REC-001', 'the value is empty');
        continue;
      }
      let key = '';
      if (readKey !== undefined) {
        const parsed = readKey(record.key);
        if ('values' in parsed) {
          if (apart && record.value === null) {
            deletions.push({ index, origin, key: parsed.values });
            continue;
          }
          key = jsonString(documentIdOfValues(parsed.values));
        } else if (record.value === null || binding.type === 'Change') {
          refuse('GRUE-REC-003', parsed.problem);
          continue;
        }
      }
      if (current === undefined || current.indexes.length >= limits.batchRecords || bytes + size > limits.batchBytes) {
        current = { indexes: [], values: [], origins: [], keys: [] };
        batches.push(current);
        bytes = 0;
      }
      bytes += size;
      current.indexes.push(index);
      current.values.push(jsonOf(record, decimals));
      current.origins.push(origin);
      current.keys.push(key);
    }
    return { batches, deletions, bad };
  };
}

function originOf({ headers }: RawRecord): string | undefined {
  const header = headers?.[stampHeader];
  const last = Array.isArray(header) ? header.at(-1) : header;
  return last === undefined ? undefined : originOfStamp(last.toString());
}

function jsonOf({ value }: RawRecord, decimals: readonly string[]): Buffer {
  if (value === null) return tombstone;
  if (decimals.length === 0 || !mayHoldLongNumber(value.toString('latin1'))) return value;
  const rewritten = decimalsAsText(value.toString(), decimals);
  return rewritten === undefined ? value : Buffer.from(rewritten);
}
