import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../scripts/processes.ts';

const PLAN = 'BENCH_PLAN';

/** Whether processes can be pinned to a core here. */
export const canPin = spawnSync('taskset', ['-V']).status === 0;

/** Starts a program of this folder under a plan; it ends with this process. @param core where to pin it */
export function startProgram(file: string, plan: unknown, core?: number): ChildProcess {
  const preload = pathToFileURL(join(root, 'scripts/end-with-parent.js')).href;
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--import', preload, join(import.meta.dirname, file)];
  const [program = '', ...args] = core !== undefined && canPin ? ['taskset', '-c', String(core), ...node] : node;
  return spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { ...process.env, [PLAN]: JSON.stringify(plan) } });
}

/** Runs a program to its end. @returns the last thing that it told. @throws Error when it ends otherwise than well */
export async function runProgram<Result>(file: string, plan: unknown, core?: number): Promise<Result> {
  const child = startProgram(file, plan, core);
  let told: Result | undefined;
  child.on('message', (message) => {
    told = message as Result;
  });
  const [code, by] = await once(child, 'exit');
  if (code !== 0 || told === undefined)
    throw new Error(`${file} ended with ${by ?? `exit code ${code}`} and told ${told === undefined ? 'nothing' : 'something'}`);
  return told;
}

/** In the program: its plan. */
export const planOf = <Plan>(): Plan => JSON.parse(process.env[PLAN] ?? 'null') as Plan;

/** In the program: tells its parent. Resolves when it is on its way. */
export const tell = (message: object): Promise<void> =>
  new Promise((resolve, reject) => process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error))));
