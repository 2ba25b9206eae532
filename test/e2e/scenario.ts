import type { Phase } from '../../src/api/stream-migration.ts';
import type { KubeClient } from '../../src/controller/kube/client.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Workspace } from '../support/workspace.ts';

/** Something that is shown on a real cluster, with pods, while records are produced and readers search. */
export interface Scenario {
  /** What happens, as a sentence: it stands in the table. */
  readonly name: string;
  /**
   * `Shared`: lives beside others under one release for all namespaces, made with the defaults of the chart, and leaves that release as it is.
   * `Own`: makes a release of its own, for its own namespace alone.
   */
  readonly installation: 'Shared' | 'Own';
  /** Nothing else may run meanwhile, because it changes what all releases have in common. */
  readonly alone?: boolean;
  /** Makes what is kept for later runs too, such as programs that are built: the time of the scenario begins after it. */
  prepare?(progress: (line: string) => void, signal: AbortSignal): Promise<void>;
  /** @throws Error when something is not as it should be; the numbers are judged by the caller */
  run(context: Context): Promise<Numbers>;
}

/** What was counted on Kafka and Elasticsearch, after everything has arrived. All of it must be 0. */
export interface Numbers {
  /** Acknowledged by Kafka, and in no document. */
  readonly lost: number;
  /** In more than one document; and documents that stand for no record, or for an older state of one. */
  readonly duplicated: number;
  /** Searches that failed, missed documents which were certainly there, or mixed two indices. */
  readonly failedReads: number;
}

/** What a scenario is given. All that it makes ends with it. */
export interface Context {
  readonly cluster: Cluster;
  /** Of the image that the chart is to run, in the form that `release` takes; the node has it. */
  readonly image: { readonly repository: string; readonly tag: string };
  readonly kube: KubeClient;
  /** A namespace of its own, which lets in only pods that are `restricted`. */
  readonly namespace: string;
  /** Makes one more such namespace. Its name begins with that of the first. */
  makeNamespace(suffix: string): Promise<string>;
  /** The release for all namespaces, or one of its own, not yet installed. */
  readonly release: Release;
  /** Runs kubectl as an administrator. @returns its output @throws Error with what it said, when it fails */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  helm(args: readonly string[], input?: string): Promise<string>;
  /** Records, and readers who search them. @returns when its history is in the topic; what is to process it need not be there yet */
  startWorkload(options?: WorkloadOptions): Promise<Workload>;
  /** Something secret that must be found nowhere in the end, as a password. */
  canaryOf(secret: string): void;
  /** Tells what happens, one line. */
  say(line: string): void;
  /** Is called when the scenario is over, however it went; the last one first. */
  onEnd(work: () => Promise<void>): void;
  readonly signal: AbortSignal;
}

export type Component = 'operator' | 'worker';

/** Values of the chart: what is not named stays as the chart has it. */
export type Values = Readonly<Record<string, unknown>>;

/** A release of the chart. */
export interface Release {
  readonly name: string;
  readonly namespace: string;
  /** @returns what Helm says, when all pods are ready @throws Error when they are not within the time */
  install(values?: Values, patienceSeconds?: number): Promise<string>;
  /** Keeps the values of before and lays these over them. */
  upgrade(values?: Values): Promise<string>;
  uninstall(): Promise<string>;
  /** The pods of a component that are not ending. */
  pods(component: Component): Promise<readonly Pod[]>;
  /** The operator that holds the Lease, or undefined. */
  leader(): Promise<Pod | undefined>;
  /** Kills the process in the pod with SIGKILL, and takes the pod away at once: as when a node is lost. */
  kill(pod: Pod): Promise<void>;
  scale(component: Component, replicas: number): Promise<void>;
  /** Waits until all pods of both components are ready. */
  ready(): Promise<void>;
}

export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly ready: boolean;
}

export interface WorkloadOptions {
  /** Where its resources are; by default in the namespace of the scenario. */
  readonly namespace?: string;
  /** Records that are there before the first migration. */
  readonly history?: number;
  /** Makes Secrets, Platform, Stream, Pipeline and Connection, and waits until readers find the history; true by default. */
  readonly live?: boolean;
}

/**
 * A topology under load: a topic, SQL, a stream and an index behind an alias. A producer goes on all the time and keeps a ledger of what
 * Kafka has acknowledged, and readers search all the time who know nothing but the alias.
 */
export interface Workload {
  readonly workspace: Workspace;
  readonly alias: string;
  /** Elasticsearch as the pods reach it. */
  readonly gate: SearchGate;
  /** Makes or mends the Secrets, with what the servers want now. */
  writeSecrets(): Promise<void>;
  /** From now on Kafka lets in new connections with another password only. */
  changeKafkaPassword(): Promise<void>;
  /** Applies the resources as they are written now. */
  applyAll(): Promise<void>;
  /** The manifests of that, as a file of YAML documents: for what applies them itself. */
  manifests(): string;
  /** Waits until readers find the history. Readers begin here, because before it there is nothing to find. */
  goLive(): Promise<void>;
  /** Writes the next version of SQL and schema, and applies it with a migration. */
  migrate(name: string, spec?: object): Promise<void>;
  /** Writes the next version, and applies nothing. */
  edit(): void;
  inPhase(name: string, ...phases: readonly Phase[]): Promise<void>;
  /**
   * Waits until nothing is on the servers but what live Revisions and kept indices account for.
   * @throws Error that names topics, groups, indices and Revisions which stay without a reason
   */
  nothingLeft(): Promise<void>;
  /** Ends the producer, waits until all has arrived, and counts. */
  settle(): Promise<Numbers>;
}

/** A proxy before Elasticsearch that wants a password, as a secured cluster does. It listens where pods reach it. */
export interface SearchGate {
  readonly url: string;
  /** From now on only this password is right. */
  changePassword(): void;
  /** Requests like these wait until they are let through. */
  hold(like: (method: string, path: string) => boolean): Held;
}

export interface Held {
  /** Resolves when a request waits. */
  readonly caught: Promise<void>;
  /** Lets through what waits, and all that comes. */
  letGo(): void;
}

export const noNumbers: Numbers = { lost: 0, duplicated: 0, failedReads: 0 };
