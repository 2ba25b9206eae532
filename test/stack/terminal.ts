import type { Progress } from './commands.ts';
import { StackError } from './errors.ts';

/** Lines for people who wait, each with the seconds since the beginning. */
export function timedProgress(): Progress {
  const began = Date.now();
  return (line) => console.error(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);
}

/** For `eval` in a shell. */
export function printExports(variables: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(variables)) console.log(`export ${key}='${value.replaceAll("'", `'\\''`)}'`);
}

export const printRow = (name: string, value: string): void => console.log(`${name.padEnd(28)}${value}`);

/** The exit code of a command; what is wrong with the stack or the cluster is said, and anything else is a fault of ours. */
export async function exitCodeOf(command: Promise<number>): Promise<number> {
  try {
    return await command;
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    console.error(error.message);
    return 1;
  }
}
