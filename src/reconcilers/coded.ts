import { GrueError } from '../api/errors.ts';

/** What the work gives, or the coded error with which it ends: that is a fact to report. Anything else is a fault of ours, and ends the pass. */
export async function orCoded<T>(work: () => Promise<T>): Promise<T | GrueError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GrueError) return error;
    throw error;
  }
}

/** The coded error with which the work ends, if it does. */
export async function failureOf(work: () => Promise<unknown>): Promise<GrueError | undefined> {
  const outcome = await orCoded(work);
  return outcome instanceof GrueError ? outcome : undefined;
}
