import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processStart, tryLock, unlock } from '../../scripts/lock.js';

let directory: string;
let lock: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'grue-lock-test-'));
  lock = join(directory, 'the.lock');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a lock is held by one, and free again when it is given back', () => {
  expect(tryLock(lock)).toBeUndefined();
  expect(tryLock(lock)).toBe(process.pid);
  unlock(lock);
  expect(tryLock(lock)).toBeUndefined();
});

test('the lock of a process that has ended is taken over', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'process.pid']);
  writeFileSync(lock, `${stdout.trim()} 12345\n`);
  expect(tryLock(lock)).toBeUndefined();
});

test('the lock of a pid that was recycled is taken over', () => {
  writeFileSync(lock, `${process.pid} another-start\n`);
  expect(tryLock(lock)).toBeUndefined();
});

test('a file that its maker has just created and not yet written counts as held', () => {
  writeFileSync(lock, '');
  expect(tryLock(lock)).toBe(0);
});

test('a process is known by when it was started, and one that is gone by nothing', async () => {
  expect(processStart(process.pid)).toBe(processStart(process.pid));
  expect(processStart(process.pid)).not.toBe(processStart(process.ppid));
  const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'process.pid']);
  expect(processStart(Number(stdout))).toBeUndefined();
});

test('of many that find a dead holder at the same moment, never two are inside at once', async () => {
  writeFileSync(lock, '1 dead\n');
  const inside = join(directory, 'inside');
  const module = join(import.meta.dirname, '../../scripts/lock.js');
  // each enters, fails if somebody else is in, stays for a moment, leaves
  const script = `
    import { withLock } from ${JSON.stringify(module)};
    import { rmSync, writeFileSync } from 'node:fs';
    await withLock(${JSON.stringify(lock)}, async () => {
      writeFileSync(${JSON.stringify(inside)}, '', { flag: 'wx' });
      await new Promise((resolve) => setTimeout(resolve, 20));
      rmSync(${JSON.stringify(inside)});
    });`;
  const all = Array.from({ length: 8 }, () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]));
  await Promise.all(all);
  expect(existsSync(lock)).toBe(false);
});
