import { GrueError } from '../../../../src/api/errors.ts';
import { checkIdentity } from '../../../../src/drivers/embedded/sql/change.ts';
import type { SqlStream } from '../../../../src/drivers/ports.ts';
import { parseFields, type TypedField } from '../../../../src/records/field-types.ts';
import { type Branch, columnsIn, type Expression, type Statement } from './parse.ts';

/** One SELECT: what fills each field of the output. */
export interface ResolvedSelect {
  readonly input: string;
  readonly columns: readonly { readonly field: TypedField; readonly expression: Expression }[];
  readonly where: Expression | undefined;
}

interface Column {
  readonly name: string | undefined;
  readonly expression: Expression;
}

/**
 * Matches columns by name; those of a second SELECT go by place. The identity of records is checked as the real engine checks it.
 * @throws GrueError GRUE-SQL-003, -005, -006, -007
 */
export function resolveStatement(sql: string, { branches }: Statement, inputs: readonly SqlStream[], output: SqlStream): readonly ResolvedSelect[] {
  const resolved: ResolvedSelect[] = [];
  let names: readonly string[] | undefined;
  for (const branch of branches) {
    const input = inputs.find(({ name }) => name === branch.input);
    if (input === undefined) throw new GrueError('GRUE-SQL-005', `stream ${branch.input} is not known`, { fix: 'name a Stream of the same namespace' });
    const columns = expand(branch, input);
    names ??= namesOf(columns);
    if (columns.length !== names.length) throw new GrueError('GRUE-SQL-006', `this SELECT has ${columns.length} columns, the first one has ${names.length}`);
    resolved.push({ input: input.name, columns: fill(columns, names, input, output), where: branch.where });
  }
  const judged = resolved.map(({ input, columns }) => ({
    input,
    columns: columns.map(({ field, expression }) => ({
      field,
      text: JSON.stringify(expression),
      at: undefined,
      ...(expression.is === 'Column' ? { source: expression.name } : {}),
    })),
    where: undefined,
    used: [],
    at: undefined,
  }));
  checkIdentity({ sql }, judged, inputs, output);
  return resolved;
}

function expand({ items, where }: Branch, input: SqlStream): readonly Column[] {
  const columns = items.flatMap((item): readonly Column[] =>
    item === '*' ? input.fields.map(({ name }) => ({ name, expression: { is: 'Column', name } })) : [item],
  );
  const used = [...columns.map(({ expression }) => expression), ...(where ? [where] : [])].flatMap(columnsIn);
  const stray = used.find((name) => !input.fields.some((field) => field.name === name));
  if (stray !== undefined)
    throw new GrueError('GRUE-SQL-003', `column "${stray}" does not exist in stream ${input.name}`, {
      fix: `its fields are ${input.fields.map(({ name }) => name).join(', ')}`,
    });
  return columns;
}

const namesOf = (columns: readonly Column[]): readonly string[] =>
  columns.map(({ name }, n) => {
    if (name === undefined) throw new GrueError('GRUE-SQL-006', `column ${n + 1} has no name`, { fix: 'name it with AS: columns are matched by name' });
    return name;
  });

function fill(columns: readonly Column[], names: readonly string[], input: SqlStream, output: SqlStream): ResolvedSelect['columns'] {
  const stray = names.find((name) => !output.fields.some((field) => field.name === name));
  if (stray !== undefined) throw new GrueError('GRUE-SQL-006', `stream ${output.name} has no field ${stray}`);
  return parseFields(output.fields).map((field) => {
    const expression = columns[names.indexOf(field.name)]?.expression;
    if (expression === undefined) throw new GrueError('GRUE-SQL-006', `field ${field.name} of stream ${output.name} has no column`);
    const found = sortOf(expression, input);
    if (found !== undefined && found !== sortOfType(field.type.name))
      throw new GrueError('GRUE-SQL-006', `field ${field.name} of stream ${output.name} is ${field.type.name}, and its column is a ${found.toLowerCase()}`);
    return { field, expression };
  });
}

type Sort = 'Number' | 'Text' | 'Boolean';

const numbers: readonly string[] = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'FLOAT', 'DOUBLE', 'DECIMAL'];
const sortOfType = (name: string): Sort => (numbers.includes(name) ? 'Number' : name === 'BOOLEAN' ? 'Boolean' : 'Text');

/** Only as exact as is needed to refuse what plainly does not fit. Undefined for NULL. */
function sortOf(expression: Expression, input: SqlStream): Sort | undefined {
  switch (expression.is) {
    case 'Column':
      return parseFields(input.fields).flatMap(({ name, type }) => (name === expression.name ? [sortOfType(type.name)] : []))[0];
    case 'Literal':
      return expression.value === null
        ? undefined
        : typeof expression.value === 'number'
          ? 'Number'
          : typeof expression.value === 'string'
            ? 'Text'
            : 'Boolean';
    case 'Not':
      return 'Boolean';
    case 'Binary':
      if (expression.operator === '||') return 'Text';
      return ['+', '-', '*', '/', '%'].includes(expression.operator) ? 'Number' : 'Boolean';
  }
}
