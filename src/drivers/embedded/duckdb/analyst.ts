import { duckdbType, type TypedField } from '../../../records/field-types.ts';
import type { SqlOutline, SqlStream } from '../../ports.ts';
import { identifier } from '../sql/literals.ts';
import { resolve, type Typer } from '../sql/resolve.ts';
import type { ResolvedBranch } from '../sql/resolved.ts';
import { outlineOf, type Parser, readStatement } from '../sql/statement.ts';
import type { Session } from './sandbox.ts';

/** Judges the SQL of pipelines with a DuckDB at hand. The checker and the worker judge by this one. */
export interface Analyst {
  outline(sql: string): Promise<SqlOutline>;
  /** @returns which expression fills which field of the output. @throws GrueError GRUE-SQL-... */
  resolve(sql: string, inputs: readonly SqlStream[], output: SqlStream): Promise<readonly ResolvedBranch[]>;
}

export function analyst(session: Session): Analyst {
  const parse: Parser = async (query) => {
    const statement = await session.prepare('SELECT json_serialize_sql($1::VARCHAR, skip_empty := true, skip_null := true, skip_default := true)::VARCHAR');
    try {
      const [tree] = await statement.first([query]);
      return typeof tree === 'string' ? tree : '{}';
    } finally {
      statement.close();
    }
  };
  return {
    outline: async (sql) => outlineOf(await readStatement(sql, parse)),
    resolve: async (sql, inputs, output) => resolve(await readStatement(sql, parse), inputs, output, typer(session)),
  };
}

/** Asks for types by preparing, not running, the expressions over a relation without rows. */
const typer =
  (session: Session): Typer =>
  async (fields, expressions) => {
    const statement = await session
      .prepare(`SELECT ${expressions.map((expression, i) => `${expression} AS "${i}"`).join(', ')} FROM (SELECT ${fields.map(emptyColumn).join(', ')})`)
      .catch((error: unknown) => {
        throw new Error(firstLine(error), { cause: error });
      });
    try {
      return statement.columnTypes;
    } finally {
      statement.close();
    }
  };

const emptyColumn = ({ name, type }: TypedField): string => `NULL::${duckdbType(type)} AS ${identifier(name)}`;

/** The engine's message without its kind and without the excerpt of our own SQL below it. */
function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split('\n')[0] ?? '').replace(/^[A-Z][A-Za-z ]* Error: /, '').replace(/ You might need to add explicit type casts\.?$/, '');
}
