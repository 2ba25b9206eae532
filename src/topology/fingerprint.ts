import { hashOf } from './canonical.ts';
import type { Definition, Graph, NodeKey } from './graph.ts';

/** Digest of a spec as it is written: any edit changes it. For `resources[].digest` of a migration. */
export const digestOf = (spec: unknown): string => hashOf(spec);

/** Digest of what a definition means by itself: comments, layout and defaults are outside. This is what a Revision records as `accepted`. */
export function definitionDigest(_definition: Definition): string {
  throw new Error('under construction');
}

/** `v1:` and a hash for every node in `graph.order`: of its definition and of everything above it that it depends on. */
export function fingerprints(_graph: Graph): ReadonlyMap<NodeKey, string> {
  throw new Error('under construction');
}
