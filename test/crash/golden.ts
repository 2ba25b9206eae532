import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Effect } from './effects.ts';

const folder = join(import.meta.dirname, 'golden');
const fileOf = (scenario: string): string => join(folder, `${scenario}.log`);

/** One line for each effect, to be read by people. */
export const effectLog = (effects: readonly Effect[]): readonly string[] =>
  effects.map(({ n, port, verb, about, fate, result }) =>
    `${String(n).padStart(3)}  ${port.padEnd(8)} ${verb.padEnd(11)} ${about}${fate === undefined ? '' : `  <== ${fate}`}${said(result)}`.trimEnd(),
  );

/** The same with times and processes. */
export const fullLog = (effects: readonly Effect[]): readonly string[] => {
  const lines = effectLog(effects);
  return effects.map(({ at, process }, index) => `${(at / 1_000).toFixed(1).padStart(7)} s  ${process}  ${lines[index]}`);
};

const said = (result: string | undefined): string =>
  result === undefined || result === 'done' || result.startsWith('Created') || result === 'Deleted' ? '' : `  (${result})`;

/** How an uninterrupted run differs from the one that is kept; empty when it does not. */
export function goldenDifference(scenario: string, log: readonly string[]): readonly string[] {
  const file = fileOf(scenario);
  if (!existsSync(file)) return [`there is no ${file}`];
  const kept = readFileSync(file, 'utf8').trimEnd().split('\n');
  const at = Math.max(kept.length, log.length);
  for (let line = 0; line < at; line++)
    if (kept[line] !== log[line])
      return [`line ${line + 1} of golden/${scenario}.log:`, `  kept  ${kept[line] ?? 'nothing'}`, `  now   ${log[line] ?? 'nothing'}`];
  return [];
}

export function keepGolden(scenario: string, log: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(scenario), `${log.join('\n')}\n`);
}
