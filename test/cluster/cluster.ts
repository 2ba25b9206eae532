import type { Progress } from '../stack/commands.ts';

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
