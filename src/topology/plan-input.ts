import type { Revision, RevisionSpec } from '../api/revision.ts';
import type { Graph, NodeKey } from './graph.ts';

/** What is known of the topic behind an external stream. */
export interface RootFacts {
  readonly epoch: number;
  readonly partitions: number;
}

export interface PlanInput {
  readonly namespace: string;
  /** First part of every physical name, of the Platform. */
  readonly prefix: string;
  readonly platform: RevisionSpec['platform'];
  /** Name of the migration; empty for a first install. */
  readonly migration: string;
  /** Counts the attempts of the migration. An approval is for one of them. */
  readonly attempt: number;
  /** What is to be live afterwards: the closure from the logical specs, everything else from live Revisions. */
  readonly desired: Graph;
  /** What the migration names. */
  readonly named: readonly NodeKey[];
  /** Clone what is named although nothing changed. */
  readonly rebuild: boolean;
  /** Derived, see live.ts; empty at the first install. */
  readonly live: ReadonlyMap<NodeKey, Revision>;
  /** All in the namespace: numbers continue after the highest. */
  readonly revisions: readonly Revision[];
  /** Higher numbers that the servers know of, of Revisions that are lost. */
  readonly taken?: ReadonlyMap<NodeKey, number>;
  /** Blue Revisions of a running soak, still fed: a plan flips back to them where they are what is wanted. */
  readonly retired?: readonly Revision[];
  /** Whether the topic of a live stream Revision still holds all the history that green needs. Not asked at a first install, which has no blue to live up to. */
  readonly covers: (stream: Revision) => boolean;
  /** Per external stream. */
  readonly roots: ReadonlyMap<NodeKey, RootFacts>;
  /** `definitionDigest` of the logical resources. */
  readonly accepted: ReadonlyMap<NodeKey, string>;
  /** Six random characters for the physical names of a node. Asked once for each node. */
  readonly suffix: (key: NodeKey) => string;
}
