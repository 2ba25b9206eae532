import { createInterface } from 'node:readline';
import { analyst } from './duckdb/analyst.ts';
import { openSandbox } from './duckdb/sandbox.ts';
import { type Answer, packError, packOutline, type Question } from './protocol.ts';

/**
 * The checker process: answers one question per line until its input ends. It exists because DuckDB stays out of the operator: it would
 * cost it memory, and SQL that crashes or hangs the engine must not take the operator with it.
 */
const memoryMiB = 128;

const { outline, resolve } = analyst(await (await openSandbox(memoryMiB)).session());

async function answer(question: Question): Promise<Answer> {
  try {
    if (question.ask === 'outline') return { outline: packOutline(await outline(question.sql)) };
    await resolve(question.sql, question.inputs, question.output);
    return { passed: true };
  } catch (error) {
    return packError(error);
  }
}

for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Question))}\n`);
