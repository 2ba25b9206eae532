// The first thing that every npm script runs: `node scripts/run.js <task> [arguments]`.
// Plain JavaScript without dependencies, because it runs on whatever Node (20 or newer) is there, before `npm ci`. It
// installs the dependencies when they are not those of package-lock.json, finds Node 24, and runs the task under it.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.js';

/** What each npm script runs. What a task needs beyond Node (a JDK, Maven, Go) is checked where it is used. */
const TASKS = {
  bench: 'bench/main.ts',
  build: 'scripts/build.ts',
  check: 'scripts/check.ts',
  cluster: 'test/cluster/cli.ts',
  demo: 'demo/main.ts',
  e2e: 'test/e2e/main.ts',
  gen: 'scripts/gen.ts',
  grue: 'src/main.ts',
  stack: 'test/stack/cli.ts',
  test: 'scripts/test.ts',
  'test:chaos': 'test/chaos/main.ts',
  'test:crash': 'test/crash/main.ts',
};

const OLDEST_BOOTSTRAP = [20, 0];
const OLDEST_RUNTIME = [24, 6];
const root = dirname(dirname(fileURLToPath(import.meta.url)));

const [task, ...args] = process.argv.slice(2);
const entry = TASKS[task];
if (entry === undefined) fail(`"${task ?? ''}" is no task; tasks are ${Object.keys(TASKS).join(', ')}`);
if (!isAtLeast(OLDEST_BOOTSTRAP)) fail(`Node ${process.versions.node} is too old: install Node 20 or newer from https://nodejs.org`);
await install();
if (!existsSync(join(root, entry))) fail(`the task ${task} is not there yet (${entry})`);
runTask(findNode(), [join(root, entry), ...args]);

/** Runs `npm ci` unless node_modules holds what package-lock.json names. Two that start at once install once. */
async function install() {
  if (isInstalled()) return;
  const lock = join(tmpdir(), `grue-install-${createHash('sha256').update(root).digest('hex').slice(0, 16)}.lock`);
  await withLock(
    lock,
    async () => {
      if (isInstalled()) return;
      say('installing the dependencies of package-lock.json (npm ci)');
      const began = Date.now();
      const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
      const command = [...npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
      // what it prints goes to stderr: the stdout of a task may be read by a program
      const { status, error } = spawnSync(command[0], command.slice(1), { cwd: root, stdio: ['ignore', 2, 2] });
      if (status !== 0) fail(`npm ci failed${error ? `: ${error.message}` : ''}`);
      say(`installed after ${((Date.now() - began) / 1000).toFixed(0)} s`);
    },
    { onWait: (pid) => say(`process ${pid} is installing the dependencies, waiting for it`) },
  );
}

/** Compares the lock file with npm's own record of what it has put into node_modules, and looks that it is still there. */
function isInstalled() {
  const wanted = packagesOf('package-lock.json');
  const present = packagesOf('node_modules/.package-lock.json');
  if (wanted === undefined) fail('package-lock.json is missing');
  if (present === undefined) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    if (present[path] === undefined) return optional === true; // of another platform
    return present[path].version === version && existsSync(join(root, path, 'package.json'));
  });
}

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(join(root, lockFile), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** The pinned Node 24 from npm where there is one for this platform, else the running one if it is new enough. */
function findNode() {
  const pinned = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(pinned)) return pinned;
  if (isAtLeast(OLDEST_RUNTIME)) return process.execPath;
  return fail(
    `npm has no Node ${OLDEST_RUNTIME[0]} for ${process.platform}-${process.arch}, and the running one is ${process.versions.node}: ` +
      `install Node ${OLDEST_RUNTIME.join('.')} or newer from https://nodejs.org`,
  );
}

function isAtLeast([major, minor]) {
  const [hereMajor, hereMinor] = process.versions.node.split('.').map(Number);
  return hereMajor > major || (hereMajor === major && hereMinor >= minor);
}

/** Runs the task in our place: it gets our signals, we take its exit code, and it ends when we do. */
function runTask(node, command) {
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
  const preload = new URL('./end-with-parent.js', import.meta.url).href;
  const child = spawn(node, ['--import', preload, ...command], { cwd: root, env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  // Ctrl-C at a terminal reaches the whole foreground group, the task included; a second SIGINT would mean "at once"
  const forwarded = process.stdin.isTTY ? ['SIGTERM', 'SIGHUP'] : ['SIGTERM', 'SIGHUP', 'SIGINT'];
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  if (process.stdin.isTTY) process.on('SIGINT', () => {});
  if (process.env.npm_lifecycle_event !== undefined) endWithNpm(child);
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code, signal) => {
    for (const name of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.removeAllListeners(name);
    if (signal === null) process.exit(code ?? 1);
    process.kill(process.pid, signal);
  });
}

/** npm that is killed passes nothing on; that our parent has become another process is how we know. */
function endWithNpm(child) {
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || child.kill('SIGTERM'), 500).unref();
}

function say(line) {
  process.stderr.write(`grue: ${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}
