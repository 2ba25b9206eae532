import { GrueError } from '../../../../src/api/errors.ts';
import type { Binding } from '../../../../src/api/revision.ts';
import type { SqlStream } from '../../../../src/drivers/ports.ts';
import { parseFields, type TypedField } from '../../../../src/records/field-types.ts';
import { keyJson, partitionKey, primaryKey } from '../../../../src/records/identity.ts';
import { partitionOf } from '../../../../src/records/murmur2.ts';
import { extendPath } from '../../../../src/records/provenance.ts';
import { badRecord, type Deletion, intake } from '../../../../src/worker/transform/intake.ts';
import { outputKeys } from '../../../../src/worker/transform/pipeline-program.ts';
import type { BadRecord, OutputRecord, PipelineDefinition, PipelineOutput, PipelineStage } from '../../../../src/worker/transform/ports.ts';
import { evaluate, type Row, type Value } from '../sql/evaluate.ts';
import { columnsIn, parse } from '../sql/parse.ts';
import { type ResolvedSelect, resolveStatement } from '../sql/resolve.ts';
import { type Flaw, keyOf, keyValues, limits, objectJson, placeOf, readRow, type Taken, takenFrom, valueAs } from './read.ts';

/** One SELECT over one input. */
interface Part {
  readonly select: ResolvedSelect;
  /** What it adds to the path of its records. */
  readonly step: string;
  /** Fields of the input that it looks at. */
  readonly used: readonly TypedField[];
}

/** A record to write, or nothing where WHERE leaves it out. */
type Outcome = OutputRecord | Flaw | undefined;

/** A stage that runs the simulated SQL, and stamps, keys and places its output as the real one does. */
export function simulatedPipeline({ sql, reads, writes, path }: PipelineDefinition, revision: string): PipelineStage {
  const selects = resolveStatement(sql, parse(sql), reads.map(sqlStream), sqlStream(writes));
  const steps = stepsOf(selects, path);
  const { keyed, placedBy } = outputKeys(writes);
  const primary = keyOf(writes, primaryKey(writes));
  const placing = keyOf(writes, partitionKey(writes));

  function write(index: number, from: string, step: string, row: Row, value: string | null, partitions: number): OutputRecord {
    const origin = step === '' ? from : `${from}${from.endsWith('|') ? '' : '/'}${step}`;
    const key = keyJson(keyValues(primary, row));
    const place = placedBy === 'Key' ? key : placedBy === 'Own' ? placeOf(placing, row) : origin;
    return { index, partition: partitionOf(place, partitions), key: keyed ? key : null, value, headers: { grue: `${origin}|${revision}` } };
  }

  function run(record: Taken, reading: Binding, { select, step, used }: Part, partitions: number): Outcome {
    const isChange = reading.type === 'Change';
    const read = readRow(record, used, isChange ? keyOf(reading, primaryKey(reading)) : [], isChange ? 'Same' : 'Free');
    if ('flaw' in read) return read.flaw;
    const { row } = read;
    try {
      const isWanted = select.where === undefined || evaluate(select.where, row) === true;
      if (!isWanted && !(isChange && writes.type === 'Change')) return undefined;
      const result = Object.fromEntries(select.columns.map(({ field, expression }): [string, Value] => [field.name, evaluate(expression, row)]));
      const empty = primary.find(({ name }) => result[name] === null);
      if (empty) return { code: 'GRUE-REC-003', reason: `the key field ${empty.name} of the result is null` };
      const value = isWanted ? objectJson(Object.keys(result), result) : null;
      return write(record.index, record.origin, step, result, value, partitions);
    } catch (error) {
      return { code: 'GRUE-REC-005', reason: `the SELECT fails on the record: ${(error as Error).message}` };
    }
  }

  /** A deletion goes on under the key that its record has in the output. */
  function deleted({ index, origin, key }: Deletion, { select, step }: Part, partitions: number): OutputRecord {
    const renamed = select.columns.flatMap(({ field, expression }): readonly [string, unknown][] => {
      const value = expression.is === 'Column' ? key.find(({ name }) => name === expression.name) : undefined;
      return value === undefined ? [] : [[field.name, valueAs(field.type, value.text)]];
    });
    return write(index, origin, step, Object.fromEntries(renamed), null, partitions);
  }

  const inputs = new Map(
    reads.map((reading) => {
      const parts = selects.flatMap((select, n): readonly Part[] =>
        select.input === reading.stream ? [{ select, step: steps[n]!, used: usedBy(select, reading) }] : [],
      );
      return [reading.topic, { reading, parts, take: intake(reading, limits, reading.type === 'Change') }];
    }),
  );

  return {
    topics: [...inputs.keys()],
    async transform(batch, partitions): Promise<PipelineOutput> {
      const input = inputs.get(batch.topic);
      if (input === undefined) throw new GrueError('GRUE-KFK-004', `the stage does not read topic ${batch.topic}`);
      const { batches, deletions, bad } = input.take(batch);
      const problems = new Map<number, BadRecord>(bad.map((problem) => [problem.index, problem]));
      const records: OutputRecord[] = [];
      for (const part of input.parts) {
        for (const record of takenFrom(batches)) {
          const outcome = run(record, input.reading, part, partitions);
          if (outcome === undefined) continue;
          if ('headers' in outcome) records.push(outcome);
          else if (!problems.has(record.index)) problems.set(record.index, badRecord(batch, { ...record, ...outcome }));
        }
        records.push(...deletions.map((deletion) => deleted(deletion, part, partitions)));
      }
      return {
        records: records.filter(({ index }) => !problems.has(index)).sort((a, b) => a.index - b.index),
        bad: [...problems.values()].sort((a, b) => a.index - b.index),
      };
    },
    close: () => {},
  };
}

function usedBy({ columns, where }: ResolvedSelect, reading: Binding): readonly TypedField[] {
  const names = new Set([...columns.flatMap(({ expression }) => columnsIn(expression)), ...(where ? columnsIn(where) : [])]);
  const key = reading.type === 'Change' ? primaryKey(reading) : [];
  return parseFields(reading.fields).filter(({ name }) => names.has(name) || key.includes(name));
}

const sqlStream = (binding: Binding): SqlStream => ({
  name: binding.stream,
  type: binding.type,
  fields: binding.fields,
  primaryKey: primaryKey(binding),
  partitionKey: partitionKey(binding),
  ...(binding.orderingField === undefined ? {} : { orderingField: binding.orderingField }),
});

/** Several SELECTs are told apart in the path: by their input, and by a number from the second on that reads the same one. */
function stepsOf(selects: readonly ResolvedSelect[], path: string): readonly string[] {
  if (selects.length === 1) return [path];
  const seen = new Map<string, number>();
  return selects.map(({ input }) => {
    const times = (seen.get(input) ?? 0) + 1;
    seen.set(input, times);
    return extendPath(path, times === 1 ? input : `${input}#${times}`);
  });
}
