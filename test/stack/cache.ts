import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from '../../scripts/lock.js';
import type { Progress } from './commands.ts';
import { cacheHome } from './paths.ts';

interface Making {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** How far it is, for the lines that tell that it still goes on. */
  readonly detail?: (unfinished: string) => string;
}

const TELL_EVERY_MS = 20_000;

/**
 * The path of a cached directory or file; made first when it is missing. It appears by one rename, so an interrupted
 * build leaves nothing that looks finished, and of two processes that want it at once only one makes it.
 *
 * @param key what it is, with everything that it depends on (versions): another key is another entry
 * @param make writes the entry to the path that it is given, which does not exist yet
 */
export async function cached(key: string, { progress, signal, detail }: Making, make: (path: string) => Promise<void>): Promise<string> {
  const path = join(cacheHome(), key);
  if (existsSync(path)) return path;
  const unfinished = `${path}.unfinished`;
  const elapsed = stopwatch();
  let doing = 'starting';
  const timer = setInterval(() => progress(`${key}: ${doing}, ${elapsed()} so far${detail?.(unfinished) ?? ''}`), TELL_EVERY_MS);
  const onWait = (pid: number) => {
    doing = `waiting for process ${pid} to make it`;
    progress(`${key}: ${doing}`);
  };
  const work = async () => {
    if (existsSync(path)) return;
    doing = 'making it';
    progress(`${key}: making it, once, for the cache in ${cacheHome()}`);
    await rm(unfinished, { recursive: true, force: true });
    await make(unfinished);
    await rename(unfinished, path);
    progress(`${key}: made in ${elapsed()}`);
  };
  await withLock(`${path}.lock`, work, { onWait, signal }).finally(() => clearInterval(timer));
  return path;
}

export function isCached(key: string): boolean {
  return existsSync(join(cacheHome(), key));
}

function stopwatch(): () => string {
  const began = Date.now();
  return () => `${((Date.now() - began) / 1000).toFixed(0)} s`;
}
