import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeImage } from './archive.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'grue-archive-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('an archive holds one layer, named by its digest, with programs that belong to root and may be run', async () => {
  writeFileSync(join(directory, 'program'), '#!/bin/true', { mode: 0o600 });
  const archive = join(directory, 'image.tar');
  await writeImage(archive, { tag: 'localhost/one:1', files: { '/usr/bin/one': join(directory, 'program') }, entrypoint: ['/usr/bin/one'], user: '1000:1000' });
  expect(readdirSync(directory).sort()).toEqual(['image.tar', 'program']);

  const read = (name: string) => execFileSync('tar', ['-xOf', archive, name], { maxBuffer: 2 ** 26 });
  expect(JSON.parse(read('manifest.json').toString())).toEqual([{ Config: 'config.json', RepoTags: ['localhost/one:1'], Layers: ['layer.tar'] }]);
  const layer = read('layer.tar');
  const { config, rootfs } = JSON.parse(read('config.json').toString());
  expect(config).toMatchObject({ Entrypoint: ['/usr/bin/one'], User: '1000:1000' });
  expect(rootfs.diff_ids).toEqual([`sha256:${createHash('sha256').update(layer).digest('hex')}`]);
  const listed = execFileSync('tar', ['-tvf', '-', '--numeric-owner'], { input: layer, encoding: 'utf8' });
  expect(listed).toMatch(/^-rwxr-xr-x 0\/0 .* \.\/usr\/bin\/one$/m);
});

test('what the Dockerfile copies is exactly what .dockerignore lets in', () => {
  const root = join(import.meta.dirname, '../../..');
  const lines = (file: string) => readFileSync(join(root, file), 'utf8').split('\n');
  const copied = lines('Dockerfile').flatMap((line) => (/^COPY (?!--from)/.test(line) ? line.split(/\s+/).slice(1, -1) : []));
  const admitted = lines('.dockerignore').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  expect(copied.sort()).toEqual(admitted.sort());
  expect(lines('.dockerignore')).toContain('*');
});
