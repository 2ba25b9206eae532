import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from '../scripts/build.ts';
import { root } from '../scripts/processes.ts';
import { type ApiFigures, benchApi } from './api.ts';
import { benchFlip, type FlipFigures } from './flip.ts';
import { benchOperator, type OperatorFigures } from './operator.ts';
import { canPin } from './processes.ts';
import { number, type Progress, type Row, type Section, table } from './section.ts';
import { fullSizes, quickSizes } from './sizes.ts';
import { benchWorker, type WorkerFigures } from './worker.ts';

const USAGE = `npm run bench [-- options]
  --quick            small numbers: shows that it runs, the figures mean nothing
  --only <parts>     of worker, flip, operator, api; all without
  --report <file>    out/bench-report.json without`;

/** What is written to the file. A part that was not asked for is absent. */
export interface BenchReport {
  readonly machine: { readonly processor: string; readonly cores: number; readonly pinned: boolean };
  readonly quick: boolean;
  /** Load average (one minute) when each part began: figures of a busy machine say little. */
  readonly load: Readonly<Record<string, number>>;
  readonly worker?: WorkerFigures;
  readonly flip?: FlipFigures;
  readonly operator?: OperatorFigures;
  readonly api?: ApiFigures;
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: 'worker,flip,operator,api' },
    report: { type: 'string', default: 'out/bench-report.json' },
    help: { type: 'boolean', default: false },
  },
});

const began = performance.now();
const progress: Progress = (line) => process.stderr.write(`${((performance.now() - began) / 1_000).toFixed(1).padStart(7)} s  ${line}\n`);
const sizes = values.quick ? quickSizes : fullSizes;
const parts: Readonly<Record<string, () => Promise<Section<object>>>> = {
  worker: () => benchWorker(sizes, progress),
  flip: () => benchFlip(sizes, progress),
  operator: () => benchOperator(sizes, progress),
  api: () => benchApi(progress),
};

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  const asked = values.only.split(',');
  const unknown = asked.find((part) => parts[part] === undefined);
  if (unknown !== undefined) throw new Error(`"${unknown}" is no part of the benchmark; parts are ${Object.keys(parts).join(', ')}`);
  if (asked.some((part) => part === 'operator' || part === 'api')) {
    progress('bundling');
    await bundle();
  }
  const figures: Record<string, object> = {};
  const load: Record<string, number> = {};
  const rows: Row[] = [];
  for (const part of asked) {
    load[part] = loadavg()[0] ?? 0;
    const section = await parts[part]?.();
    if (section === undefined) continue;
    figures[part] = section.figures;
    rows.push(...section.rows);
  }
  const machine = { processor: cpus()[0]?.model ?? '', cores: cpus().length, pinned: canPin };
  const report: BenchReport = { machine, quick: values.quick, load, ...figures };
  const file = resolve(root, values.report);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\n${table(rows)}\n`);
  const loads = Object.entries(load).map(([part, average]) => `${part} ${number(average, 1)}`);
  console.log(
    `${machine.cores} x ${machine.processor}; load when each part began: ${loads.join(', ')}${values.quick ? '; quick: the figures mean nothing' : ''}`,
  );
  console.log(`report: ${file}`);
}

await main();
process.exit(0);
