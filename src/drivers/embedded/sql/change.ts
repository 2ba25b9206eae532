import { isKeyType } from '../../../records/canonical.ts';
import { parseFieldType } from '../../../records/field-types.ts';
import type { SqlStream } from '../../ports.ts';
import type { ResolvedBranch } from './resolved.ts';
import { type Source, sqlError } from './tree.ts';

/** Checks that records of the output can be told apart and ordered as its type says. @throws GrueError GRUE-SQL-007 */
export function checkIdentity(source: Source, branches: readonly ResolvedBranch[], inputs: readonly SqlStream[], output: SqlStream): void {
  const refuse = (at: number | undefined, message: string, fix: string) => sqlError(source, 'GRUE-SQL-007', at, message, fix);
  for (const name of [...output.primaryKey, ...output.partitionKey]) {
    const type = output.fields.find((field) => field.name === name)?.type;
    if (type !== undefined && !isKeyType(parseFieldType(type)))
      throw refuse(
        undefined,
        `field ${name} of stream ${output.name} is ${type}, which cannot be part of a key`,
        'use a type with exact values, such as STRING, BIGINT or DECIMAL',
      );
  }
  if (output.type === 'Change') checkOutputKeys(output, refuse);
  for (const branch of branches) {
    const input = inputs.find(({ name }) => name === branch.input);
    if (input === undefined) continue;
    if (output.type === 'Append') {
      if (input.type === 'Change')
        throw refuse(
          branch.at,
          `stream ${input.name} is a Change stream: its deletions would be lost in the Append stream ${output.name}`,
          `make ${output.name} a Change stream with the key of ${input.name}`,
        );
      continue;
    }
    if (branches.length > 1 && (input.type === 'Change' || output.orderingField === undefined))
      throw refuse(
        branch.at,
        `several SELECTs write the Change stream ${output.name}: records with one key from two places have no order between them`,
        'write one stream per SELECT, or read Append streams and declare ordering.field on the output',
      );
    if (input.type === 'Change') checkChangeToChange(branch, input, output, refuse);
    else checkAppendToChange(branch, input, output, refuse);
  }
}

type Refuse = (at: number | undefined, message: string, fix: string) => Error;

function checkOutputKeys(output: SqlStream, refuse: Refuse): void {
  if (output.primaryKey.length === 0) throw refuse(undefined, `the Change stream ${output.name} has no primary key`, 'declare keys.primary');
  // A deletion carries the primary key only: by it alone the partition must be found, and an update must not move the record.
  const outside = output.partitionKey.find((name) => !output.primaryKey.includes(name));
  if (outside !== undefined)
    throw refuse(
      undefined,
      `partition key field ${outside} of the Change stream ${output.name} is not part of its primary key`,
      'use fields of the primary key as partition key',
    );
}

/** Names of the input's fields that the output's key fields are made of. */
function keySources({ columns }: ResolvedBranch, output: SqlStream, refuse: Refuse): readonly string[] {
  return output.primaryKey.map((name) => {
    const column = columns.find(({ field }) => field.name === name);
    if (column?.source === undefined)
      throw refuse(
        column?.at,
        `key field ${name} of the Change stream ${output.name} is computed`,
        'take each key field unchanged from a field of the input; renaming it with AS is fine',
      );
    return column.source;
  });
}

function checkChangeToChange(branch: ResolvedBranch, input: SqlStream, output: SqlStream, refuse: Refuse): void {
  const sources = keySources(branch, output, refuse);
  const strange = sources.find((name) => !input.primaryKey.includes(name));
  if (strange !== undefined)
    throw refuse(
      branch.at,
      `${strange} is not part of the primary key of stream ${input.name}, so a deletion would not carry it`,
      `the key of ${output.name} consists of ${input.primaryKey.join(', ')}`,
    );
  const lost = input.primaryKey.find((name) => !sources.includes(name));
  if (lost !== undefined)
    throw refuse(
      branch.at,
      `the key of stream ${output.name} leaves out ${lost}: different records of ${input.name} would become one`,
      `the key of ${output.name} consists of ${input.primaryKey.join(', ')}`,
    );
  for (const name of output.primaryKey) {
    const type = (stream: SqlStream, field: string | undefined) => stream.fields.find((candidate) => candidate.name === field)?.type;
    const from = type(input, branch.columns.find(({ field }) => field.name === name)?.source);
    const to = type(output, name);
    if (from !== to)
      throw refuse(
        branch.at,
        `key field ${name} is ${from} in stream ${input.name} and ${to} in stream ${output.name}`,
        'a key keeps its type, so that deletions find what they delete',
      );
  }
  if (branch.where !== undefined && output.orderingField !== undefined)
    throw refuse(
      branch.at,
      `a record that stops matching WHERE becomes a deletion, and a deletion has no ${output.orderingField} to order it by`,
      'leave out WHERE, or ordering.field',
    );
}

function checkAppendToChange(branch: ResolvedBranch, input: SqlStream, output: SqlStream, refuse: Refuse): void {
  if (output.orderingField !== undefined) return;
  const sources = branch.columns.filter(({ field }) => output.primaryKey.includes(field.name)).map(({ source }) => source);
  const partitionKey = input.partitionKey.length > 0 ? input.partitionKey : input.primaryKey;
  const lost = partitionKey.find((name) => !sources.includes(name));
  if (partitionKey.length > 0 && lost === undefined) return;
  const why =
    partitionKey.length === 0
      ? `stream ${input.name} declares no partition key`
      : `the key of ${output.name} leaves out ${lost}, the partition key of ${input.name}`;
  throw refuse(
    branch.at,
    `${why}, so records with one key may come from two partitions, which have no order between them`,
    `declare ordering.field on ${output.name}, or keys.partition on ${input.name} within the key`,
  );
}
