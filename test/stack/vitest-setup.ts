import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/processes.ts';
import { attach, startStack } from './stack.ts';

/** Where the logs of servers, operators and workers stay for who looks into a failure: the stack's own directory goes with it. */
const kept = join(root, 'out/test-logs');

/** Vitest's global setup for tests on real servers: the stack of the environment if there is one, else a new one. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
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
