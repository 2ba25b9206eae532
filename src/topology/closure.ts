import { type Graph, type NodeKey, reach } from './graph.ts';

/**
 * Everything that has to be cloned together with `changed`, `changed` included.
 *
 * A cloned pipeline writes another topic, so its output stream is cloned. A cloned stream needs all of its records, so all its writers
 * are; and its readers must not mix old and new, so all its readers are, and their aliases flip together. An external stream is read as
 * it is and pulls in nothing: the caller names those readers that its change matters to. A connection is an end.
 */
export const closure = (graph: Graph, changed: Iterable<NodeKey>): ReadonlySet<NodeKey> => reach(changed, (key) => pulledBy(graph, key));

/** The nodes that a clone of `key` pulls in directly. */
export function pulledBy(graph: Graph, key: NodeKey): readonly NodeKey[] {
  const definition = graph.nodes.get(key);
  if (definition?.kind === 'Pipeline') return graph.below(key);
  if (definition?.kind === 'Stream' && definition.spec.external === undefined) return [...graph.above(key), ...graph.below(key)];
  return [];
}
