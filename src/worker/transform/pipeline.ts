import { GrueError } from '../../api/errors.ts';
import type { Binding } from '../../api/revision.ts';
import type { Analyst } from '../../drivers/embedded/duckdb/analyst.ts';
import type { Sandbox } from '../../drivers/embedded/duckdb/sandbox.ts';
import type { ResolvedBranch } from '../../drivers/embedded/sql/resolved.ts';
import type { SqlStream } from '../../drivers/ports.ts';
import { type KeyValue, keyJson, partitionKey, primaryKey } from '../../records/identity.ts';
import { partitionOf } from '../../records/murmur2.ts';
import { extendPath } from '../../records/provenance.ts';
import { partSeparator, recordSeparator } from './extract.ts';
import { badRecord, type Deletion, type Intake, intake } from './intake.ts';
import { type OutputKeys, outputKeys, pipelineProgram } from './pipeline-program.ts';
import type { OutputRecord, PipelineDefinition, PipelineOutput, PipelineStage, RawBatch, TransformLimits } from './ports.ts';
import { type Program, prepareProgram, type Run, runProgram } from './run.ts';
import { inTurn } from './turn.ts';

/** One SELECT of the pipeline. */
interface Part {
  readonly program: Program;
  readonly resolved: ResolvedBranch;
  /** What it adds to the path of its records. */
  readonly step: string;
}

/** Everything about one input topic. */
interface Input {
  readonly reads: Binding;
  readonly take: (batch: RawBatch) => Intake;
  readonly parts: readonly Part[];
}

/** A stage that runs a pipeline's SQL. */
export async function pipelineStage(
  sandbox: Sandbox,
  analyst: Analyst,
  definition: PipelineDefinition,
  revision: string,
  limits: TransformLimits,
): Promise<PipelineStage> {
  const { sql, reads, writes, path } = definition;
  const branches = await analyst.resolve(sql, reads.map(sqlStream), sqlStream(writes));
  const session = await sandbox.session();
  const outKeys = outputKeys(writes);
  const steps = stepsOf(branches, path);
  const inputs = new Map<string, Input>();
  for (const binding of reads) {
    const parts: Part[] = [];
    for (const [n, resolved] of branches.entries()) {
      if (resolved.input !== binding.stream) continue;
      const program = await prepareProgram(session, pipelineProgram(resolved, binding, writes), ({ keys }) => (binding.type === 'Change' ? [keys] : []));
      parts.push({ resolved, step: steps[n]!, program });
    }
    inputs.set(binding.topic, { reads: binding, take: intake(binding, limits, binding.type === 'Change'), parts });
  }

  async function transform(batch: RawBatch, partitions: number): Promise<PipelineOutput> {
    const input = inputs.get(batch.topic);
    if (input === undefined) throw new GrueError('GRUE-KFK-004', `the stage does not read topic ${batch.topic}`);
    const { batches, deletions, bad } = input.take(batch);
    const records: OutputRecord[] = [];
    const problems = [...bad];
    for (const part of input.parts) {
      const { runs, rejects } = await runProgram(part.program, batches);
      const write = writer(part.step, revision, outKeys, partitions);
      for (const run of runs) readLines(run, write, records);
      for (const deletion of deletions) records.push(deleted(deletion, part.resolved, writes, write));
      for (const reject of rejects) problems.push(badRecord(batch, reject));
    }
    return settle(records, problems, input.parts.length > 1 || deletions.length > 0);
  }

  return {
    topics: [...inputs.keys()],
    transform: inTurn(transform),
    close: () => {
      for (const { parts } of inputs.values()) for (const { program } of parts) program.close();
      session.close();
    },
  };
}

const sqlStream = (binding: Binding): SqlStream => ({
  name: binding.stream,
  type: binding.type,
  fields: binding.fields,
  primaryKey: primaryKey(binding),
  partitionKey: partitionKey(binding),
  ...(binding.orderingField === undefined ? {} : { orderingField: binding.orderingField }),
});

/**
 * What each SELECT adds to the path of its records. With several of them a record of the root could come out of two, so each has a name: that
 * of its input, and a number from the second on that reads the same one. Names do not depend on the order of the inputs.
 */
function stepsOf(branches: readonly ResolvedBranch[], path: string): readonly string[] {
  if (branches.length === 1) return [path];
  const seen = new Map<string, number>();
  return branches.map(({ input }) => {
    const times = (seen.get(input) ?? 0) + 1;
    seen.set(input, times);
    return extendPath(path, times === 1 ? input : `${input}#${times}`);
  });
}

type Write = (index: number, origin: string, key: string, place: string, value: string | null) => OutputRecord;

function writer(step: string, revision: string, { keyed, placedBy }: OutputKeys, partitions: number): Write {
  return (index, from, key, place, value) => {
    const origin = step === '' ? from : `${from}${from.endsWith('|') ? '' : '/'}${step}`;
    const placing = placedBy === 'Key' ? key : placedBy === 'Own' ? place : origin;
    return { index, partition: partitionOf(placing, partitions), key: keyed ? key : null, value, headers: { grue: `${origin}|${revision}` } };
  };
}

function readLines({ batch, output, count }: Run, write: Write, records: OutputRecord[]): void {
  const before = records.length;
  if (typeof output === 'string') {
    for (const line of output.split(recordSeparator)) {
      const [place = '', key = '', placing = '', value = ''] = line.split(partSeparator);
      const n = Number(place);
      records.push(write(batch.indexes[n]!, batch.origins[n]!, key, placing, value === '' ? null : value));
    }
  }
  // A NULL among the parts of a line would make the line vanish.
  if (count !== String(records.length - before)) throw new Error(`${count} records made ${records.length - before} lines`);
}

/** A deletion goes on under the key that its record has in the output. */
function deleted({ index, origin, key }: Deletion, { columns }: ResolvedBranch, writes: Binding, write: Write): OutputRecord {
  const renamed = (names: readonly string[]): readonly KeyValue[] =>
    names.flatMap((name) => {
      const source = columns.find(({ field }) => field.name === name)?.source;
      const value = key.find((candidate) => candidate.name === source);
      return value === undefined ? [] : [{ ...value, name }];
    });
  return write(index, origin, keyJson(renamed(primaryKey(writes))), keyJson(renamed(partitionKey(writes))), null);
}

/** Puts the output in the order of the input. A record that is bad for one SELECT is bad as a whole. */
function settle(records: OutputRecord[], bad: PipelineOutput['bad'], mixed: boolean): PipelineOutput {
  const first = [...new Map(bad.map((problem) => [problem.index, problem])).values()].sort((a, b) => a.index - b.index);
  const refused = new Set(first.map(({ index }) => index));
  const kept = refused.size > 0 && mixed ? records.filter(({ index }) => !refused.has(index)) : records;
  return { records: mixed ? kept.sort((a, b) => a.index - b.index) : kept, bad: first };
}
