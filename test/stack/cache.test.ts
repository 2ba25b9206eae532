import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cached } from './cache.ts';

let home: string;
const making = { progress: () => {}, signal: new AbortController().signal };

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'grue-cache-test-'));
  vi.stubEnv('XDG_CACHE_HOME', home);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const writeEntry = async (path: string) => {
  await mkdir(path);
  await writeFile(join(path, 'jar'), 'content');
};

test('an entry is made once and then found', async () => {
  const make = vi.fn(writeEntry);
  const path = await cached('kafka-1', making, make);
  expect(readdirSync(path)).toEqual(['jar']);
  expect(await cached('kafka-1', making, make)).toBe(path);
  expect(make).toHaveBeenCalledTimes(1);
});

test('two that want the same entry at once make it once, and both get it whole', async () => {
  const make = vi.fn(async (path: string) => {
    await sleep(50);
    await writeEntry(path);
  });
  const [one, two] = await Promise.all([cached('kafka-1', making, make), cached('kafka-1', making, make)]);
  expect(one).toBe(two);
  expect(make).toHaveBeenCalledTimes(1);
});

test('an entry whose making fails half way does not appear, and is made from the start next time', async () => {
  const failing = cached('kafka-1', making, async (path) => {
    await writeEntry(path);
    throw new Error('the registry is down');
  });
  await expect(failing).rejects.toThrow('the registry is down');
  expect(existsSync(join(home, 'grue', 'kafka-1'))).toBe(false);
  await cached('kafka-1', making, writeEntry);
  expect(readdirSync(join(home, 'grue'))).toEqual(['kafka-1']);
});

test('a lock whose holder is gone, or whose pid now is another process, is taken over', async () => {
  await mkdir(join(home, 'grue'));
  writeFileSync(join(home, 'grue', 'kafka-1.lock'), `${process.pid} an-earlier-start\n`);
  await cached('kafka-1', making, writeEntry);
  expect(readdirSync(join(home, 'grue'))).toEqual(['kafka-1']);
});
