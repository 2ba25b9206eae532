import { cpSync, createWriteStream, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { interruptedCode, runProgram } from '../../scripts/options.ts';
import { root } from '../../scripts/processes.ts';
import type { Flavour } from '../cluster/cluster.ts';
import { type EndToEndReport, type ScenarioResult, tableOf } from './report.ts';
import { noteMetrics, play } from './run.ts';
import { noNumbers, type Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { searchRecord } from './search-record.ts';
import { startWorld, type WholeWorld } from './world.ts';

const USAGE = `npm run e2e -- [options]

Installs Grue with Helm on a real Kubernetes cluster and shows, with pods, that it does what it says; every record and every search is counted.

  --only <part of name>    the scenarios with this in their name; may be said several times
  --cluster local|kind     kind where Docker and kind are there, else a cluster of plain processes, which needs root
  --keep                   when a scenario has failed, wait for Ctrl-C before anything is ended
  --help
`;

const record = join(root, 'out', 'e2e-logs');
const reportFile = join(root, 'out', 'e2e-report.json');
/** Each has two or more pods, a producer and readers; all share the processors with the servers. */
const atOnce = 4;

process.exit(await runProgram(USAGE, readOptions, endToEnd));

interface Options {
  readonly chosen: readonly Scenario[];
  readonly flavour: Flavour | undefined;
  readonly keep: boolean;
  readonly help: boolean;
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [''] },
      cluster: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { cluster, only, keep, help } = values;
  if (cluster !== undefined && cluster !== 'local' && cluster !== 'kind') throw new Error(`--cluster is local or kind, not ${cluster}`);
  const chosen = scenarios.filter(({ name }) => only.some((part) => name.includes(part)));
  if (chosen.length === 0) throw new Error(`no scenario has "${only.join()}" in its name; they are\n${scenarios.map(({ name }) => `  ${name}`).join('\n')}`);
  return { chosen, flavour: cluster, keep, help };
}

/** @returns the exit code: 0 only if every scenario has passed */
async function endToEnd({ chosen, flavour, keep }: Options): Promise<number> {
  for (const old of [record, reportFile]) rmSync(old, { recursive: true, force: true });
  mkdirSync(record, { recursive: true });
  const log = createWriteStream(join(record, 'run.log'));
  const began = performance.now();
  const secondsSince = (): number => Math.round((performance.now() - began) / 100) / 10;
  const say = (line: string): void => {
    process.stdout.write(`${secondsSince().toFixed(1).padStart(7)} s  ${line}\n`);
    // the logs of the pods carry the time of day
    log.write(`${new Date().toISOString()} ${line}\n`);
  };
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // a person who presses it again cannot wait; cluster and servers end with this process in any case
      if (stopped.signal.aborted && signal === 'SIGINT') process.exit(interruptedCode);
      if (!stopped.signal.aborted) say(`${signal}: ending everything`);
      stopped.abort(new Error(`interrupted by ${signal}`));
    });
  }
  try {
    await using world = await startWorld({ flavour, record, say, signal: stopped.signal });
    const results = await playAll(chosen, world);
    const report: EndToEndReport = { cluster: world.cluster.flavour, kubernetes: world.kubernetes, seconds: secondsSince(), scenarios: results };
    writeFileSync(reportFile, `${JSON.stringify(report, null, 2)}\n`);
    const failed = results.filter(({ passed }) => !passed);
    process.stdout.write(`\n${tableOf(results)}\n\n`);
    for (const { name, problem } of failed) process.stdout.write(`${name}:\n  ${problem?.replaceAll('\n', '\n  ')}\n`);
    process.stdout.write(`report: ${relative(root, reportFile)}; logs of all pods, their events and all states of the resources: ${relative(root, record)}/\n`);
    if (failed.length > 0 && keep) await untilInterrupted(world, stopped.signal);
    return failed.length === 0 && results.length > 0 ? 0 : 1;
  } catch (error) {
    if (stopped.signal.aborted) return interruptedCode;
    process.stdout.write(`\nthe run failed: ${(error as Error).stack}\n`);
    return 1;
  } finally {
    log.end();
  }
}

/** First those that share the release for all namespaces, which then makes room for releases of single namespaces; then what stands alone. */
async function playAll(chosen: readonly Scenario[], world: WholeWorld): Promise<readonly ScenarioResult[]> {
  const { say, signal, shared } = world;
  const results: ScenarioResult[] = [];
  const onResult = ({ name, passed, seconds, problem }: ScenarioResult): void =>
    say(`${passed ? 'PASSED' : 'FAILED'}: ${name} (${seconds} s)${problem === undefined ? '' : `\n${problem}`}`);
  const together = chosen.filter(({ installation }) => installation === 'Shared');
  results.push(...(await play(together, atOnce, world, shared, onResult)));
  signal.throwIfAborted();
  await noteMetrics(shared, world);
  await shared.uninstall();
  say('the release for all namespaces is uninstalled');
  const own = chosen.filter(({ installation }) => installation === 'Own');
  for (const [group, width] of [[own.filter(({ alone }) => !alone), atOnce] as const, [own.filter(({ alone }) => alone), 1] as const]) {
    results.push(...(await play(group, width, world, undefined, onResult)));
    signal.throwIfAborted();
  }
  results.push(await noLeaks(world));
  return results;
}

/** Not a scenario of its own: it looks at what all the others have left. */
async function noLeaks(world: WholeWorld): Promise<ScenarioResult> {
  const began = performance.now();
  await world.endRecord();
  const { auditLog } = world.cluster;
  if (auditLog !== undefined && existsSync(auditLog)) cpSync(auditLog, join(record, 'api-server-audit.jsonl'));
  const { files, lines, leaks } = await searchRecord(record, world.canaries);
  const secrets = new Set(world.canaries.forms().map(({ canary }) => canary)).size;
  world.say(`${secrets} Secrets looked for in ${lines} lines of ${files} files`);
  const problems = [
    ...leaks.slice(0, 20).map(({ where }) => `a Secret stands in ${where}`),
    ...(secrets === 0 || lines === 0 ? ['nothing was looked at'] : []),
  ];
  return {
    name: 'no Secret in any log, event, status, condition or audit line of this run',
    passed: problems.length === 0,
    seconds: Math.round((performance.now() - began) / 100) / 10,
    ...noNumbers,
    ...(problems.length === 0 ? {} : { problem: problems.join('\n') }),
  };
}

async function untilInterrupted({ cluster }: WholeWorld, signal: AbortSignal): Promise<void> {
  process.stdout.write(`\nall of it runs on until Ctrl-C:  export KUBECONFIG=${cluster.kubeconfig} PATH=${join(cluster.kubectl, '..')}:$PATH\n`);
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
