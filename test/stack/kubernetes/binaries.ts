import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, isCached } from '../cache.ts';
import { isExecutable, type Progress, run, which } from '../commands.ts';
import { StackError } from '../errors.ts';
import type { Need } from '../needs.ts';

const KUBERNETES = '1.36.3';
const ETCD = '3.6.4';
const RECIPE = 1; // counts changes of what this file makes
const KEY = `kubernetes-${KUBERNETES}-etcd-${ETCD}-${RECIPE}-${process.platform}-${process.arch}`;

export interface KubernetesBinaries {
  readonly etcd: string;
  readonly apiServer: string;
  readonly kubectl: string;
  readonly controllerManager?: string;
}

/** The servers of a Kubernetes API: those of KUBEBUILDER_ASSETS if that is set, else built once from their Go modules. */
export async function findBinaries(progress: Progress, signal: AbortSignal, env = process.env): Promise<KubernetesBinaries> {
  const assets = env['KUBEBUILDER_ASSETS'];
  if (assets) return binariesIn(assets);
  const detail = (unfinished: string) => `, ${packagesCompiled(join(unfinished, 'build.log'))} packages compiled`;
  return binariesIn(await cached(KEY, { progress, signal, detail }, (path) => build(path, progress, signal)));
}

/** @throws StackError STACK-ASSETS naming what is missing */
function binariesIn(directory: string): KubernetesBinaries {
  const need = (name: string) => {
    const path = join(directory, name);
    if (isExecutable(path)) return path;
    throw new StackError(
      'STACK-ASSETS',
      `${directory} holds no ${name}`,
      'KUBEBUILDER_ASSETS must hold etcd, kube-apiserver and kubectl (setup-envtest makes such a directory); unset it to have them built',
    );
  };
  const controllerManager = join(directory, 'kube-controller-manager');
  return {
    etcd: need('etcd'),
    apiServer: need('kube-apiserver'),
    kubectl: need('kubectl'),
    ...(isExecutable(controllerManager) && { controllerManager }),
  };
}

/**
 * The module files beside this one pin every module by its checksum. They name the staging modules of Kubernetes by
 * their published versions, because in its own repository those are directories.
 */
async function build(path: string, progress: Progress, signal: AbortSignal): Promise<void> {
  await cp(join(import.meta.dirname, 'build'), join(path, 'source'), { recursive: true });
  const env = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly', GOWORK: 'off', GOTOOLCHAIN: process.env['GOTOOLCHAIN'] ?? 'auto' };
  const compile = (module: string, flags: string, output: string) => {
    const command = ['go', 'build', '-v', '-trimpath', '-ldflags', `-s -w ${flags}`, '-o', output, 'tool'];
    return run(command, { cwd: join(path, 'source', module), env, signal, log: join(path, 'build.log') });
  };
  progress(`etcd ${ETCD}: building (about half a minute)`);
  await compile('etcd', '', join(path, 'etcd'));
  progress(`kube-apiserver, kube-controller-manager and kubectl ${KUBERNETES}: building (about five minutes on two processors)`);
  await mkdir(path, { recursive: true });
  await compile('kubernetes', versionFlags(), `${path}/`);
  await rm(join(path, 'source'), { recursive: true });
}

/** Without them the API server says it is v0.0.0, which Helm charts compare with. */
function versionFlags(): string {
  const [major, minor] = KUBERNETES.split('.');
  const facts = [`gitVersion=v${KUBERNETES}`, `gitMajor=${major}`, `gitMinor=${minor}`, 'gitTreeState=clean'];
  const packages = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'];
  return packages.flatMap((name) => facts.map((fact) => `-X ${name}.${fact}`)).join(' ');
}

const GO_FIX =
  'install Go 1.21 or newer from https://go.dev/dl (it fetches the toolchain that Kubernetes asks for), or point KUBEBUILDER_ASSETS at etcd, kube-apiserver and kubectl, or use a cluster of yours: --use-cluster';

/** What must be on the machine, each as a function that throws when it is not. */
export const kubernetesNeeds = (env = process.env): readonly Need[] => (env['KUBEBUILDER_ASSETS'] || isCached(KEY) ? [] : [requireGo]);

/** `go build -v` names each package when it begins with it. */
function packagesCompiled(log: string): number {
  try {
    return readFileSync(log, 'latin1').split('\n').length - 1;
  } catch {
    return 0;
  }
}

function requireGo(): void {
  if (which('go') === undefined) throw new StackError('STACK-GO', 'Go is needed to build the Kubernetes API server, and there is no go in PATH', GO_FIX);
  const version = execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', env: { ...process.env, GOTOOLCHAIN: 'local' } }).trim();
  const [, major, minor] = version.match(/^go(\d+)\.(\d+)/) ?? [];
  if (Number(major) === 1 && Number(minor) < 21)
    throw new StackError('STACK-GO', `Go 1.21 or newer is needed to build the Kubernetes API server, this is ${version}`, GO_FIX);
}
