import { afterAll, beforeAll } from 'vitest';
import { GrueError } from '../../../src/api/errors.ts';
import { type Analyst, analyst } from '../../../src/drivers/embedded/duckdb/analyst.ts';
import { openSandbox, type Sandbox } from '../../../src/drivers/embedded/duckdb/sandbox.ts';
import type { SqlStream } from '../../../src/drivers/ports.ts';

/** An analyst in this process, for the tests of a file. */
export function analystForTests(): () => Analyst {
  let sandbox: Sandbox;
  let judge: Analyst;
  beforeAll(async () => {
    sandbox = await openSandbox(128);
    judge = analyst(await sandbox.session());
  });
  afterAll(() => sandbox.close());
  return () => judge;
}

interface Options extends Partial<Omit<SqlStream, 'name' | 'fields'>> {
  readonly types?: Readonly<Record<string, string>>;
}

export const streamOf = (name: string, types: Readonly<Record<string, string>>, rest: Options = {}): SqlStream => ({
  name,
  type: 'Append',
  fields: Object.entries(types).map(([field, type]) => ({ name: field, type })),
  primaryKey: [],
  partitionKey: [],
  ...rest,
});

/** The error of a refusal: code, place and text in one line. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof GrueError) return error.line;
    throw error;
  }
  return 'accepted';
}
