import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { interruptedCode, runProgram } from '../scripts/options.ts';
import { root } from '../scripts/processes.ts';
import { allFlights } from './data.ts';
import { howToReach, isKept, stopKept } from './keep.ts';
import { type DemoReport, exitCodeOf, verdict } from './report.ts';
import { runDemo } from './run.ts';
import { openScreen, type Screen } from './screen.ts';
import { summary } from './summary.ts';
import { logDirectory, startWorld } from './world.ts';

const USAGE = `npm run demo -- [options]

Changes a live topology on real servers, twice, while records are produced and readers search, and shows that nothing is lost.

  --rows <n>   flights to produce, from 1000 to ${allFlights} (default: 200000)
  --keep       leave servers, operator and worker running, and say how to reach them
  --stop       end what --keep has left running
  --help
`;

const reportFile = join(root, 'out', 'demo-report.json');

process.exit(await runProgram(USAGE, readOptions, main));

async function main(options: Options): Promise<number> {
  if (options.stop) {
    await stopKept();
    return 0;
  }
  if (options.keep && isKept()) {
    process.stderr.write('an earlier demo is still running: end it with `npm run demo -- --stop`\n');
    return 1;
  }
  return demo(options);
}

interface Options {
  readonly rows: number;
  readonly keep: boolean;
  readonly stop: boolean;
  readonly help: boolean;
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string', default: '200000' },
      keep: { type: 'boolean', default: false },
      stop: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const rows = Number(values.rows);
  if (!Number.isInteger(rows) || rows < 1_000 || rows > allFlights) throw new Error(`--rows is a whole number from 1000 to ${allFlights}, not ${values.rows}`);
  return { ...values, rows };
}

/** @returns the exit code: 0 only if all that was found is right */
async function demo({ rows, keep }: Options): Promise<number> {
  const screen = openScreen(process.stdout);
  const stopped = new AbortController();
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // a person who presses it again cannot wait; that SIGTERM comes again is how npm and our own starter end
      if (interrupted && signal === 'SIGINT') process.exit(interruptedCode);
      if (interrupted) return;
      interrupted = true;
      screen.say('stopping everything');
      stopped.abort(new Error(`interrupted by ${signal}`));
    });
  }
  rmSync(reportFile, { force: true });
  try {
    return exitCodeOf(await tell(rows, keep, screen, stopped));
  } catch (error) {
    screen.end();
    if (interrupted) return interruptedCode;
    process.stderr.write(`\nThe demo failed: ${(error as Error).message}\n\nLogs of operator, worker and servers are in ${relative(root, logDirectory)}/\n`);
    return 1;
  } finally {
    screen.end();
  }
}

async function tell(rows: number, keep: boolean, screen: Screen, stopped: AbortController): Promise<DemoReport> {
  const { signal } = stopped;
  const fail = (error: unknown): void => stopped.abort(error);
  const world = await startWorld({ keep, say: screen.say, signal, onLoss: fail });
  let leave = false;
  try {
    const findings = await runDemo(world, rows, screen, signal, fail);
    const { report } = findings;
    mkdirSync(join(root, 'out'), { recursive: true });
    writeFileSync(reportFile, `${JSON.stringify(report, null, 2)}\n`);
    screen.print(summary(findings, verdict(report), relative(root, reportFile), screen.columns()));
    leave = keep;
    return report;
  } finally {
    if (leave) {
      screen.print(howToReach(world.stack));
      await world.leave();
    } else await world[Symbol.asyncDispose]();
  }
}
