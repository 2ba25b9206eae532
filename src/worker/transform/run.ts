import { isUtf8 } from 'node:buffer';
import type { Session, Statement } from '../../drivers/embedded/duckdb/sandbox.ts';
import { type ProgramSql, partSeparator, recordSeparator } from './extract.ts';
import type { MicroBatch } from './intake.ts';
import type { BadRecord } from './ports.ts';

/** The statements of a stage, ready to run. */
export interface Program {
  readonly main: Statement;
  /** Prepared when it is first needed. */
  reasons(): Promise<Statement>;
  /** The texts that they take beside the values, one for each record. */
  readonly texts: (batch: MicroBatch) => readonly (readonly string[])[];
  close(): void;
}

/** What the main statement gave for a micro-batch. */
export interface Run {
  readonly batch: MicroBatch;
  readonly output: string | Uint8Array | null;
  /** Records in the output, as digits. */
  readonly count: string;
  /** Places of the bad records in the micro-batch, ascending. */
  readonly bad: readonly number[];
}

/** A record that cannot be processed. */
export interface Reject extends Pick<BadRecord, 'code' | 'reason'> {
  /** Position in `RawBatch.records`. */
  readonly index: number;
  readonly origin: string;
}

export interface Outcome {
  readonly runs: readonly Run[];
  readonly rejects: readonly Reject[];
}

export async function prepareProgram(session: Session, sql: ProgramSql, texts: Program['texts']): Promise<Program> {
  const main = await session.prepare(sql.main);
  let reasons: Promise<Statement> | undefined;
  return {
    main,
    texts,
    reasons: () => {
      reasons ??= session.prepare(sql.reasons);
      return reasons;
    },
    close: () => {
      main.close();
      void reasons?.then((statement) => statement.close());
    },
  };
}

/** Runs a program over micro-batches, one after another, and finds out what is wrong with the bad records. */
export async function runProgram(program: Program, batches: readonly MicroBatch[]): Promise<Outcome> {
  const runs: Run[] = [];
  const rejects: Reject[] = [];
  for (const micro of batches) {
    await runOver(program, program.main, micro, rejects, (batch, [output = null, count, places]) => {
      runs.push({ batch, output, count: String(count), bad: typeof places === 'string' ? places.split(',').map(Number) : [] });
    });
  }
  for (const { batch, bad } of runs) {
    if (bad.length === 0) continue;
    await runOver(program, await program.reasons(), pick(batch, bad), rejects, (picked, [lines]) => {
      for (const line of String(lines).split(recordSeparator)) {
        const [place = '', code = '', ...reason] = line.split(partSeparator);
        const n = Number(place);
        rejects.push({ index: picked.indexes[n]!, origin: picked.origins[n]!, code: code as BadRecord['code'], reason: reason.join(' ') });
      }
    });
  }
  return { runs, rejects };
}

type Take = (batch: MicroBatch, row: readonly (string | Uint8Array | null)[]) => void;

/**
 * Runs a statement over a micro-batch. Expressions that fail do not make a statement fail (they run in TRY); what still does, such as a
 * lack of memory, is narrowed down by halves, so that one record cannot keep its neighbours from being processed.
 */
async function runOver(program: Program, statement: Statement, batch: MicroBatch, rejects: Reject[], take: Take): Promise<void> {
  const count = batch.indexes.length;
  if (count === 0) return;
  let row: Awaited<ReturnType<Statement['first']>>;
  try {
    const texts = program.texts(batch).map((column) => column.join(recordSeparator));
    row = await statement.first([BigInt(count), joinValues(batch.values), ...texts]);
    // A record that holds the separator looks like two, and all behind it would be taken for others.
    if (row[0] !== String(count)) throw new RangeError('the records cannot be told apart');
  } catch (error) {
    const kept = sift(batch, rejects);
    if (kept.indexes.length < count) return runOver(program, statement, kept, rejects, take);
    if (count === 1) {
      rejects.push({ index: batch.indexes[0]!, origin: batch.origins[0]!, ...blame(error) });
      return;
    }
    const places = [...batch.indexes.keys()];
    await runOver(program, statement, pick(batch, places.slice(0, count >> 1)), rejects, take);
    await runOver(program, statement, pick(batch, places.slice(count >> 1)), rejects, take);
    return;
  }
  take(batch, row.slice(1));
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

const pick = ({ indexes, values, origins, keys }: MicroBatch, places: readonly number[]): MicroBatch => ({
  indexes: places.map((n) => indexes[n]!),
  values: places.map((n) => values[n]!),
  origins: places.map((n) => origins[n]!),
  keys: places.map((n) => keys[n]!),
});

/** Takes out the records whose bytes are no text, or hold what stands between records. */
function sift(batch: MicroBatch, rejects: Reject[]): MicroBatch {
  const kept: number[] = [];
  for (const [n, value] of batch.values.entries()) {
    const reason = unreadable(value);
    if (reason === undefined) kept.push(n);
    else rejects.push({ index: batch.indexes[n]!, origin: batch.origins[n]!, code: 'GRUE-REC-001', reason });
  }
  return pick(batch, kept);
}

function unreadable(value: Buffer): string | undefined {
  if (!isUtf8(value)) return 'the value is not UTF-8, so it is no JSON';
  return value.includes(separatorByte) ? 'the value is not valid JSON: it holds a raw control character' : undefined;
}

function blame(error: unknown): Pick<Reject, 'code' | 'reason'> {
  const message = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  return /^Out of Memory/i.test(message)
    ? { code: 'GRUE-REC-004', reason: 'processing the record takes more memory than the stage may use' }
    : { code: 'GRUE-REC-005', reason: `processing the record fails: ${message}` };
}
