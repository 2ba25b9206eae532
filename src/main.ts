import { GrueError } from './api/errors.ts';
import { program } from './cli/program.ts';

await program(process.argv).catch((error: unknown) => {
  process.stderr.write(`${error instanceof GrueError ? error.line : error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
