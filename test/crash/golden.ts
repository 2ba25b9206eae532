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

/**
 * How an uninterrupted run differs from the one that is kept; empty when it does not. Calls take no time here, so passes over different objects
 * are interleaved by chance: the order of what befalls one object counts.
 */
export function goldenDifference(scenario: string, log: readonly string[]): readonly string[] {
  const file = fileOf(scenario);
  if (!existsSync(file)) return [`there is no ${file}`];
  const [kept, now] = [byObject(readFileSync(file, 'utf8').trimEnd().split('\n')), byObject(log)];
  for (const object of new Set([...kept.keys(), ...now.keys()])) {
    const [before = [], after = []] = [kept.get(object), now.get(object)];
    const at = before.findIndex((line, index) => line !== after[index]);
    const first = at < 0 ? before.length : at;
    if (at >= 0 || after.length > before.length)
      return [`golden/${scenario}.log, ${object}:`, `  kept  ${before[first] ?? 'nothing'}`, `  now   ${after[first] ?? 'nothing'}`];
  }
  return [];
}

/** Lines without their numbers, by port and the first name in them. */
function byObject(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of lines) {
    const [, port = '', verb = '', name = '', rest = ''] = /^\s*\d+ {2}(\S+)\s+(\S+)\s+([^\s:]+)(.*)$/.exec(line) ?? [];
    const key = `${port} ${name}`;
    found.set(key, [...(found.get(key) ?? []), `${verb} ${name}${rest}`]);
  }
  return found;
}

export function keepGolden(scenario: string, log: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(scenario), `${log.join('\n')}\n`);
}
