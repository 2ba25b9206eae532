import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart, tryLock, unlock } from '../../scripts/lock.js';
import { signalGroup } from './commands.ts';
import type { ProcessIdentity } from './protocol.ts';

/** What a keeper itself prints, which is nothing unless something is wrong with it. */
export const keeperLog = (directory: string): string => `${directory}.keeper.log`;

/** Forgets a directory of servers that have ended, and what they have made elsewhere; also when it is done in part already. */
export type Clear = (directory: string) => Promise<void>;

/** How the names of stacks begin that live no longer than the process that started them. */
export const TEMPORARY = 'temporary-';

/**
 * Ends what a keeper that was killed has left running, and forgets its directory. A pid is ended only if it still is
 * the process that was noted: pids are recycled, and after a restart of the machine all of them name something else.
 */
export async function clearLeftovers(directory: string, clear: Clear = forget): Promise<void> {
  const left = noted(directory).filter(({ pid, start }) => processStart(pid) === start);
  for (const { pid } of left) signalGroup(pid, 'SIGKILL');
  while (left.some(({ pid, start }) => processStart(pid) === start)) await sleep(20);
  await clear(directory);
}

/** Stacks without a lasting name whose keeper was killed would stay on disk for ever: nobody starts that name again. */
export async function sweepTemporary(stacks: string, clear: Clear = forget): Promise<void> {
  const names = readdirSync(stacks).filter((name) => name.startsWith(TEMPORARY) && !name.includes('.'));
  for (const name of names) {
    const lock = `${join(stacks, name)}.lock`;
    if (tryLock(lock) !== undefined) continue;
    await clearLeftovers(join(stacks, name), clear);
    unlock(lock);
  }
}

export async function forget(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** The servers that were started in this directory, as their pid files tell. */
export function noted(directory: string): readonly (ProcessIdentity & { readonly name: string })[] {
  const pids = join(directory, 'pids');
  if (!existsSync(pids)) return [];
  return readdirSync(pids).map((name) => {
    const [pid = '', start = ''] = readFileSync(join(pids, name), 'utf8').trim().split(' ');
    return { name, pid: Number(pid), start };
  });
}
