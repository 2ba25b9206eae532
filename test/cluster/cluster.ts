import { type ChildProcess, execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { type Progress, which } from '../stack/commands.ts';
import { StackError } from '../stack/errors.ts';
import { findBinaries } from '../stack/kubernetes/binaries.ts';
import { TEMPORARY } from '../stack/leftovers.ts';
import { letOutlive } from '../stack/owner.ts';
import { hasDocker } from './image/docker.ts';
import { findKind, type KindTools, startKind, stopKind } from './kind.ts';
import { helmProgram } from './local/binaries.ts';
import { findLocal, startLocal, stopLocal } from './local/local.ts';

/** `local`: unmodified Kubernetes binaries in namespaces of this machine. `kind`: wherever a Docker daemon runs. */
export type Flavour = 'local' | 'kind';

export interface ClusterOptions {
  /** A cluster of this name can be found from other processes; without one it gets a random name. */
  readonly name?: string;
  /** `kind` when Docker runs and kind is on the PATH, else `local`. */
  readonly flavour?: Flavour;
  /** The API server writes every request (policy: Metadata) to `auditLog`. */
  readonly audit?: boolean;
  readonly progress?: Progress;
}

/** A Kubernetes of one node with real pods: kubelet, scheduler, service addresses and DNS. */
export interface Cluster extends AsyncDisposable {
  readonly name: string;
  readonly flavour: Flavour;
  /** Of an administrator. */
  readonly kubeconfig: string;
  /** The address of this machine as pods reach it: servers on the host listen there. It is there while the cluster is up. */
  readonly nodeAddress: string;
  /** Paths of the programs. */
  readonly kubectl: string;
  readonly helm: string;
  /** A file of JSON lines, one for each event; with `audit` only. */
  readonly auditLog?: string;
  /** Gives the node an image of `buildImage`: pods take it by its tag, with `imagePullPolicy: IfNotPresent` or `Never`. */
  loadImage(tag: string): Promise<void>;
  /** Ends everything in it and forgets it; nothing stays on the host. */
  stop(): Promise<void>;
}

/**
 * Brings up a cluster that lives as long as this process: it ends when the process ends, in whatever way.
 * @throws StackError when something that it needs is missing or a server does not start; nothing is left running then
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  return (await start(options)).cluster;
}

/** Brings up a cluster that stays until somebody ends it, also after this process. */
export async function startLastingCluster(options: ClusterOptions & { readonly name: string }): Promise<Cluster> {
  const { keeper, cluster } = await start(options);
  if (keeper !== undefined) letOutlive(keeper);
  return cluster;
}

/** The cluster of this name if it is up. */
export async function findCluster(name: string): Promise<Cluster | undefined> {
  return findLocal(name) ?? findKind(name)?.(await kindTools(() => {}));
}

/** Ends the cluster of this name, also one that was left by a crash. */
export async function stopCluster(name: string): Promise<void> {
  if (findKind(name) !== undefined) await stopKind(name, execute);
  else await stopLocal(name);
}

interface Started {
  readonly cluster: Cluster;
  /** Of a local one. */
  readonly keeper?: ChildProcess;
}

async function start(options: ClusterOptions): Promise<Started> {
  const { name = `${TEMPORARY}${process.pid}-${randomBytes(3).toString('hex')}`, audit = false, progress = () => {} } = options;
  const flavour = options.flavour ?? (which('kind') !== undefined && (await hasDocker()) ? 'kind' : 'local');
  if (flavour === 'local') return startLocal(name, audit, progress);
  return { cluster: await startKind(name, audit, await kindTools(progress)) };
}

/** Those of this machine, else ours. */
async function kindTools(progress: Progress): Promise<KindTools> {
  const { signal } = new AbortController();
  const kubectl = which('kubectl') ?? (await findBinaries(progress, signal)).kubectl;
  return { kubectl, helm: which('helm') ?? (await helmProgram(progress, signal)), execute };
}

async function execute([program = '', ...args]: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, args)).stdout;
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
    throw new StackError('STACK-SERVER', `\`${[program, ...args].join(' ')}\` failed: ${said}`);
  }
}
