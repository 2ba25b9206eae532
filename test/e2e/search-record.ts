import { createReadStream, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Canaries } from './canaries.ts';

export interface Leak {
  readonly canary: string;
  /** File and line. */
  readonly where: string;
}

export interface SearchedRecord {
  readonly files: number;
  readonly lines: number;
  readonly leaks: readonly Leak[];
}

/** Looks for Secrets in everything below the directory. */
export async function searchRecord(directory: string, canaries: Canaries): Promise<SearchedRecord> {
  const forms = canaries.forms();
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const leaks: Leak[] = [];
  let lines = 0;
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    let line = 0;
    for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      line += 1;
      const found = new Set(forms.filter(({ form }) => text.includes(form)).map(({ canary }) => canary));
      for (const canary of found) leaks.push({ canary, where: `${relative(directory, path)}:${line}` });
    }
    lines += line;
  }
  return { files: files.length, lines, leaks };
}
