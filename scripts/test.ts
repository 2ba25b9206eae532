import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Stack, startStack } from '../test/stack/stack.ts';
import { runChecks } from './checks.ts';
import { endTogether, root, runTool, tool } from './processes.ts';

/**
 * `npm test`: the checks, the tests without servers, the crash tests, the tests on real servers; all of them, whatever fails.
 * `npm test -- --only checks,unit` runs parts of it, other arguments are file name filters for vitest. `--only cluster` tests
 * the image and the cluster of `npm run e2e`: it needs root or Docker, and nobody gets it without asking. The stack comes
 * up (or is built) beside the first two. With GRUE_STACK_DIR set, the stack that is there is used and left running.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string', default: 'checks,unit,crash,integration' } } });
const parts = new Set(values.only.split(','));
endTogether();

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

const coming =
  parts.has('integration') && process.env['GRUE_STACK_DIR'] === undefined ? startStack({ progress: (line) => console.log(`stack: ${line}`) }) : undefined;
// its failure is reported where it is awaited; until then it must not end the process
coming?.catch(() => {});

const failedChecks = parts.has('checks') ? await runChecks() : [];
const counts: Counts[] = [{ passed: 0, failed: failedChecks.length }];
if (parts.has('unit')) counts.push(await vitest('unit', {}));
if (parts.has('crash')) counts.push(await crash());
if (parts.has('cluster')) counts.push(await vitest('cluster', {}));
if (parts.has('integration')) counts.push(await integration(coming));

const sum = (of: (count: Counts) => number) => counts.map(of).reduce((a, b) => a + b, 0);
const failed = sum((count) => count.failed);
if (failedChecks.length > 0) console.log(`failed checks: ${failedChecks.join(', ')}`);
console.log(`\n${sum((count) => count.passed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function integration(starting: Promise<Stack> | undefined): Promise<Counts> {
  try {
    const stack = await starting;
    return await vitest('integration', stack?.env ?? {}).finally(() => stack?.stop());
  } catch (error) {
    console.error((error as Error).message);
    return { passed: 0, failed: 1 };
  }
}

/** One answer for all of it: out/crash-report.json counts the points. */
async function crash(): Promise<Counts> {
  console.log('\ncrash tests');
  const { exitCode } = await runTool([process.execPath, join(root, 'test/crash/main.ts'), '--every', '4']);
  return exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly { readonly status: string }[] }[];
}

async function vitest(project: string, env: Readonly<Record<string, string>>): Promise<Counts> {
  console.log(`\n${project} tests`);
  const file = join(root, 'out', `tests-${project}.json`);
  mkdirSync(join(root, 'out'), { recursive: true });
  rmSync(file, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const { exitCode } = await runTool(tool('vitest/vitest.mjs', 'run', '--project', project, '--passWithNoTests', ...reporters, ...positionals), { env });
  return counted(file, exitCode);
}

/** A file that does not load has no failed test, and a crash writes no report: both must count. */
function counted(file: string, exitCode: number): Counts {
  let report: VitestReport;
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
  } catch {
    return { passed: 0, failed: exitCode === 0 ? 0 : 1 };
  }
  const unloaded = report.testResults.filter((result) => result.status === 'failed' && result.assertionResults.every((test) => test.status !== 'failed'));
  const failed = report.numFailedTests + unloaded.length;
  return { passed: report.numPassedTests, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}
