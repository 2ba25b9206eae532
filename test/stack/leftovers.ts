import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart } from '../../scripts/lock.js';
import { signalGroup } from './commands.ts';

/**
 * Ends what a keeper that was killed has left running, and forgets its directory. A pid is ended only if it still is
 * the process that was noted: pids are recycled, and after a restart of the machine all of them name something else.
 */
export async function clearLeftovers(directory: string): Promise<void> {
  const left = noted(join(directory, 'pids')).filter(({ pid, start }) => processStart(pid) === start);
  for (const { pid } of left) signalGroup(pid, 'SIGKILL');
  while (left.some(({ pid, start }) => processStart(pid) === start)) await sleep(20);
  await forget(directory);
}

export async function forget(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

function noted(directory: string): { readonly pid: number; readonly start: string }[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).map((name) => {
    const [pid = '', start = ''] = readFileSync(join(directory, name), 'utf8').trim().split(' ');
    return { pid: Number(pid), start };
  });
}
