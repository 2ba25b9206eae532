import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ship } from '../../scripts/ship.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'grue-ship-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** As if the bundle had something of zod, nothing of TypeScript, and imported DuckDB from beside it. */
const metafile = {
  inputs: {},
  outputs: {
    'grue.js': {
      bytes: 10,
      exports: [],
      imports: [
        { path: '@duckdb/node-api', kind: 'import-statement', external: true },
        { path: 'node:fs', kind: 'import-statement', external: true },
      ],
      inputs: {
        'src/main.ts': { bytesInOutput: 5 },
        'node_modules/zod/index.js': { bytesInOutput: 5 },
        'node_modules/typescript/lib/typescript.js': { bytesInOutput: 0 },
      },
    },
  },
} satisfies Metafile;

test('what is shipped is the bundle, its native packages with all they depend on, and a list of exactly these', () => {
  ship(directory, metafile);
  const bom = JSON.parse(readFileSync(join(directory, 'sbom.cdx.json'), 'utf8'));
  expect(bom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'grue' } } });
  const names = bom.components.map(({ name }: { name: string }) => name).sort();
  const platform = `@duckdb/node-bindings-${process.platform}-${process.arch}`;
  expect(names).toEqual(['@duckdb/node-api', '@duckdb/node-bindings', platform, 'detect-libc', 'zod']);
  expect(bom.components.every(({ purl, version }: { purl: string; version: string }) => purl.endsWith(`@${version}`))).toBe(true);
  for (const name of names.filter((name: string) => name !== 'zod')) expect(existsSync(join(directory, 'node_modules', name, 'package.json'))).toBe(true);
  expect(existsSync(join(directory, 'node_modules/zod'))).toBe(false);
});
