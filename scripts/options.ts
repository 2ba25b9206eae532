/** What a shell expects of a program that was interrupted. */
export const interruptedCode = 130;

/**
 * Runs a program with the options that `read` finds in its arguments. What is wrong with them is said with the usage.
 * @param read throws an Error that says which argument is wrong
 * @returns the exit code
 */
export async function runProgram<Options extends { readonly help: boolean }>(
  usage: string,
  read: (args: string[]) => Options,
  run: (options: Options) => Promise<number>,
): Promise<number> {
  let options: Options;
  try {
    options = read(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (!options.help) return run(options);
  process.stdout.write(usage);
  return 0;
}
