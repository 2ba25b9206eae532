import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart } from '../../scripts/lock.js';
import { type Clear, clearLeftovers } from './leftovers.ts';
import type { KeptState } from './protocol.ts';

/** What the keeper of this directory tells of what it keeps; undefined when there is none, not yet or any more. */
export function readKept<State extends KeptState>(directory: string): State | undefined {
  const file = join(directory, 'stack.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as State) : undefined;
}

export function isUp(directory: string): boolean {
  const keeper = readKept(directory)?.keeper;
  return keeper !== undefined && processStart(keeper.pid) === keeper.start;
}

/** Ends what is kept in this directory, also when its keeper has been killed. */
export async function stopKept(directory: string, clear?: Clear): Promise<void> {
  const keeper = readKept(directory)?.keeper;
  if (keeper !== undefined && isUp(directory)) {
    process.kill(keeper.pid, 'SIGTERM');
    while (processStart(keeper.pid) === keeper.start) await sleep(20);
  }
  await clearLeftovers(directory, clear);
}
