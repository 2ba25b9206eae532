import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Progress, tail } from './commands.ts';
import { StackError } from './errors.ts';
import { keeperLog } from './leftovers.ts';
import type { KeeperMessage, OwnerMessage } from './protocol.ts';

/**
 * Starts a keeper and waits until all that it keeps is ready. The channel between the two stays open: when this process
 * is gone, the keeper ends the stack.
 *
 * @param main the keeper's own module
 * @param options its one argument
 * @throws StackError with what the keeper says; nothing is left running then
 */
export async function startKeeper<Options extends { readonly directory: string }>(main: string, options: Options, progress: Progress): Promise<ChildProcess> {
  mkdirSync(dirname(options.directory), { recursive: true });
  const log = keeperLog(options.directory);
  const fd = openSync(log, 'w', 0o600);
  const keeper = spawn(process.execPath, [main, JSON.stringify(options)], { detached: true, stdio: ['ignore', fd, fd, 'ipc'] });
  closeSync(fd);
  await untilReady(keeper, log, progress).finally(() => rmSync(log, { force: true }));
  // a script that forgets to stop its stack ends all the same, and the stack with it
  keeper.unref();
  keeper.channel?.unref();
  return keeper;
}

/** Lets the stack stay when this process ends. */
export function letOutlive(keeper: ChildProcess): void {
  keeper.send({ type: 'outlive' } satisfies OwnerMessage);
  keeper.disconnect();
}

function untilReady(keeper: ChildProcess, log: string, progress: Progress): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let failure: StackError | undefined;
  keeper.on('message', (message: KeeperMessage) => {
    if (message.type === 'progress') progress(message.line);
    else if (message.type === 'ready') resolve();
    else failure = StackError.joined(message.code, [message.message]);
  });
  keeper.once('error', reject);
  keeper.once('exit', async () => {
    reject(failure ?? new StackError('STACK-SERVER', `the keeper of the stack ended by itself\n${await tail(log, 20)}`));
  });
  return promise;
}
