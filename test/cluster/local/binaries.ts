import { join } from 'node:path';
import { cached, isCached } from '../../stack/cache.ts';
import type { Progress } from '../../stack/commands.ts';
import { findBinaries, KUBERNETES, type KubernetesBinaries, kubernetesNeeds, versionFlags } from '../../stack/kubernetes/binaries.ts';
import { compiledSoFar, type GoBuild, goBuild, requireGo } from '../../stack/kubernetes/go.ts';
import type { Need } from '../../stack/needs.ts';
import { writeImage } from '../image/archive.ts';

const HELM = '4.3.1';
const COREDNS = '1.15.0';
const PLATFORM = `${process.platform}-${process.arch}`;

/** What a node needs beyond the API server, each built once and only when a cluster is asked for. */
const NODE = `kubernetes-node-${KUBERNETES}-1-${PLATFORM}`;
const HELM_KEY = `helm-${HELM}-1-${PLATFORM}`;
const PODS = `cluster-pods-coredns-${COREDNS}-1-${PLATFORM}`;

export const IMAGES = { pause: 'localhost/pause:1', coredns: `localhost/coredns:${COREDNS}` } as const;

export interface NodeBinaries extends KubernetesBinaries {
  readonly controllerManager: string;
  readonly kubelet: string;
  readonly scheduler: string;
  readonly proxy: string;
  readonly helm: string;
  /** Image archives of what runs in every cluster. */
  readonly images: readonly string[];
}

export const binaryNeeds = (): readonly Need[] => {
  const fix = 'install Go 1.21 or newer from https://go.dev/dl (it fetches the toolchain that Kubernetes asks for)';
  return [...kubernetesNeeds({}), ...([NODE, HELM_KEY, PODS].every(isCached) ? [] : [() => requireGo('the node of a cluster', fix)])];
};

/** Builds what is missing. KUBEBUILDER_ASSETS is left alone: all of a cluster is of one version. */
export async function nodeBinaries(progress: Progress, signal: AbortSignal): Promise<NodeBinaries> {
  const build = (key: string, what: GoBuild, then = async (_directory: string) => {}) =>
    cached(key, { progress, signal, detail: compiledSoFar }, async (path) => {
      await goBuild(what, path, signal);
      await then(path);
    });
  // one after the other: each takes all processors
  const api = await findBinaries(progress, signal, {});
  const node = await build(NODE, { module: 'node', packages: ['tool'], flags: versionFlags() });
  const helm = await helmProgram(progress, signal);
  const pods = await build(PODS, { module: 'pods', packages: ['./coredns', './pause'] }, async (path) => {
    await writeImage(join(path, 'coredns.tar'), {
      tag: IMAGES.coredns,
      files: { '/coredns': join(path, 'coredns') },
      entrypoint: ['/coredns'],
      user: '65532:65532',
    });
    await writeImage(join(path, 'pause.tar'), { tag: IMAGES.pause, files: { '/pause': join(path, 'pause') }, entrypoint: ['/pause'], user: '65535:65535' });
  });
  return {
    ...api,
    controllerManager: join(api.apiServer, '../kube-controller-manager'),
    kubelet: join(node, 'kubelet'),
    scheduler: join(node, 'kube-scheduler'),
    proxy: join(node, 'kube-proxy'),
    helm,
    images: ['coredns.tar', 'pause.tar'].map((name) => join(pods, name)),
  };
}

/** Helm, built once; tests of the chart alone need no more than this. */
export async function helmProgram(progress: Progress, signal: AbortSignal): Promise<string> {
  const flags = `-X helm.sh/helm/v4/internal/version.version=v${HELM}`;
  const directory = await cached(HELM_KEY, { progress, signal, detail: compiledSoFar }, (path) =>
    goBuild({ module: 'helm', packages: ['tool'], flags }, path, signal),
  );
  return join(directory, 'helm');
}
