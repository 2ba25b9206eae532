import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart } from '../../scripts/lock.js';
import { signalGroup, spawnGroup, tail, which } from './commands.ts';
import { StackError } from './errors.ts';

/** How one server is run. */
export interface ServerSpec {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** One probe, answered within a second or two; false and an exception both mean not yet. */
  readonly ready: (signal: AbortSignal) => Promise<boolean>;
  /** Processors that it may use; all without. */
  readonly processors?: readonly number[] | undefined;
}

export interface RunningServer {
  readonly spec: ServerSpec;
  readonly pid: number;
  /** Settles when the process has ended, with how. */
  readonly ended: Promise<string>;
  readonly hasEnded: () => boolean;
}

const PROBE_EVERY_MS = 50;
const PROBE_WITHIN_MS = 2_000;
const READY_WITHIN_MS = 120_000;
const END_WITHIN_MS = 20_000;

export const logFile = (directory: string, name: string): string => join(directory, 'logs', `${name}.log`);
const pidFile = (directory: string, name: string): string => join(directory, 'pids', name);

/** Spawns the server in a group of its own and notes its identity in the stack's directory. */
export async function launch(spec: ServerSpec, directory: string): Promise<RunningServer> {
  await Promise.all(['logs', 'pids'].map((name) => mkdir(join(directory, name), { recursive: true })));
  const child = spawnGroup(pinned(spec), spec.cwd, spec.env ?? {}, logFile(directory, spec.name));
  let over = false;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  }).finally(() => {
    over = true;
  });
  if (child.pid === undefined) throw new StackError('STACK-SERVER', `${spec.name} cannot be started: ${await ended}`);
  await writeFile(pidFile(directory, spec.name), `${child.pid} ${processStart(child.pid)}\n`);
  return { spec, pid: child.pid, ended, hasEnded: () => over };
}

function pinned({ command, processors }: ServerSpec): readonly string[] {
  if (processors === undefined) return command;
  const taskset = which('taskset');
  if (taskset === undefined)
    throw new StackError(
      'STACK-SERVER',
      'servers are pinned to processors with taskset, which is not here',
      'it is in util-linux; elsewhere run without pinning',
    );
  return [taskset, '-c', processors.join(','), ...command];
}

/** Waits until the server answers. @throws StackError STACK-SERVER with the end of its log if it ends or is too slow */
export async function untilReady(server: RunningServer, directory: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await probe(server, signal))) {
    signal.throwIfAborted();
    const late = Date.now() > deadline;
    if (!late && !server.hasEnded()) {
      await sleep(PROBE_EVERY_MS, undefined, { signal });
      continue;
    }
    throw await failure(server, directory, late);
  }
}

async function failure(server: RunningServer, directory: string, late: boolean): Promise<StackError> {
  const log = logFile(directory, server.spec.name);
  const what = late ? `is not ready after ${READY_WITHIN_MS / 1000} s` : `ended: ${await server.ended}`;
  const portTaken = !late && /address already in use/i.test(await readFile(log, 'utf8').catch(() => ''));
  return new StackError(portTaken ? 'STACK-PORT' : 'STACK-SERVER', `${server.spec.name} ${what}\n  the end of its log:\n${await tail(log, 15)}`);
}

async function probe({ spec, hasEnded }: RunningServer, signal: AbortSignal): Promise<boolean> {
  // another process may listen on the port of a server that has ended: only a living one is asked
  if (hasEnded()) return false;
  return spec.ready(AbortSignal.any([signal, AbortSignal.timeout(PROBE_WITHIN_MS)])).catch(() => false);
}

/** Ends a server and its group, by force if it takes too long, and returns when it is gone. */
export async function end(server: RunningServer, directory: string, signal: NodeJS.Signals): Promise<void> {
  if (!server.hasEnded()) {
    signalGroup(server.pid, signal);
    const force = setTimeout(() => server.hasEnded() || signalGroup(server.pid, 'SIGKILL'), END_WITHIN_MS);
    await server.ended;
    clearTimeout(force);
  }
  await rm(pidFile(directory, server.spec.name), { force: true });
}
