import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Progress } from '../../stack/commands.ts';
import { isUp, readKept, stopKept } from '../../stack/kept.ts';
import { startKeeper } from '../../stack/owner.ts';
import { cacheHome } from '../../stack/paths.ts';
import type { Cluster } from '../cluster.ts';
import { archiveOf } from '../image/archive.ts';
import { importImage } from './images.ts';
import { clearNode } from './namespaces.ts';
import type { LocalOptions, LocalState } from './protocol.ts';

const directoryOf = (name: string) => join(cacheHome(), 'clusters', name);

/** Starts the keeper of a cluster of plain processes, which ends with this process unless it is let outlive it. */
export async function startLocal(name: string, audit: boolean, progress: Progress): Promise<{ readonly keeper: ChildProcess; readonly cluster: Cluster }> {
  const directory = directoryOf(name);
  const options: LocalOptions = { name, directory, audit };
  const keeper = await startKeeper(join(import.meta.dirname, 'keeper-main.ts'), options, progress);
  const cluster = findLocal(name);
  if (cluster === undefined) throw new Error(`the keeper of the cluster "${name}" is gone as soon as it was ready`);
  return { keeper, cluster };
}

export function findLocal(name: string): Cluster | undefined {
  const directory = directoryOf(name);
  const state = readKept<LocalState>(directory);
  return state !== undefined && isUp(directory) ? clusterOf(state) : undefined;
}

/** Ends the cluster of this name, also one whose keeper has been killed. */
export async function stopLocal(name: string): Promise<void> {
  await stopKept(directoryOf(name), clearNode);
}

function clusterOf(state: LocalState): Cluster {
  const stop = () => stopLocal(state.name);
  return {
    name: state.name,
    flavour: 'local',
    kubeconfig: state.kubeconfig,
    nodeAddress: state.nodeAddress,
    kubectl: state.kubectl,
    helm: state.helm,
    ...(state.auditLog && { auditLog: state.auditLog }),
    loadImage: (tag) => importImage(state, archiveOf(tag), new AbortController().signal),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
