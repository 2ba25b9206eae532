import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** A git repository on this machine. */
export interface Repository {
  readonly url: string;
  /** Files by their paths; undefined removes one. @returns the commit, on branch main */
  commit(message: string, files: Readonly<Record<string, string | undefined>>): Promise<string>;
}

export async function makeRepository(directory: string): Promise<Repository> {
  await mkdir(directory, { recursive: true });
  const git = (...args: readonly string[]) =>
    promisify(execFile)('git', ['-C', directory, '-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false', ...args]);
  await git('init', '--quiet', '--initial-branch=main');
  return {
    url: `file://${directory}`,
    async commit(message, files) {
      for (const [path, content] of Object.entries(files)) {
        const file = join(directory, path);
        await mkdir(dirname(file), { recursive: true });
        await (content === undefined ? rm(file) : writeFile(file, content));
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--message', message);
      return (await git('rev-parse', 'HEAD')).stdout.trim();
    },
  };
}
