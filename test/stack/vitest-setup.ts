import { attach, startStack } from './stack.ts';

/** Vitest's global setup for tests on real servers: the stack of the environment if there is one, else a new one. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env['GRUE_STACK_DIR'] !== undefined) {
    attach(); // fails here, once, rather than in every test
    return undefined;
  }
  const stack = await startStack({ progress: (line) => console.error(`stack: ${line}`) });
  Object.assign(process.env, stack.env);
  return () => stack.stop();
}
