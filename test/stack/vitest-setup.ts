import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/processes.ts';
import { helmProgram } from '../cluster/local/binaries.ts';
import { attach, startStack } from './stack.ts';

/** Where the logs of servers, operators and workers stay for who looks into a failure: the stack's own directory goes with it. */
const kept = join(root, 'out/test-logs');

/** Vitest's global setup for tests on real servers: the stack of the environment if there is one, else a new one. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  // It is built once, for longer than a test may take; where that fails the tests of the chart do, and say why.
  await helmProgram((line) => console.error(line), new AbortController().signal).catch((error: Error) => console.error(error.message));
  if (process.env['GRUE_STACK_DIR'] !== undefined) {
    attach(); // fails here, once, rather than in every test
    return undefined;
  }
  const stack = await startStack({ progress: (line) => console.error(`stack: ${line}`) });
  Object.assign(process.env, stack.env);
  return async () => {
    rmSync(kept, { recursive: true, force: true });
    cpSync(join(stack.directory, 'logs'), kept, { recursive: true });
    await stack.stop();
  };
}
