import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../support/grue.ts';

const root = join(import.meta.dirname, '../../..');
/** The servers' directory is in their command lines, so by it they are told from those of others. */
let state: string;
let demo: ChildProcess | undefined;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'grue-demo-test-'));
});
afterEach(() => {
  demo?.kill('SIGKILL');
  rmSync(state, { recursive: true, force: true });
});

function start(...args: readonly string[]) {
  const child = spawn(process.execPath, [join(root, 'demo/main.ts'), ...args], { cwd: root, env: { ...process.env, XDG_STATE_HOME: state }, stdio: 'pipe' });
  demo = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  return { child, output: () => output, ended: once(child, 'exit') as Promise<[code: number | null, signal: string | null]> };
}

const says = (output: () => string, what: string) =>
  eventually(
    what,
    async () => (output().includes(what) ? true : undefined),
    180,
    async () => output(),
  );

/** Processes with the directory of this run in their command line or, for operator and worker, the kubeconfig in it. */
function leftovers(): readonly string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(state) ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    });
}

async function nothingIsLeft(): Promise<void> {
  await eventually(
    'nothing of the demo runs',
    async () => (leftovers().length === 0 ? true : undefined),
    30,
    async () => leftovers(),
  );
  const stacks = join(state, 'grue', 'stacks');
  await eventually('nothing of the demo lies around', async () => (!existsSync(stacks) || readdirSync(stacks).length === 0 ? true : undefined), 10);
}

test('Ctrl-C in the middle of a run ends everything, and is no success', { timeout: 300_000 }, async () => {
  const { child, output, ended } = start('--rows', '2000');
  await says(output, 'applied the first topology');
  expect(leftovers().length).toBeGreaterThan(5);
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  expect(output()).toContain('stopping everything');
  await nothingIsLeft();
});

test('Ctrl-C while the servers come up ends them', { timeout: 300_000 }, async () => {
  const { child, output, ended } = start('--rows', '2000');
  await says(output, 'ready after');
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  await nothingIsLeft();
});

test('killed without a chance to clean up, it takes operator, worker and servers with it', { timeout: 300_000 }, async () => {
  const { child, output, ended } = start('--rows', '2000');
  await says(output, 'operator and worker run');
  child.kill('SIGKILL');
  await ended;
  await nothingIsLeft();
});

test.each([['--rows', '10'], ['--rows', 'many'], ['--nonsense']])('bad options (%s %s) are refused with the usage', async (...args) => {
  const { output, ended } = start(...args);
  expect(await ended).toEqual([2, null]);
  expect(output()).toContain('npm run demo -- [options]');
});
