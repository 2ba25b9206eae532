import type { Graph, NodeKey } from './graph.ts';

/**
 * Everything that has to be cloned together with `changed`, `changed` included.
 *
 * A cloned pipeline writes another topic, so its output stream is cloned. A cloned stream needs all of its records, so all its writers
 * are; and its readers must not mix old and new, so all its readers are, and their aliases flip together. An external stream is read as
 * it is and pulls in nothing: the caller names those readers that its change matters to. A connection is an end.
 */
export function closure(graph: Graph, changed: Iterable<NodeKey>): ReadonlySet<NodeKey> {
  const members = new Set<NodeKey>();
  const open = [...changed];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (members.has(key)) continue;
    members.add(key);
    open.push(...pulledBy(graph, key));
  }
  return members;
}

/** The nodes that a clone of `key` pulls in directly. */
export function pulledBy(graph: Graph, key: NodeKey): readonly NodeKey[] {
  const definition = graph.nodes.get(key);
  if (definition?.kind === 'Pipeline') return graph.below(key);
  if (definition?.kind === 'Stream' && definition.spec.external === undefined) return [...graph.above(key), ...graph.below(key)];
  return [];
}
