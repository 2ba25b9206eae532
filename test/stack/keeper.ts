import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart, tryLock, unlock } from '../../scripts/lock.js';
import type { Progress } from './commands.ts';
import { type ControlServer, serveControl } from './control.ts';
import { StackError } from './errors.ts';
import { type Clear, clearLeftovers, forget, keeperLog, sweepTemporary } from './leftovers.ts';
import type { ControlRequest, KeeperMessage, KeptState, OwnerMessage } from './protocol.ts';
import { end, launch, type RunningServer, type ServerSpec, untilReady } from './server.ts';

/** What bringing up a part may ask of the keeper. */
export interface Keeper {
  readonly directory: string;
  readonly progress: Progress;
  /** Aborted when the stack is to end, also in the middle of a build. */
  readonly signal: AbortSignal;
  /** Runs a server and returns when it is ready. */
  readonly start: (spec: ServerSpec) => Promise<void>;
}

/**
 * Runs a stack as the parent of all its servers, in a process and session of its own. It ends everything, forgets the
 * directory and exits when it is told to (SIGTERM), when something cannot be started, and when the process that
 * started it is gone, however that ended: the channel between the two closes then. After `outlive` it stays until told.
 *
 * @param bringUp starts the servers, and tells what others have to know of them
 * @param clear forgets the directory, and what the servers have made elsewhere
 */
export async function keep<Facts extends object>(
  name: string,
  directory: string,
  bringUp: (keeper: Keeper) => Promise<Facts>,
  clear: Clear = forget,
): Promise<void> {
  const abort = new AbortController();
  const servers = new Map<string, RunningServer>();
  let control: ControlServer | undefined;
  let ending: Promise<never> | undefined;

  const stop = (exitCode: number): Promise<never> => {
    ending ??= (async () => {
      abort.abort(new StackError('STACK-STATE', 'the stack is being stopped'));
      control?.close();
      // by force: nothing of what they hold is kept, and a paused server hears nothing else
      await Promise.all([...servers.values()].map((server) => end(server, directory, 'SIGKILL')));
      await clear(directory);
      await forget(keeperLog(directory));
      unlock(`${directory}.lock`);
      process.exit(exitCode);
    })();
    return ending;
  };
  liveAsLongAsOwner(() => void stop(0));

  const rival = tryLock(`${directory}.lock`);
  if (rival !== undefined) {
    const fix = 'use it, end it with `npm run stack -- down`, or choose another --name';
    await tell(failed(new StackError('STACK-STATE', `the stack "${name}" is up or coming up already (process ${rival})`, fix)));
    process.exit(1);
  }
  process.on('uncaughtException', (error) => {
    console.error(error);
    void tell(failed(error)).then(() => stop(1));
  });

  const start = async (spec: ServerSpec): Promise<void> => {
    abort.signal.throwIfAborted();
    const before = servers.get(spec.name);
    if (before !== undefined) await end(before, directory, 'SIGKILL');
    const server = await launch(spec, directory);
    servers.set(spec.name, server);
    // stop() may have gone through the servers while this one was being launched
    if (abort.signal.aborted) await end(server, directory, 'SIGKILL');
    await untilReady(server, directory, abort.signal);
  };
  try {
    await clearLeftovers(directory, clear);
    await sweepTemporary(dirname(directory), clear);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const facts = await bringUp({ directory, progress: (line) => void tell({ type: 'progress', line }), signal: abort.signal, start });
    control = await serveControl(directory, (request) => obey(request, servers, directory, start));
    const keeper = { pid: process.pid, start: processStart(process.pid) ?? '' };
    const state: KeptState & Facts = { name, directory, keeper, controlSocket: control.path, ...facts };
    await writeFile(join(directory, 'stack.json'), JSON.stringify(state, null, 2), { mode: 0o600 });
    await tell({ type: 'ready' });
  } catch (error) {
    if (!abort.signal.aborted) await tell(failed(error));
    await stop(1);
  }
}

/** Returns when the message is on its way: an exit right after it would otherwise lose it. */
function tell(message: KeeperMessage): Promise<void> {
  return new Promise((resolve) => (process.connected ? process.send?.(message, () => resolve()) : resolve()));
}

function failed(error: unknown): KeeperMessage {
  const { code, message } = error instanceof StackError ? error : { code: 'STACK-SERVER' as const, message: String((error as Error).stack) };
  return { type: 'failed', code, message };
}

function liveAsLongAsOwner(stop: () => void): void {
  let outlive = false;
  process.on('message', (message: OwnerMessage) => {
    outlive = message.type === 'outlive';
  });
  process.on('disconnect', () => outlive || stop());
  if (!process.connected) stop(); // the owner was gone before we listened
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
}

/** Does to one server what a fault test wants. */
async function obey(request: ControlRequest, servers: ReadonlyMap<string, RunningServer>, directory: string, start: Keeper['start']): Promise<void> {
  const server = servers.get(request.server);
  if (server === undefined) {
    throw new StackError('STACK-STATE', `there is no server "${request.server}" in this stack; it has ${[...servers.keys()].join(', ')}`);
  }
  const { verb } = request;
  if (verb === 'pause') await pause(server);
  if (verb === 'resume') signalServer(server, 'SIGCONT');
  if (verb === 'kill') await end(server, directory, request.signal);
  if (verb === 'stop' || verb === 'restart') {
    signalServer(server, 'SIGCONT');
    await end(server, directory, 'SIGTERM');
  }
  if (verb === 'start' && !server.hasEnded()) return;
  if (verb === 'start' || verb === 'restart') await start(server.spec);
}

/**
 * Returns when every thread of the server stands still. The signal alone does not promise that: a thread that runs on
 * another processor at that moment, or is woken first, goes on for a little while and may answer one more question.
 */
async function pause(server: RunningServer): Promise<void> {
  signalServer(server, 'SIGSTOP');
  while (!server.hasEnded() && !standsStill(server.pid)) await sleep(10);
}

function standsStill(pid: number): boolean {
  const threads = process.platform === 'linux' ? ['-L'] : [];
  const { stdout } = spawnSync('ps', [...threads, '-o', 'stat=', '-p', `${pid}`], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .every((state) => state.trim().startsWith('T'));
}

function signalServer(server: RunningServer, signal: NodeJS.Signals): void {
  if (!server.hasEnded()) process.kill(-server.pid, signal);
}
