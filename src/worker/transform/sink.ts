import type { Session } from '../../drivers/embedded/duckdb/sandbox.ts';
import { bulkBodies } from './bulk-body.ts';
import { badRecord, intake } from './intake.ts';
import type { SinkDefinition, SinkOutput, SinkStage, TransformLimits } from './ports.ts';
import { prepareProgram, type Run, runProgram } from './run.ts';
import { sinkProgram, sinkTexts } from './sink-program.ts';
import { inTurn } from './turn.ts';

/** A stage that makes bulk bodies. */
export async function sinkStage(session: Session, { reads }: SinkDefinition, revision: string, limits: TransformLimits): Promise<SinkStage> {
  const program = await prepareProgram(session, sinkProgram(reads, revision), sinkTexts(reads));
  const take = intake(reads, limits, false);
  return {
    topics: [reads.topic],
    transform: inTurn(async (batch, bodyBytes): Promise<SinkOutput> => {
      const { batches, bad } = take(batch);
      const { runs, rejects } = await runProgram(program, batches);
      const all = [...bad, ...rejects.map((reject) => badRecord(batch, reject))];
      return { bodies: runs.flatMap((run) => bodiesOf(run, bodyBytes)), bad: all.sort((a, b) => a.index - b.index) };
    }),
    close: () => {
      program.close();
      session.close();
    },
  };
}

/** Every record of a run is one operation or bad, in order. */
function bodiesOf({ batch, output, count, bad }: Run, bodyBytes: number): SinkOutput['bodies'] {
  const refused = new Set(bad);
  const isGood = (_: unknown, n: number): boolean => !refused.has(n);
  const sources = refused.size === 0 ? batch : { indexes: batch.indexes.filter(isGood), origins: batch.origins.filter(isGood) };
  if (count !== String(sources.indexes.length)) throw new Error(`${sources.indexes.length} records made ${count} operations`);
  return output instanceof Uint8Array ? bulkBodies(Buffer.from(output.buffer, output.byteOffset, output.byteLength), sources, bodyBytes) : [];
}
