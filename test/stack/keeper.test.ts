import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processStart } from '../../scripts/lock.js';
import { which } from './commands.ts';
import { askKeeper } from './control.ts';
import { clearLeftovers } from './leftovers.ts';
import { startKeeper } from './owner.ts';
import type { KeeperOptions, StackState } from './protocol.ts';

const FAKE_KEEPER = join(import.meta.dirname, 'fixtures/fake-keeper.ts');
const FAKE_OWNER = join(import.meta.dirname, 'fixtures/fake-owner.ts');

let home: string;
let owners: ChildProcess[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'grue-keeper-test-'));
  owners = [];
});

afterEach(async () => {
  for (const owner of owners) owner.kill('SIGKILL');
  for (const pid of everythingIn(home)) process.kill(pid, 'SIGKILL');
  await sleep(50);
  rmSync(home, { recursive: true, force: true });
});

const optionsFor = (name: string): KeeperOptions => ({ name, directory: join(home, name), only: [], listen: '127.0.0.1' });

/** Starts a process that owns a stack of two fake servers and returns when they are ready. */
async function ownerOf(name: string, until = 'ready'): Promise<ChildProcess> {
  const owner = spawn(process.execPath, [FAKE_OWNER, JSON.stringify(optionsFor(name))], { stdio: ['ignore', 'pipe', 'inherit'] });
  owners.push(owner);
  if (until === 'ready') await new Promise((resolve) => owner.stdout?.once('data', resolve));
  else await eventually(() => existsSync(join(home, name, 'pids', until)));
  return owner;
}

const stateOf = (name: string) => JSON.parse(readFileSync(join(home, name, 'stack.json'), 'utf8')) as StackState;
const pidOf = (name: string, server: string) => Number(readFileSync(join(home, name, 'pids', server), 'utf8').split(' ')[0]);

/** All processes whose working directory or arguments name the directory, as the system sees them. */
function everythingIn(directory: string): number[] {
  const lines = execFileSync('ps', ['ax', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  const named = lines.filter((line) => line.includes(directory)).map((line) => Number(line.trim().split(' ')[0]));
  const servers = existsSync(directory) ? readdirSync(directory).flatMap((name) => serversOf(join(directory, name))) : [];
  return [...new Set([...named, ...servers])].filter((pid) => processStart(pid) !== undefined);
}

function serversOf(directory: string): number[] {
  const pids = join(directory, 'pids');
  return existsSync(pids) ? readdirSync(pids).map((server) => Number(readFileSync(join(pids, server), 'utf8').split(' ')[0])) : [];
}

async function eventually(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`it never came: ${holds.toString()}`);
    await sleep(20);
  }
}

const gone = (pids: readonly number[]) => () => pids.every((pid) => processStart(pid) === undefined);

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGABRT'] as const) {
  test(`an owner that ends by ${signal} leaves no process and no directory behind`, async () => {
    const owner = await ownerOf('stack');
    const pids = [stateOf('stack').keeper.pid, pidOf('stack', 'one'), pidOf('stack', 'two')];
    expect(gone(pids)()).toBe(false);
    owner.kill(signal);
    await eventually(gone(pids));
    expect(readdirSync(home)).toEqual([]);
  });
}

test('an owner that is killed while a server is still coming up leaves nothing behind either', async () => {
  const owner = await ownerOf('slow', 'two');
  const pids = [pidOf('slow', 'one'), pidOf('slow', 'two')];
  owner.kill('SIGKILL');
  await eventually(gone(pids));
  await eventually(() => readdirSync(home).length === 0);
});

test('a lasting stack stays when its owner is killed, and ends when its keeper is told to', async () => {
  const owner = await ownerOf('lasting');
  const keeper = stateOf('lasting').keeper.pid;
  const pids = [keeper, pidOf('lasting', 'one'), pidOf('lasting', 'two')];
  owner.kill('SIGKILL');
  await sleep(300);
  expect(pids.map((pid) => processStart(pid) !== undefined)).toEqual([true, true, true]);
  process.kill(keeper, 'SIGTERM');
  await eventually(gone(pids));
  expect(readdirSync(home)).toEqual([]);
});

test('when a server ends while the stack comes up, the others are ended and the error shows the end of its log', async () => {
  const start = startKeeper(FAKE_KEEPER, optionsFor('failing'), () => {});
  await expect(start).rejects.toThrow(/STACK-SERVER: two ended: exit code 7.*no room left/s);
  await eventually(() => everythingIn(home).length === 0);
  expect(readdirSync(home)).toEqual([]);
});

test('a name that is up already is refused, and the stack that has it is not touched', async () => {
  await ownerOf('stack');
  await expect(startKeeper(FAKE_KEEPER, optionsFor('stack'), () => {})).rejects.toThrow(/STACK-STATE: the stack "stack" is up/);
  expect(processStart(pidOf('stack', 'one'))).toBeDefined();
});

test('what a killed keeper left running is ended by the next start of that name', async () => {
  await ownerOf('lasting');
  const left = [pidOf('lasting', 'one'), pidOf('lasting', 'two')];
  const keeper = stateOf('lasting').keeper.pid;
  process.kill(keeper, 'SIGKILL');
  await eventually(gone([keeper]));
  await ownerOf('lasting');
  expect(gone(left)()).toBe(true);
});

test.runIf(process.platform === 'linux' && which('setpriv') !== undefined)('on Linux the kernel ends the servers of a keeper that is killed', async () => {
  await ownerOf('lasting');
  const left = [pidOf('lasting', 'one'), pidOf('lasting', 'two')];
  // A real server answers long after setpriv has asked the kernel for this and has become the server; these here are ready at once.
  await eventually(() => left.every((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'setpriv'));
  process.kill(stateOf('lasting').keeper.pid, 'SIGKILL');
  await eventually(gone(left));
});

test('a pid that meanwhile belongs to another process is never ended', async () => {
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
  owners.push(bystander);
  const pids = join(home, 'old', 'pids');
  mkdirSync(pids, { recursive: true });
  writeFileSync(join(pids, 'one'), `${bystander.pid} an-earlier-start\n`);
  await clearLeftovers(join(home, 'old'));
  expect(processStart(bystander.pid ?? 0)).toBeDefined();
  expect(existsSync(join(home, 'old'))).toBe(false);
});

test('a single server can be killed, started again, paused and resumed', async () => {
  await ownerOf('stack');
  const { controlSocket } = stateOf('stack');
  const first = pidOf('stack', 'one');
  await askKeeper(controlSocket, { verb: 'kill', server: 'one', signal: 'SIGKILL' });
  expect(gone([first])()).toBe(true);
  await askKeeper(controlSocket, { verb: 'start', server: 'one' });
  const second = pidOf('stack', 'one');
  const state = () => execFileSync('ps', ['-o', 'stat=', '-p', `${second}`], { encoding: 'utf8' })[0];
  await askKeeper(controlSocket, { verb: 'pause', server: 'one' });
  expect(state()).toBe('T');
  await askKeeper(controlSocket, { verb: 'resume', server: 'one' });
  await eventually(() => state() === 'S');
  await askKeeper(controlSocket, { verb: 'restart', server: 'one' });
  expect(pidOf('stack', 'one')).not.toBe(second);
});

test('asking for a server that the stack does not have names those that it has', async () => {
  await ownerOf('stack');
  const asked = askKeeper(stateOf('stack').controlSocket, { verb: 'restart', server: 'kafak' });
  await expect(asked).rejects.toThrow('there is no server "kafak" in this stack; it has one, two');
});
