import type { KeptState } from '../../stack/protocol.ts';

/** The one argument of the keeper of a local cluster. */
export interface LocalOptions {
  readonly name: string;
  readonly directory: string;
  readonly audit: boolean;
}

/** What it tells of the cluster that it keeps. */
export interface LocalFacts {
  /** The node's first process, through which its namespaces are entered. */
  readonly init: number;
  /** Where the programs of the node are found. */
  readonly env: Readonly<Record<string, string>>;
  readonly kubeconfig: string;
  readonly nodeAddress: string;
  readonly kubectl: string;
  readonly helm: string;
  readonly auditLog?: string;
}

export type LocalState = KeptState & LocalFacts;
