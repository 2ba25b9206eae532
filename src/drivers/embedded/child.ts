import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A process that answers one line for each line it is given. */
export interface LineProcess {
  /** Asks and waits. @throws ProcessEnded when the process ends first, ProcessSlow (after killing it) when the answer takes too long */
  ask(line: string, withinMilliseconds: number): Promise<string>;
  stop(): void;
}

export class ProcessEnded extends Error {}
export class ProcessSlow extends Error {}

/** Starts a Node program. It sees neither the environment nor the arguments of this process, which may hold credentials. */
export function startLines(execPath: string, path: string): LineProcess {
  const child = spawn(execPath, ['--max-old-space-size=256', '--disable-warning=ExperimentalWarning', path], { env: {}, stdio: ['pipe', 'pipe', 'ignore'] });
  // It must not keep the operator alive, and it ends by itself when its input closes.
  unref(child);
  child.stdin.on('error', () => {});
  let waiting: { resolve(line: string): void; reject(error: Error): void } | undefined;
  let ended: string | undefined;
  const end = (reason: string): void => {
    ended ??= reason;
    waiting?.reject(new ProcessEnded(reason));
  };
  createInterface({ input: child.stdout }).on('line', (line) => waiting?.resolve(line));
  child.on('error', (error) => end(error.message));
  child.on('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));

  return {
    async ask(line, withinMilliseconds) {
      if (ended !== undefined) throw new ProcessEnded(ended);
      let timer: NodeJS.Timeout | undefined;
      try {
        return await new Promise<string>((resolve, reject) => {
          waiting = { resolve, reject };
          timer = setTimeout(() => {
            child.kill('SIGKILL');
            reject(new ProcessSlow(`no answer within ${withinMilliseconds} ms`));
          }, withinMilliseconds);
          child.stdin.write(`${line}\n`);
        });
      } finally {
        clearTimeout(timer);
        waiting = undefined;
      }
    },
    stop: () => void child.kill('SIGKILL'),
  };
}

function unref(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout]) if (stream !== null && 'unref' in stream && typeof stream.unref === 'function') stream.unref();
}
