import type { Revision, RevisionSpec } from '../api/revision.ts';
import type { PlannedStep } from '../api/stream-migration.ts';
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
  /** Blue Revisions of a running soak, still fed: a plan flips back to them where they are what is wanted. */
  readonly retired?: readonly Revision[];
  /** Whether the topic of a live stream Revision still holds all the history that green needs. Not asked at a first install. */
  readonly covers: (stream: Revision) => boolean;
  /** Per external stream. */
  readonly roots: ReadonlyMap<NodeKey, RootFacts>;
  /** `definitionDigest` of the logical resources. */
  readonly accepted: ReadonlyMap<NodeKey, string>;
  /** Six random characters for the physical names of a node. Asked once for each node. */
  readonly suffix: (key: NodeKey) => string;
}

export interface NewRevision {
  readonly name: string;
  readonly spec: RevisionSpec;
}

export interface Plan {
  /** Of everything but the random suffixes: what an approval stands for. */
  readonly hash: string;
  readonly steps: readonly PlannedStep[];
  /** To create, in topological order. */
  readonly revisions: readonly NewRevision[];
}

/**
 * What to clone, what to share, and the Revisions to create.
 * @throws GrueError GRUE-API-002 (a named resource is not there), GRUE-API-005 (not in this version), GRUE-KFK-001 (no facts about a root),
 * GRUE-MIG-004 (too large), GRUE-MIG-007 (a root no longer holds the history)
 */
export function planRevisions(_input: PlanInput): Plan | { readonly nothingToDo: string } {
  throw new Error('under construction');
}
