import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { StackError } from './errors.ts';

/** One line for people who wait. */
export type Progress = (line: string) => void;

interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Receives what the command prints; its end is quoted when the command fails. */
  readonly log: string;
}

/** The path of a program, found as a shell would find it. */
export function which(program: string, env = process.env): string | undefined {
  for (const directory of (env['PATH'] ?? '').split(delimiter)) {
    if (directory !== '' && isExecutable(join(directory, program))) return join(directory, program);
  }
  return undefined;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Puts a command under the kernel's own watch where there is one: should the keeper be killed with SIGKILL, what it
 * started ends with it. Elsewhere the pid files of the dead keeper are read at the next start.
 */
export function diesWithParent(command: readonly string[]): readonly string[] {
  const setpriv = process.platform === 'linux' ? which('setpriv') : undefined;
  return setpriv === undefined ? command : [setpriv, '--pdeathsig', 'KILL', '--', ...command];
}

/** Spawns a command in a process group of its own, so that it can be ended together with its children. */
export function spawnGroup(command: readonly string[], cwd: string, env: Readonly<Record<string, string>>, log: string): ChildProcess {
  const [program = '', ...args] = diesWithParent(command);
  const fd = openSync(log, 'a');
  try {
    return spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', fd, fd], detached: true });
  } finally {
    closeSync(fd);
  }
}

/** Runs a command to its end. An abort ends its whole group. @throws StackError STACK-BUILD with the end of what it printed */
export async function run(command: readonly string[], options: RunOptions): Promise<void> {
  options.signal.throwIfAborted();
  const child = spawnGroup(command, options.cwd, options.env ?? {}, options.log);
  const end = () => child.pid !== undefined && signalGroup(child.pid, 'SIGKILL');
  options.signal.addEventListener('abort', end);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('error', () => resolve([null, null]));
    child.once('exit', (...how) => resolve(how));
  }).finally(() => options.signal.removeEventListener('abort', end));
  options.signal.throwIfAborted();
  if (code !== 0) {
    throw new StackError('STACK-BUILD', `\`${command.join(' ')}\` ended with ${signal ?? code ?? 'nothing'}\n${await tail(options.log, 20)}`);
  }
}

/** The last lines of a log file, indented, for messages. */
export async function tail(log: string, lines: number): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '(no log)');
  return text
    .trimEnd()
    .split('\n')
    .slice(-lines)
    .map((line) => `    ${line.slice(0, 500)}`)
    .join('\n');
}

/** Signals the whole group; a group that is gone is what the caller wanted. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
