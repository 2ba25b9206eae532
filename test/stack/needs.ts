import { StackError } from './errors.ts';

/** Throws a StackError that says what to install when something is missing. */
export type Need = () => void;

/** Looks for all that is missing before anything is started, so that a person can install it in one go. */
export function requireAll(needs: readonly Need[]): void {
  const missing = needs.map(unmet).filter((error) => error !== undefined);
  const messages = [...new Set(missing.map((error) => error.message))];
  const [first] = missing;
  if (first === undefined) return;
  throw messages.length === 1 ? first : StackError.joined(first.code, messages);
}

function unmet(need: Need): StackError | undefined {
  try {
    need();
    return undefined;
  } catch (error) {
    if (error instanceof StackError) return error;
    throw error;
  }
}
