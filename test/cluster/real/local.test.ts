import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type Cluster, startCluster } from '../cluster.ts';
import { stateOfHost } from './host.ts';

/** Starts a process that owns a cluster, and waits until it is up. */
async function owner() {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'owner.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const printed = await new Promise<string>((resolve) => child.stdout.once('data', (data: Buffer) => resolve(data.toString())));
  const cluster = JSON.parse(printed) as Pick<Cluster, 'name' | 'kubeconfig'>;
  return { child, directory: dirname(cluster.kubeconfig) };
}

const keeperOf = (directory: string) => (JSON.parse(readFileSync(join(directory, 'stack.json'), 'utf8')) as { keeper: { pid: number } }).keeper.pid;

test('a cluster that was stopped has left nothing on the machine, and two of them do not meet', async () => {
  const before = stateOfHost();
  {
    await using one = await startCluster({ flavour: 'local' });
    await using two = await startCluster({ flavour: 'local' });
    expect(two.nodeAddress).not.toBe(one.nodeAddress);
    expect(stateOfHost()).not.toEqual(before);
  }
  expect(stateOfHost()).toEqual(before);
});

for (const signal of ['SIGKILL', 'SIGINT'] as const) {
  test(`a cluster whose owner ends by ${signal} leaves nothing on the machine`, async () => {
    const before = stateOfHost();
    const { child, directory } = await owner();
    child.kill(signal);
    await expect.poll(stateOfHost, { timeout: 30_000 }).toEqual(before);
    expect(existsSync(directory)).toBe(false);
  });
}

test('a keeper that is killed takes every process with it, pods too; the next start clears what else is left', async () => {
  const before = stateOfHost();
  const { child, directory } = await owner();
  process.kill(keeperOf(directory), 'SIGKILL');
  child.kill('SIGKILL');
  const running = () => stateOfHost().filter((line) => line.startsWith('process '));
  const ranBefore = before.filter((line) => line.startsWith('process '));
  await expect.poll(running, { timeout: 30_000 }).toEqual(ranBefore);
  await (await startCluster({ flavour: 'local' })).stop();
  expect(stateOfHost()).toEqual(before);
  expect(existsSync(directory)).toBe(false);
});
