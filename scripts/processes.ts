import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';

/** The root of the repository, where every task runs. */
export const root: string = dirname(import.meta.dirname);

/** The command line of an npm package's program, under this Node. */
export function tool(script: string, ...args: readonly string[]): readonly string[] {
  return [process.execPath, join(root, 'node_modules', script), ...args];
}

export interface Finished {
  readonly exitCode: number;
  readonly output: string;
  readonly seconds: number;
}

const running = new Set<ChildProcess>();

/** Runs a command in the root; its output is shown as it comes, or collected when `quiet`. */
export async function runTool(
  command: readonly string[],
  { quiet = false, env = {} }: { readonly quiet?: boolean; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Finished> {
  const began = Date.now();
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exitCode = await new Promise<number>((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      resolve(127);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
  running.delete(child);
  return { exitCode, output, seconds: (Date.now() - began) / 1000 };
}

/** Ends what `runTool` has running, with this process, when it is told to end. */
export function endTogether(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      for (const child of running) child.kill(signal);
      process.exit(130);
    });
  }
}
