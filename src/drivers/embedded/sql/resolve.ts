import { GrueError } from '../../../api/errors.ts';
import { formatFieldType, parseFields, type TypedField } from '../../../records/field-types.ts';
import type { SqlStream } from '../../ports.ts';
import { assignable } from './assign.ts';
import { checkIdentity } from './change.ts';
import type { Expression } from './expression.ts';
import { isChangingName } from './functions.ts';
import { identifier } from './literals.ts';
import type { ResolvedBranch } from './resolved.ts';
import { similar } from './similar.ts';
import type { Branch, Statement } from './statement.ts';
import { type Source, sqlError } from './tree.ts';

/**
 * Tells the types of expressions over the given fields, as the embedded engine names them.
 * Fails with the engine's own message when one of them has no type.
 */
export type Typer = (fields: readonly TypedField[], expressions: readonly string[]) => Promise<readonly string[]>;

/**
 * Checks a statement against its streams and says which expression fills which field. Columns are matched by name; all fields of the output
 * must be there and no other; in UNION ALL the names are those of the first SELECT, the others follow by position, as SQL has it.
 * @throws GrueError GRUE-SQL-003 to -007
 */
export async function resolve(statement: Statement, inputs: readonly SqlStream[], output: SqlStream, typer: Typer): Promise<readonly ResolvedBranch[]> {
  const resolved: ResolvedBranch[] = [];
  let names: readonly string[] | undefined;
  for (const branch of statement.branches) {
    const input = inputs.find(({ name }) => name === branch.input);
    if (input === undefined) throw sqlError(statement, 'GRUE-SQL-005', branch.at, `stream ${branch.input} is not known`, 'name a Stream of the same namespace');
    refuseTwins(statement, input, branch.at);
    const columns = expand(statement, branch, input);
    for (const { expression } of columns) for (const use of expression.columns) checkColumn(statement, input, use.name, use.at);
    for (const use of branch.where?.columns ?? []) checkColumn(statement, input, use.name, use.at);
    names = namesOf(statement, columns, names, branch.at);
    resolved.push(await fill(statement, branch, input, output, columns, names, typer));
  }
  checkIdentity(statement, resolved, inputs, output);
  return resolved;
}

interface NamedColumn {
  readonly name: string | undefined;
  readonly expression: Expression;
}

/** The engine does not tell apart names that differ in case only. */
function refuseTwins(source: Source, { name, fields }: SqlStream, at: number | undefined): void {
  const seen = new Map<string, string>();
  for (const field of fields) {
    const twin = seen.get(field.name.toLowerCase());
    if (twin !== undefined)
      throw sqlError(
        source,
        'GRUE-SQL-004',
        at,
        `the fields ${twin} and ${field.name} of stream ${name} differ in case only`,
        'rename one of them, or use Flink (engine: flink)',
      );
    seen.set(field.name.toLowerCase(), field.name);
  }
}

function expand(source: Source, branch: Branch, input: SqlStream): readonly NamedColumn[] {
  return branch.items.flatMap((item): readonly NamedColumn[] => {
    if (item.kind === 'Expression') return [item];
    for (const name of item.exclude) checkColumn(source, input, name, item.at);
    return input.fields
      .filter(({ name }) => !item.exclude.includes(name))
      .map(({ name }) => ({ name, expression: { text: identifier(name), columns: [{ name, at: item.at }], at: item.at, column: name } }));
  });
}

function checkColumn(source: Source, stream: SqlStream, name: string, at: number | undefined): void {
  const fields = stream.fields.map((field) => field.name);
  if (fields.includes(name)) return;
  if (isChangingName(name))
    throw sqlError(
      source,
      'GRUE-SQL-004',
      at,
      `${name} gives another result every time, so a record could not be made again with the same content`,
      'take the value from a field of the record',
    );
  const guess = similar(name, fields);
  throw sqlError(
    source,
    'GRUE-SQL-003',
    at,
    `column "${name}" does not exist in stream ${stream.name}`,
    guess === undefined ? `its fields are ${fields.slice(0, 20).join(', ')}` : `did you mean "${guess}"?`,
  );
}

