import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart } from '../scripts/lock.js';
import { root } from '../scripts/processes.ts';
import { findStack, type Stack, stopStack } from '../test/stack/stack.ts';
import { demoNames } from './topology.ts';

/** The name of the stack that `--keep` leaves running. */
export const keptName = 'demo';

const noteFile = join(root, 'out', 'demo', 'kept.json');

interface KeptProcess {
  readonly pid: number;
  /** Tells it from another process that has got its pid meanwhile. */
  readonly start: string;
}

/** Notes which processes stay, so that they can be ended later. */
export function noteKept(processes: readonly ChildProcess[]): void {
  const kept = processes.flatMap(({ pid }): readonly KeptProcess[] => (pid === undefined ? [] : [{ pid, start: processStart(pid) ?? '' }]));
  mkdirSync(dirname(noteFile), { recursive: true });
  writeFileSync(noteFile, JSON.stringify(kept));
}

/** Does something that an earlier run has left still run? */
export const isKept = (): boolean => findStack(keptName) !== undefined || living().length > 0;

/** Ends what `--keep` has left running, and returns when it is gone. */
export async function stopKept(): Promise<void> {
  const processes = living();
  for (const { pid } of processes) process.kill(pid, 'SIGTERM');
  const end = Date.now() + 15_000;
  while (processes.some(isAlive) && Date.now() < end) await sleep(50);
  for (const { pid } of processes.filter(isAlive)) process.kill(pid, 'SIGKILL');
  rmSync(noteFile, { force: true });
  await stopStack(keptName);
}

const isAlive = ({ pid, start }: KeptProcess): boolean => processStart(pid) === start;

function living(): readonly KeptProcess[] {
  if (!existsSync(noteFile)) return [];
  return (JSON.parse(readFileSync(noteFile, 'utf8')) as readonly KeptProcess[]).filter(isAlive);
}

/** How a person reaches what was left running. */
export function howToReach(stack: Stack): readonly string[] {
  const { kubectl, kubeconfigPath } = stack.kubernetes;
  const { namespace, alias } = demoNames;
  return [
    'Everything is left running. To look around:',
    '',
    `  export KUBECONFIG=${kubeconfigPath}`,
    `  alias kubectl=${kubectl}`,
    `  kubectl -n ${namespace} get gstr,gpl,gconn     # what users write`,
    `  kubectl -n ${namespace} get grev               # what Grue made of it: the copies, with role, state and lag`,
    `  kubectl -n ${namespace} get smig               # the two migrations`,
    `  npm run --silent grue -- status -n ${namespace}`,
    `  curl '${stack.elasticsearch.url}/${alias}/_search?size=1&pretty'`,
    `  Kafka is at ${stack.kafka.bootstrapServers}`,
    '',
    'To end all of it:',
    '',
    '  npm run demo -- --stop',
  ];
}
