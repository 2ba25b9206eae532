import type { SqlEngine } from '../../../src/drivers/ports.ts';
import { columnsIn, parse, type Statement } from './sql/parse.ts';
import { resolveStatement } from './sql/resolve.ts';

/**
 * Judges a small part of the SQL that the embedded engine takes: columns, constants, arithmetic, `||`, comparisons, WHERE and UNION ALL. It
 * answers within microtasks, so a virtual clock governs it.
 */
export function simulatedSql(): SqlEngine {
  return {
    outline: async (sql, signal) => {
      signal.throwIfAborted();
      const statement = parse(sql);
      return {
        output: statement.output,
        inputs: [...new Set(statement.branches.map(({ input }) => input))],
        canonical: JSON.stringify(statement),
        columns: columnsByInput(statement),
      };
    },
    check: async (sql, inputs, output, signal) => {
      signal.throwIfAborted();
      resolveStatement(sql, parse(sql), inputs, output);
    },
    close: async () => {},
  };
}

function columnsByInput({ branches }: Statement): ReadonlyMap<string, readonly string[] | undefined> {
  const found = new Map<string, readonly string[] | undefined>();
  for (const { input, items, where } of branches) {
    const columns = items.flatMap((item) => (item === '*' ? [] : columnsIn(item.expression)));
    const before = found.has(input) ? found.get(input) : [];
    const isAll = items.includes('*') || before === undefined;
    found.set(input, isAll ? undefined : [...new Set([...before, ...columns, ...(where ? columnsIn(where) : [])])].sort());
  }
  return found;
}
