import type { StackErrorCode } from './errors.ts';

/** What the keeper of a stack, its owner and others who use the stack say to each other. All of it is JSON. */

export const PARTS = ['kubernetes', 'kafka', 'elasticsearch'] as const;
export type Part = (typeof PARTS)[number];

/** The one argument of the keeper. */
export interface KeeperOptions {
  readonly name: string;
  readonly directory: string;
  readonly only: readonly Part[];
  /** A kubeconfig of a cluster that is there already, instead of an API server of our own. */
  readonly useCluster?: string | undefined;
  /** The address on which Kafka and Elasticsearch listen, and which they tell to their clients. */
  readonly listen: string;
  /** Processors per server name. */
  readonly pin?: Readonly<Record<string, readonly number[]>> | undefined;
}

/** From keeper to owner, over the process channel. */
export type KeeperMessage =
  | { readonly type: 'progress'; readonly line: string }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly code: StackErrorCode; readonly message: string };

/** From owner to keeper. Without it the stack ends with its owner. */
export interface OwnerMessage {
  readonly type: 'outlive';
}

/** One line to the control socket, answered by one line. */
export type ControlRequest =
  | { readonly verb: 'stop' | 'start' | 'restart' | 'pause' | 'resume'; readonly server: string }
  | { readonly verb: 'kill'; readonly server: string; readonly signal: NodeJS.Signals };

export type ControlAnswer = { readonly ok: true } | { readonly ok: false; readonly message: string };

export interface ProcessIdentity {
  readonly pid: number;
  readonly start: string;
}

/** `stack.json` in the directory of what a keeper keeps; it exists while that is up. */
export interface KeptState {
  readonly name: string;
  readonly directory: string;
  readonly keeper: ProcessIdentity;
  readonly controlSocket: string;
}

export interface StackState extends KeptState {
  readonly kubernetes?: KubernetesState;
  readonly kafka?: KafkaState;
  readonly elasticsearch?: ElasticsearchState;
}

export interface KubernetesState {
  readonly kubeconfigPath: string;
  readonly kubectl: string;
  readonly server: string;
  /** False when only etcd and the API server could be found: then no namespace ever goes and nothing is collected. */
  readonly controllerManager: boolean;
  /** Where the authority's certificate and key are, with which users are made; absent in a cluster that is not ours. */
  readonly authority?: string;
}

export interface KafkaState {
  readonly bootstrapServers: string;
  /** SASL_PLAINTEXT: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
  readonly saslBootstrapServers: string;
  readonly user: string;
  readonly password: string;
}

export interface ElasticsearchState {
  readonly url: string;
}
