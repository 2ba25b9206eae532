import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** What is worth keeping between runs: jars, binaries, class archives. Safe to delete at any time while no stack starts. */
export function cacheHome(env: Env = process.env): string {
  return join(resolve(env['XDG_CACHE_HOME'] || join(homedir(), '.cache')), 'grue');
}

/** Where a stack of this name keeps data, logs and its state file while it is up. */
export function stackDirectory(name: string, env: Env = process.env): string {
  const home = env['XDG_STATE_HOME'] ? join(resolve(env['XDG_STATE_HOME']), 'grue') : cacheHome(env);
  return join(home, 'stacks', name);
}
