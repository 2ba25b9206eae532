import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** A file that is made from the source, and committed so that people and tools can read it. */
export interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly content: string;
}

const stored = (path: string) => readFile(join(root, path), 'utf8').catch(() => undefined);

/**
 * Writes the files that differ; with `--check` it writes nothing and only tells which do.
 * @returns the paths of those that differed
 */
export async function settle(files: readonly GeneratedFile[], check: boolean): Promise<readonly string[]> {
  const differing: string[] = [];
  for (const { path, content } of files) {
    if ((await stored(path)) === content) continue;
    differing.push(path);
    if (check) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return differing;
}

/** The command line of a generator: `node scripts/gen-x.ts [--check]`. */
export async function main(files: readonly GeneratedFile[]): Promise<void> {
  const check = process.argv.includes('--check');
  const differing = await settle(files, check);
  for (const path of differing) console.log(check ? `${path} is not what the source makes; run: npm run gen` : `wrote ${path}`);
  if (check && differing.length > 0) process.exitCode = 1;
}
