import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { canaries } from './canaries.ts';
import { searchRecord } from './search-record.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'grue-record-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a Secret is found in any file below the directory, with its line, also in a header that was logged', async () => {
  const made = canaries();
  const [password, token] = [made.sing(), made.sing()];
  mkdirSync(join(directory, 'flights'));
  writeFileSync(join(directory, 'flights', 'worker.log'), `fine\nauthorization: Basic ${btoa(`grue:${password}`)}\n`);
  writeFileSync(join(directory, 'events.jsonl'), `{"note":"${token}"}\nfine\n`);
  writeFileSync(join(directory, 'metrics.txt'), 'fine\n');
  const { files, lines, leaks } = await searchRecord(directory, made);
  expect([files, lines]).toEqual([3, 5]);
  expect(leaks.toSorted((a, b) => a.where.localeCompare(b.where))).toEqual([
    { canary: token, where: 'events.jsonl:1' },
    { canary: password, where: 'flights/worker.log:2' },
  ]);
});
