import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createSqlEngine, type SqlEngineOptions } from '../../../src/drivers/embedded/engine.ts';
import type { SqlEngine } from '../../../src/drivers/ports.ts';
import { refusal, streamOf } from './support.ts';

const signal = new AbortController().signal;
const flights = streamOf('flights', { delay: 'INT' });
const delays = streamOf('delays', { hours: 'DOUBLE' });
const sql = 'INSERT INTO delays SELECT delay / 60.0 AS hours FROM flights';

const engines: SqlEngine[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

function engine(options: SqlEngineOptions = {}): SqlEngine {
  const made = createSqlEngine(options);
  engines.push(made);
  return made;
}

/** A stand-in for the checker process, told what to do by the words in the SQL. It counts its own starts in a file. */
async function standIn(): Promise<{ readonly checkerPath: string; starts(): Promise<number> }> {
  const folder = await mkdtemp(join(tmpdir(), 'grue-checker-'));
  folders.push(folder);
  const checkerPath = join(folder, 'checker.mjs');
  const count = join(folder, 'starts');
  await writeFile(
    checkerPath,
    `import { appendFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
appendFileSync(${JSON.stringify(count)}, 'x');
const starts = readFileSync(${JSON.stringify(count)}).length;
let asked = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { sql } = JSON.parse(line);
  if (sql === 'die') process.exit(3);
  if (sql === 'die once' && starts === 1) process.exit(3);
  if (sql === 'hang') continue;
  console.log(JSON.stringify({ outline: { output: sql, inputs: Object.keys(process.env), canonical: starts + '/' + ++asked, columns: [] } }));
}`,
  );
  const { readFile } = await import('node:fs/promises');
  return { checkerPath, starts: async () => (await readFile(count, 'utf8')).length };
}

describe('the SQL engine of the operator', () => {
  test('asks a process of its own, which judges as the worker does', async () => {
    const subject = engine();
    const outline = await subject.outline(sql, signal);
    expect(outline).toMatchObject({ output: 'delays', inputs: ['flights'] });
    expect(outline.columns.get('flights')).toEqual(['delay']);
    expect(await refusal(subject.check(sql, [flights], delays, signal))).toBe('accepted');
    expect(await refusal(subject.check(sql.replace('delay ', 'dealy '), [flights], delays, signal))).toBe(
      'GRUE-SQL-003 at line 1, column 27: column "dealy" does not exist in stream flights (did you mean "delay"?)',
    );
    expect((await subject.outline('INSERT INTO o SELECT * FROM s', signal)).columns).toEqual(new Map([['s', undefined]]));
  });

  test('remembers answers by what was asked, refusals too', async () => {
    const { checkerPath } = await standIn();
    const subject = engine({ checkerPath, remembered: 2 });
    const first = await subject.outline('a', signal);
    expect(await subject.outline('a', signal)).toEqual(first);
    await subject.outline('b', signal);
    await subject.outline('c', signal);
    expect((await subject.outline('a', signal)).canonical).toBe('1/4');
  });

  test('gives its process nothing of the environment, where credentials may be', async () => {
    const { checkerPath } = await standIn();
    expect((await engine({ checkerPath }).outline('a', signal)).inputs).toEqual([]);
  });

  test('starts a process that died again and asks once more', async () => {
    const { checkerPath, starts } = await standIn();
    expect((await engine({ checkerPath }).outline('die once', signal)).canonical).toBe('2/1');
    expect(await starts()).toBe(2);
  });

  test('refuses SQL that kills the process twice, and goes on with the next', async () => {
    const { checkerPath } = await standIn();
    const subject = engine({ checkerPath });
    const [dead, alive] = await Promise.all([refusal(subject.outline('die', signal)), subject.outline('a', signal)]);
    expect(dead).toBe('GRUE-SQL-004: the SQL makes its checker end (exit code 3) (make it simpler)');
    expect(alive.output).toBe('a');
  });

  test('kills a process that takes too long; those who wait behind it get their answers', async () => {
    const { checkerPath } = await standIn();
    const subject = engine({ checkerPath, timeoutMilliseconds: 3_000 });
    const [slow, next] = await Promise.all([refusal(subject.outline('hang', signal)), subject.outline('a', signal)]);
    expect(slow).toBe('GRUE-SQL-004: checking the SQL takes longer than 3000 ms (make it simpler)');
    expect(next.output).toBe('a');
  });

  test('stops its process when nobody asks for a while', async () => {
    const { checkerPath, starts } = await standIn();
    const subject = engine({ checkerPath, idleMilliseconds: 50 });
    await subject.outline('a', signal);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await subject.outline('b', signal)).canonical).toBe('2/1');
    expect(await starts()).toBe(2);
  });

  test('lets go of a caller who gives up', async () => {
    const { checkerPath } = await standIn();
    const subject = engine({ checkerPath, timeoutMilliseconds: 500 });
    const aborter = new AbortController();
    const waiting = subject.outline('hang', aborter.signal);
    aborter.abort(new Error('no longer needed'));
    await expect(waiting).rejects.toThrow('no longer needed');
    await expect(subject.outline('x', aborter.signal)).rejects.toThrow('no longer needed');
  });

  test('answers nothing after it is closed', async () => {
    const subject = engine();
    await subject.close();
    await expect(subject.outline(sql, signal)).rejects.toThrow('closed');
  });
});
