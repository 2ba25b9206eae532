// A lock between processes of one machine, and the identity of a process.
// Plain JavaScript, because the bootstrap needs it on whatever Node is there; `lock.d.ts` gives it its types.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Breaking a dead holder's lock takes microseconds; a breaker that shows no progress for so long has died over it. */
const BREAKER_EXPIRES_MS = 10_000;
const POLL_MS = 200;

/**
 * When the process was started, in a form that is only good for comparison; undefined when it does not run (any more).
 * Pid and start together name one process for ever: a recycled pid has another start.
 */
export function processStart(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      // the command name may hold blanks and parentheses: count fields from its last parenthesis
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  try {
    const out = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return out.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Takes the lock file if nobody alive holds it. Returns undefined when taken, else the pid of the holder. */
export function tryLock(path) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${process.pid} ${processStart(process.pid)}\n`;
  for (;;) {
    try {
      writeFileSync(path, mine, { flag: 'wx' });
      return undefined;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const found = read(path);
    if (found === undefined) continue;
    const pid = livingHolder(path, found);
    if (pid !== undefined) return pid;
    breakStale(path, found);
  }
}

/** Gives the lock back. */
export function unlock(path) {
  rmSync(path, { force: true });
}

/** Runs `work` while holding the lock; `onWait(pid)` is called once when another process holds it. */
export async function withLock(path, work, { onWait = () => {}, signal } = {}) {
  let told = false;
  for (let holder = tryLock(path); holder !== undefined; holder = tryLock(path)) {
    if (!told) onWait(holder);
    told = true;
    await sleep(POLL_MS, undefined, { signal });
  }
  try {
    return await work();
  } finally {
    unlock(path);
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function livingHolder(path, content) {
  const [pid, start] = content.trim().split(' ', 2);
  if (!start) return age(path) < BREAKER_EXPIRES_MS ? Number(pid || 0) : undefined; // created, not yet written
  return processStart(Number(pid)) === start ? Number(pid) : undefined;
}

/**
 * Removes a dead holder's lock. Two processes may find the same dead holder at once; without the second file the slower
 * one would remove the lock that the faster one has just taken.
 */
function breakStale(path, stale) {
  const breaker = `${path}.breaking`;
  try {
    writeFileSync(breaker, '', { flag: 'wx' });
  } catch {
    if (age(breaker) > BREAKER_EXPIRES_MS) rmSync(breaker, { force: true });
    return;
  }
  try {
    if (read(path) === stale) rmSync(path, { force: true });
  } finally {
    rmSync(breaker, { force: true });
  }
}

function age(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}
