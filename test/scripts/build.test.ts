import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import { root } from '../../scripts/processes.ts';
import { startLines } from '../../src/drivers/embedded/child.ts';

const run = promisify(execFile);
// below the root, because what is not bundled is found from there
mkdirSync(join(root, 'out'), { recursive: true });
const directory = mkdtempSync(join(root, 'out', 'bundle-'));
let made: Awaited<ReturnType<typeof bundle>>;

beforeAll(async () => {
  made = await bundle(directory);
}, 180_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('the bundle is a program with all commands', async () => {
  const { stdout } = await run(process.execPath, [join(directory, 'grue.js'), '--help']);
  for (const command of ['operator', 'worker', 'status', 'promote', 'abort', 'rollback', 'pause', 'resume', 'retry']) expect(stdout).toContain(command);
});

test('the bundled SQL checker answers', async () => {
  const checker = startLines(process.execPath, join(directory, 'checker.js'));
  try {
    const answer = JSON.parse(await checker.ask(JSON.stringify({ ask: 'outline', sql: 'INSERT INTO b SELECT x FROM a' }), 60_000));
    expect(answer).toHaveProperty('outline');
  } finally {
    checker.stop();
  }
});

test('neither DuckDB nor undici is in the bundle', () => {
  const inputs = Object.values(made.outputs).flatMap(({ inputs: parts }) => Object.keys(parts));
  expect(inputs.filter((file) => /node_modules\/(@duckdb|undici)\//.test(file))).toEqual([]);
});
