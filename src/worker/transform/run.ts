import { isUtf8 } from 'node:buffer';
import type { Statement } from '../../drivers/embedded/duckdb/sandbox.ts';
import { recordSeparator } from './extract.ts';
import type { MicroBatch } from './intake.ts';
import type { BadRecord } from './ports.ts';

/** A prepared statement and the texts that it takes beside the values, one for each record. */
export interface Program {
  readonly statement: Statement;
  readonly texts: (batch: MicroBatch) => readonly (readonly string[])[];
}

/** What a statement gave for a micro-batch: everything behind its first column, which is the number of records that it saw. */
export interface Run {
  readonly batch: MicroBatch;
  readonly row: readonly (string | Uint8Array | null)[];
}

/** A record that no statement can take. */
export interface Reject {
  /** Position in `RawBatch.records`. */
  readonly index: number;
  readonly origin: string;
  readonly code: BadRecord['code'];
  readonly reason: string;
}

export interface Outcome {
  readonly runs: Run[];
  readonly rejects: Reject[];
}

/**
 * Runs a statement over a micro-batch. Expressions that fail do not make a statement fail (they run in TRY); what still does, such as a
 * lack of memory, is narrowed down by halves, so that one record cannot keep its neighbours from being processed.
 */
export async function runOver(program: Program, batch: MicroBatch, outcome: Outcome): Promise<void> {
  const count = batch.indexes.length;
  if (count === 0) return;
  try {
    const texts = program.texts(batch).map((column) => column.join(recordSeparator));
    const [seen, ...row] = await program.statement.first([BigInt(count), joinValues(batch.values), ...texts]);
    // A record that holds the separator looks like two, and all behind it would be taken for others.
    if (seen !== String(count)) throw new RangeError('the records cannot be told apart');
    outcome.runs.push({ batch, row });
  } catch (error) {
    const kept = sift(batch, outcome.rejects);
    if (kept.indexes.length < count) return runOver(program, kept, outcome);
    if (count === 1) {
      outcome.rejects.push({ index: batch.indexes[0]!, origin: batch.origins[0]!, ...blame(error) });
      return;
    }
    await runOver(program, part(batch, 0, count >> 1), outcome);
    await runOver(program, part(batch, count >> 1), outcome);
  }
}

const separatorByte = recordSeparator.charCodeAt(0);

function joinValues(values: readonly Buffer[]): Buffer {
  let length = values.length - 1;
  for (const value of values) length += value.length;
  const joined = Buffer.allocUnsafe(length);
  let at = 0;
  for (const [n, value] of values.entries()) {
    if (n > 0) joined[at++] = separatorByte;
    at += value.copy(joined, at);
  }
  return joined;
}

const part = ({ indexes, values, origins, keys }: MicroBatch, from: number, to?: number): MicroBatch => ({
  indexes: indexes.slice(from, to),
  values: values.slice(from, to),
  origins: origins.slice(from, to),
  keys: keys.slice(from, to),
});

/** Takes out the records whose bytes are no text, or hold what stands between records. */
function sift(batch: MicroBatch, rejects: Reject[]): MicroBatch {
  const kept: MicroBatch = { indexes: [], values: [], origins: [], keys: [] };
  for (const [n, value] of batch.values.entries()) {
    const index = batch.indexes[n]!;
    const origin = batch.origins[n]!;
    const reason = !isUtf8(value)
      ? 'the value is not UTF-8, so it is no JSON'
      : value.includes(separatorByte)
        ? 'the value is not valid JSON: it holds a raw control character'
        : undefined;
    if (reason !== undefined) {
      rejects.push({ index, origin, code: 'GRUE-REC-001', reason });
      continue;
    }
    kept.indexes.push(index);
    kept.values.push(value);
    kept.origins.push(origin);
    kept.keys.push(batch.keys[n]!);
  }
  return kept;
}

function blame(error: unknown): Pick<Reject, 'code' | 'reason'> {
  const message = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  return /^Out of Memory/i.test(message)
    ? { code: 'GRUE-REC-004', reason: 'processing the record takes more memory than the stage may use' }
    : { code: 'GRUE-REC-005', reason: `processing the record fails: ${message}` };
}
