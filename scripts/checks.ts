import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, runTool, tool } from './processes.ts';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
  /** A file without which there is nothing to check yet. */
  readonly needs: string;
}

const CHECKS: readonly Check[] = [
  { name: 'format and lint', command: tool('@biomejs/biome/bin/biome', 'ci', '--colors=off'), needs: 'biome.json' },
  { name: 'types', command: tool('typescript/bin/tsc', '--noEmit', '-p', '.'), needs: 'tsconfig.json' },
  { name: 'import rules', command: tool('dependency-cruiser/bin/dependency-cruiser.mjs', 'src'), needs: '.dependency-cruiser.cjs' },
  { name: 'unused code', command: tool('knip/bin/knip.js', '--no-progress'), needs: 'knip.json' },
  { name: 'generated files', command: [process.execPath, join(root, 'scripts/gen.ts'), '--check'], needs: 'scripts/gen.ts' },
];

/** Runs all checks, one after the other, and tells how each went. @returns the names of those that failed */
export async function runChecks(): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, command, needs } of CHECKS) {
    if (!existsSync(join(root, needs))) {
      console.log(`- ${name}: nothing to check, there is no ${needs}`);
      continue;
    }
    const { exitCode, output, seconds } = await runTool(command, { quiet: true });
    console.log(`${exitCode === 0 ? '✓' : '✗'} ${name} (${seconds.toFixed(1)} s)`);
    if (exitCode === 0) continue;
    console.log(output.trimEnd());
    failed.push(name);
  }
  return failed;
}
