import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../stack/commands.ts';
import { inNode } from './namespaces.ts';
import type { LocalState } from './protocol.ts';

const LISTENS_WITHIN_MS = 20_000;

/** Gives the node an archive as `docker save` writes it. containerd may be coming up. */
export async function importImage(
  { init, env, directory }: Pick<LocalState, 'init' | 'env' | 'directory'>,
  archive: string,
  signal: AbortSignal,
): Promise<void> {
  const ctr = (...args: readonly string[]) =>
    run(inNode(init, ['ctr', '--namespace', 'k8s.io', ...args]), { cwd: directory, env, signal, log: join(directory, 'logs/ctr.log') });
  const deadline = Date.now() + LISTENS_WITHIN_MS;
  while (
    !(await ctr('version').then(
      () => true,
      () => Date.now() > deadline,
    ))
  )
    await sleep(100, undefined, { signal });
  await ctr('images', 'import', '--digests=false', archive);
}
