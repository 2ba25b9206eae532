import { join } from 'node:path';
import { cached, isCached } from '../cache.ts';
import { isExecutable, type Progress } from '../commands.ts';
import { StackError } from '../errors.ts';
import type { Need } from '../needs.ts';
import { compiledSoFar, goBuild, requireGo } from './go.ts';

export const KUBERNETES = '1.36.3';
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
  return binariesIn(await cached(KEY, { progress, signal, detail: compiledSoFar }, (path) => build(path, progress, signal)));
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

/** The module files name the staging modules of Kubernetes by their published versions, because in its own repository those are directories. */
async function build(path: string, progress: Progress, signal: AbortSignal): Promise<void> {
  progress(`etcd ${ETCD}: building (about half a minute)`);
  await goBuild({ module: 'etcd', packages: ['tool'], output: 'etcd' }, path, signal);
  progress(`kube-apiserver, kube-controller-manager and kubectl ${KUBERNETES}: building (about five minutes on two processors)`);
  await goBuild({ module: 'kubernetes', packages: ['tool'], flags: versionFlags() }, path, signal);
}

/** Without them the API server says it is v0.0.0, which Helm charts compare with. */
export function versionFlags(): string {
  const [major, minor] = KUBERNETES.split('.');
  const facts = [`gitVersion=v${KUBERNETES}`, `gitMajor=${major}`, `gitMinor=${minor}`, 'gitTreeState=clean'];
  const packages = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'];
  return packages.flatMap((name) => facts.map((fact) => `-X ${name}.${fact}`)).join(' ');
}

const GO_FIX =
  'install Go 1.21 or newer from https://go.dev/dl (it fetches the toolchain that Kubernetes asks for), or point KUBEBUILDER_ASSETS at etcd, kube-apiserver and kubectl, or use a cluster of yours: --use-cluster';

/** What must be on the machine, each as a function that throws when it is not. */
export const kubernetesNeeds = (env = process.env): readonly Need[] =>
  env['KUBEBUILDER_ASSETS'] || isCached(KEY) ? [] : [() => requireGo('the Kubernetes API server', GO_FIX)];
