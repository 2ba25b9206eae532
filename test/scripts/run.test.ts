import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processStart } from '../../scripts/lock.js';

// A repository of nothing but the bootstrap, one task, and an npm that notes its calls and "installs" by one file.
let root: string;
let env: NodeJS.ProcessEnv;

const FAKE_NPM = `#!/bin/sh
echo "$@" >> npm-calls
sleep 0.2
mkdir -p node_modules/left-pad
echo '{}' > node_modules/left-pad/package.json
cp installed-lock.json node_modules/.package-lock.json
`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'grue-run-test-'));
  write('package.json', '{"type": "module"}');
  lockFile('1.0.0');
  write('bin/npm', FAKE_NPM);
  chmodSync(join(root, 'bin/npm'), 0o755);
  for (const name of ['run.js', 'lock.js', 'end-with-parent.js']) {
    mkdirSync(join(root, 'scripts'), { recursive: true });
    copyFileSync(join(import.meta.dirname, '../../scripts', name), join(root, 'scripts', name));
  }
  env = { ...process.env, PATH: `${join(root, 'bin')}:${process.env['PATH']}` };
  for (const name of Object.keys(env)) if (name.startsWith('npm_')) delete env[name];
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function lockFile(version: string): void {
  const installed = { 'node_modules/left-pad': { version } };
  const packages = { '': {}, ...installed, 'node_modules/for-another-platform': { version: '1.0.0', optional: true } };
  write('package-lock.json', JSON.stringify({ packages }));
  write('installed-lock.json', JSON.stringify({ packages: installed })); // npm notes only what it has put there
}

const task = (code: string) => write('scripts/gen.ts', code);
const run = (...args: readonly string[]) => promisify(execFile)(process.execPath, [join(root, 'scripts/run.js'), ...args], { env });
const npmCalls = () => (existsSync(join(root, 'npm-calls')) ? readFileSync(join(root, 'npm-calls'), 'utf8').trim().split('\n') : []);

test('a task gets its arguments, under a Node that runs TypeScript, with nothing of the bootstrap on its stdout', async () => {
  task('const said: string = process.argv.slice(2).join("+"); console.log(said, process.cwd());');
  const { stdout, stderr } = await run('gen', 'a', '--b');
  expect(stdout).toBe(`a+--b ${root}\n`);
  expect(stderr).toMatch(/installing the dependencies/);
});

test('dependencies are installed once, without their scripts, and again only when the lock file names others', async () => {
  task('');
  await run('gen');
  await run('gen');
  expect(npmCalls()).toEqual(['ci --ignore-scripts --no-audit --no-fund --loglevel=error']);
  lockFile('1.0.1');
  await run('gen');
  expect(npmCalls()).toHaveLength(2);
});

test('two that start at once install once', async () => {
  task('');
  await Promise.all([run('gen'), run('gen'), run('gen')]);
  expect(npmCalls()).toHaveLength(1);
});

test('a package whose directory somebody has removed is installed again', async () => {
  task('');
  await run('gen');
  rmSync(join(root, 'node_modules/left-pad'), { recursive: true });
  await run('gen');
  expect(npmCalls()).toHaveLength(2);
});

test('the exit code of the task is that of the script', async () => {
  task('process.exitCode = 42;');
  await expect(run('gen')).rejects.toMatchObject({ code: 42 });
});

test('an unknown task names those that there are, and one that is not there yet says so', async () => {
  await expect(run('fly')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('"fly" is no task; tasks are bench, build,') });
  await expect(run('demo')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('the task demo is not there yet') });
});

async function started(): Promise<{ readonly script: ChildProcess; readonly pid: number }> {
  const script = spawn(process.execPath, [join(root, 'scripts/run.js'), 'gen'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const pid = await new Promise<number>((resolve) => script.stdout.once('data', (line: Buffer) => resolve(Number(line))));
  return { script, pid };
}

test('a signal reaches the task, which may end in its own way', async () => {
  task('process.on("SIGTERM", () => process.exit(5)); setInterval(() => {}, 1000); console.log(process.pid);');
  const { script } = await started();
  script.kill('SIGTERM');
  expect(await new Promise((resolve) => script.once('exit', resolve))).toBe(5);
});

test('a task ends with the script that started it, also when that is killed', async () => {
  task('setInterval(() => {}, 1000); console.log(process.pid);');
  const { script, pid } = await started();
  script.kill('SIGKILL');
  await expect.poll(() => processStart(pid), { timeout: 5000 }).toBeUndefined();
});
