import type { Session } from '../../drivers/embedded/duckdb/sandbox.ts';
import { bulkBodies } from './bulk-body.ts';
import { intake } from './intake.ts';
import type { RawBatch, SinkDefinition, SinkOutput, SinkStage, TransformLimits } from './ports.ts';
import { readProblems } from './problems.ts';
import { type Outcome, type Program, type Run, runOver } from './run.ts';
import { sinkProgram, sinkTexts } from './sink-program.ts';

/** A stage that makes bulk bodies. */
export async function sinkStage(session: Session, { reads }: SinkDefinition, revision: string, limits: TransformLimits): Promise<SinkStage> {
  const program: Program = { statement: await session.prepare(sinkProgram(reads, revision)), texts: sinkTexts(reads) };
  const take = intake(reads, limits, false);
  let turn: Promise<unknown> = Promise.resolve();

  async function transform(batch: RawBatch, bodyBytes: number): Promise<SinkOutput> {
    const { batches, bad } = take(batch);
    const outcome: Outcome = { runs: [], rejects: [] };
    for (const micro of batches) await runOver(program, micro, outcome);
    const problems = readProblems(batch, outcome, 2);
    const refused = new Set(problems.map(({ index }) => index));
    const bodies = outcome.runs.flatMap((run) => bodiesOf(run, refused, bodyBytes));
    return { bodies, bad: [...bad, ...problems].sort((a, b) => a.index - b.index) };
  }

  return {
    topics: [reads.topic],
    transform: (batch, bodyBytes) => {
      const result = turn.then(() => transform(batch, bodyBytes));
      turn = result.catch(() => {});
      return result;
    },
    close: () => {
      program.statement.close();
      session.close();
    },
  };
}

/** Every record of a run is one operation or bad, in order. */
function bodiesOf({ batch, row: [bytes, count] }: Run, refused: ReadonlySet<number>, bodyBytes: number): SinkOutput['bodies'] {
  const all = refused.size === 0;
  const indexes = all ? batch.indexes : batch.indexes.filter((index) => !refused.has(index));
  const origins = all ? batch.origins : batch.origins.filter((_, n) => !refused.has(batch.indexes[n]!));
  if (count !== String(indexes.length)) throw new Error(`${indexes.length} records made ${count} operations`);
  return bytes instanceof Uint8Array ? bulkBodies(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), { indexes, origins }, bodyBytes) : [];
}
