import { randomBytes } from 'node:crypto';
import { cpSync, createWriteStream, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { interruptedCode, runProgram } from '../../scripts/options.ts';
import { root } from '../../scripts/processes.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { verdict } from './report.ts';
import { runChaos } from './run.ts';

const USAGE = `npm run test:chaos -- [options]

Kills operators and workers at random moments, as migrations follow each other under load on real servers, and counts what is lost.

  --seconds <n>   how long, from 30 (default: 600)
  --seed <text>   repeats the choices of an earlier run; its moments depend on the machine
  --help
`;

const outDirectory = join(root, 'out', 'chaos');
const reportFile = join(root, 'out', 'chaos-report.json');

process.exit(await runProgram(USAGE, readOptions, ({ seconds, seed }) => chaos(seconds, seed)));

function readOptions(args: string[]): { readonly seconds: number; readonly seed: string; readonly help: boolean } {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '600' },
      seed: { type: 'string', default: randomBytes(4).toString('hex') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 30) throw new Error(`--seconds is a whole number from 30, not ${values.seconds}`);
  return { ...values, seconds };
}

/** @returns the exit code: 0 only if all that was found is right */
async function chaos(seconds: number, seed: string): Promise<number> {
  rmSync(outDirectory, { recursive: true, force: true });
  rmSync(reportFile, { force: true });
  mkdirSync(outDirectory, { recursive: true });
  const events = createWriteStream(join(outDirectory, 'events.log'));
  const began = performance.now();
  const say = (line: string): void => {
    process.stdout.write(`${((performance.now() - began) / 1_000).toFixed(1).padStart(7)} s  ${line}\n`);
    // the logs of the processes carry the time of day
    events.write(`${new Date().toISOString()} ${line}\n`);
  };
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort(new Error(`interrupted by ${signal}`)));
  say(`seed ${seed}, ${seconds} s`);
  let stack: Stack | undefined;
  let namespace: string | undefined;
  try {
    stack = await startStack({ progress: say });
    Object.assign(process.env, stack.env);
    const report = await runChaos({
      seconds,
      seed,
      say,
      signal: stopped.signal,
      onStart: (name) => {
        namespace = name;
      },
    });
    writeFileSync(reportFile, `${JSON.stringify(report, null, 2)}\n`);
    const { story: _, ...figures } = report;
    process.stdout.write(`\n${JSON.stringify(figures, null, 2)}\nreport: ${relative(root, reportFile)}\n`);
    const reasons = verdict(report);
    if (reasons.length === 0) {
      process.stdout.write('all is right\n');
      return 0;
    }
    process.stdout.write(`\nnot all is right:\n${reasons.map((reason) => `  ${reason}\n`).join('')}`);
  } catch (error) {
    if (stopped.signal.aborted) return interruptedCode;
    process.stdout.write(`\nthe run failed: ${(error as Error).stack}\n`);
  } finally {
    if (stack !== undefined) keepLogs(stack, namespace);
    await stack?.stop();
    events.end();
  }
  process.stdout.write(`seed ${seed}; the logs of all processes and servers are in ${relative(root, outDirectory)}/\n`);
  return 1;
}

/** They go away with the stack. */
function keepLogs(stack: Stack, namespace: string | undefined): void {
  const ours = namespace === undefined ? [] : [join(stack.directory, 'logs', namespace)];
  for (const directory of ours.filter(existsSync)) cpSync(directory, outDirectory, { recursive: true });
  for (const { name } of stack.servers().filter((server) => existsSync(stack.log(server.name)))) cpSync(stack.log(name), join(outDirectory, `${name}.log`));
}
