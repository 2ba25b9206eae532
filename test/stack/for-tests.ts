import { attach, type Stack } from './stack.ts';

/** The stack of this test run, which the global setup has started or found. */
export function stack(): Stack {
  return attach();
}
