import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from '../../scripts/lock.js';
import type { Progress } from './commands.ts';
import { cacheHome } from './paths.ts';

interface Making {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const TELL_EVERY_MS = 20_000;

/**
 * The path of a cached directory or file; made first when it is missing. It appears by one rename, so an interrupted
 * build leaves nothing that looks finished, and of two processes that want it at once only one makes it.
 *
 * @param key what it is, with everything that it depends on (versions): another key is another entry
 * @param make writes the entry to the path that it is given, which does not exist yet
 */
export async function cached(key: string, { progress, signal }: Making, make: (path: string) => Promise<void>): Promise<string> {
  const path = join(cacheHome(), key);
  if (existsSync(path)) return path;
  const onWait = (pid: number) => progress(`${key}: process ${pid} is making it, waiting`);
  await withLock(
    `${path}.lock`,
    async () => {
      if (existsSync(path)) return;
      const unfinished = `${path}.unfinished`;
      await rm(unfinished, { recursive: true, force: true });
      await mkdir(cacheHome(), { recursive: true });
      await timed(key, progress, () => make(unfinished));
      await rename(unfinished, path);
    },
    { onWait, signal },
  );
  return path;
}

/** Tells when the work begins, from time to time that it still goes on, and how long it took. */
async function timed(what: string, progress: Progress, work: () => Promise<void>): Promise<void> {
  const begin = Date.now();
  const elapsed = () => `${((Date.now() - begin) / 1000).toFixed(0)} s`;
  progress(`${what}: making it once, for the cache in ${cacheHome()}`);
  const timer = setInterval(() => progress(`${what}: still at it after ${elapsed()}`), TELL_EVERY_MS);
  try {
    await work();
    progress(`${what}: done after ${elapsed()}`);
  } finally {
    clearInterval(timer);
  }
}

/** A short name of a file's state that changes whenever the file is replaced. */
export async function fileMark(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return `${size.toString(36)}${Math.floor(mtimeMs).toString(36)}`;
}