function namesOf(source: Source, columns: readonly NamedColumn[], first: readonly string[] | undefined, at: number | undefined): readonly string[] {
  if (first === undefined) {
    return columns.map(({ name, expression }, i) => {
      if (name === undefined)
        throw sqlError(source, 'GRUE-SQL-006', expression.at, `column ${i + 1} has no name`, 'name it with AS: columns are matched by name');
      if (columns.findIndex((other) => other.name === name) !== i)
        throw sqlError(source, 'GRUE-SQL-006', expression.at, `two columns are named ${name}`, 'give each its own name with AS');
      return name;
    });
  }
  if (columns.length !== first.length)
    throw sqlError(
      source,
      'GRUE-SQL-006',
      at,
      `this SELECT has ${columns.length} columns, the first one has ${first.length}`,
      'all parts of a UNION ALL have the same columns',
    );
  columns.forEach(({ name, expression }, i) => {
    if (name !== undefined && name !== first[i] && first.includes(name))
      throw sqlError(
        source,
        'GRUE-SQL-006',
        expression.at,
        `column ${name} stands in place ${i + 1}, in the first SELECT in place ${first.indexOf(name) + 1}`,
        'UNION ALL goes by place: use the same order',
      );
  });
  return first;
}

async function fill(
  source: Source,
  branch: Branch,
  input: SqlStream,
  output: SqlStream,
  columns: readonly NamedColumn[],
  names: readonly string[],
  typer: Typer,
): Promise<ResolvedBranch> {
  const targets = parseFields(output.fields);
  const fields = targets.map(({ name }) => name);
  for (const [i, name] of names.entries()) {
    if (fields.includes(name)) continue;
    const guess = similar(name, fields);
    throw sqlError(
      source,
      'GRUE-SQL-006',
      columns[i]?.expression.at,
      `stream ${output.name} has no field ${name}`,
      guess === undefined ? 'leave the column out, or add the field to the stream' : `did you mean AS "${guess}"?`,
    );
  }
  const missing = fields.filter((name) => !names.includes(name));
  if (missing.length > 0)
    throw sqlError(
      source,
      'GRUE-SQL-006',
      branch.at,
      `the SELECT lacks ${missing.join(', ')} of stream ${output.name}`,
      'select a value for every field of the output, NULL where there is none',
    );
  const types = await typesOf(source, input, branch, columns, typer);
  return {
    input: branch.input,
    where: branch.where?.text,
    used: [...new Set([...columns.flatMap(({ expression }) => expression.columns), ...(branch.where?.columns ?? [])].map(({ name }) => name))],
    at: branch.at,
    columns: targets.map((field) => {
      const place = names.indexOf(field.name);
      const { text, at, column, constant } = columns[place]!.expression;
      const from = types[place]!;
      if (!assignable(from, field.type, constant))
        throw sqlError(
          source,
          'GRUE-SQL-006',
          at,
          `column ${field.name} is ${from}, but field ${field.name} of stream ${output.name} is ${formatFieldType(field.type)}`,
          'change the type of the field, or say with CAST what may be lost',
        );
      return { field, text, at, ...(column === undefined ? {} : { source: column }) };
    }),
  };
}

/** Types of the columns. The condition must be a truth value. */
async function typesOf(source: Source, input: SqlStream, { where }: Branch, columns: readonly NamedColumn[], typer: Typer): Promise<readonly string[]> {
  const fields = parseFields(input.fields);
  const expressions = [...columns.map(({ expression }) => expression), ...(where === undefined ? [] : [where])];
  const types = await typer(
    fields,
    expressions.map(({ text }) => text),
  ).catch(async () => {
    // The engine does not say which one it was: ask for each alone.
    for (const expression of expressions) {
      await typer(fields, [expression.text]).catch((error: unknown) => {
        throw sqlError(
          source,
          'GRUE-SQL-004',
          expression.at,
          error instanceof Error ? error.message : String(error),
          'check the types of the fields and functions, and CAST where needed',
        );
      });
    }
    throw new GrueError('GRUE-SQL-004', 'the columns of the SELECT do not go together');
  });
  const condition = types[columns.length];
  if (where !== undefined && condition !== 'BOOLEAN')
    throw sqlError(source, 'GRUE-SQL-004', where.at, `the condition after WHERE is ${condition}, not BOOLEAN`, 'compare it with something');
  return types;
}
