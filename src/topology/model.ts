import type { LogicalKind } from '../api/common.ts';
import type { ConnectionSpec } from '../api/connection.ts';
import type { GrueError } from '../api/errors.ts';
import type { PipelineSpec } from '../api/pipeline.ts';
import type { StreamSpec } from '../api/stream.ts';
import type { SqlOutline } from '../drivers/ports.ts';

/** Kind and name of a logical resource, as people write it: `Stream/flights`. */
export type NodeKey = `${LogicalKind}/${string}`;

/** What one logical resource says. A pipeline comes with the outline of its SQL, because its edges stand only there. */
export type Definition =
  | { readonly kind: 'Stream'; readonly name: string; readonly spec: StreamSpec }
  | { readonly kind: 'Pipeline'; readonly name: string; readonly spec: PipelineSpec; readonly outline: SqlOutline }
  | { readonly kind: 'Connection'; readonly name: string; readonly spec: ConnectionSpec };

export type StreamDefinition = Extract<Definition, { kind: 'Stream' }>;
export type PipelineDefinition = Extract<Definition, { kind: 'Pipeline' }>;
export type ConnectionDefinition = Extract<Definition, { kind: 'Connection' }>;

/** The resources of a namespace and how records flow between them. */
export interface Graph {
  readonly nodes: ReadonlyMap<NodeKey, Definition>;
  /** Direct neighbours against the flow, sorted: streams above a pipeline or sink, writers above a stream. */
  above(key: NodeKey): readonly NodeKey[];
  /** Direct neighbours with the flow, sorted. */
  below(key: NodeKey): readonly NodeKey[];
  /** Every node after all that is above it; the same for the same definitions in any order. Nodes on or below a cycle are left out. */
  readonly order: readonly NodeKey[];
}

/** What is wrong with one resource in the context of the others. */
export interface Problem {
  readonly at: NodeKey;
  readonly error: GrueError;
}
