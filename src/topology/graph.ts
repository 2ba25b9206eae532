import type { LogicalKind } from '../api/common.ts';
import type { Definition, Graph, NodeKey, Problem } from './model.ts';
import { problemsOf } from './problems.ts';

export type { ConnectionDefinition, Definition, Graph, NodeKey, PipelineDefinition, Problem, StreamDefinition } from './model.ts';

export const keyOf = (of: { readonly kind: LogicalKind; readonly name: string }): NodeKey => `${of.kind}/${of.name}`;

/** The pipelines (and source connections) that write a stream, sorted. */
export const writersOf = (graph: Graph, stream: string): readonly NodeKey[] => graph.above(`Stream/${stream}`);

/**
 * The graph of the definitions, and everything that is wrong in it, at once. A resource with a problem does not spoil components that it is
 * not part of; an edge to something that does not exist is left out.
 */
export function buildGraph(definitions: readonly Definition[]): { readonly graph: Graph; readonly problems: readonly Problem[] } {
  const nodes = new Map<NodeKey, Definition>(definitions.map((definition) => [keyOf(definition), definition] as const).sort(([a], [b]) => compareText(a, b)));
  const above = new Map<NodeKey, NodeKey[]>();
  const below = new Map<NodeKey, NodeKey[]>();
  for (const [from, to] of [...nodes.values()].flatMap(edgesOf)) {
    if (!nodes.has(from) || !nodes.has(to)) continue;
    push(below, from, to);
    push(above, to, from);
  }
  for (const neighbours of [...above.values(), ...below.values()]) neighbours.sort(compareText);
  const graph: Graph = {
    nodes,
    above: (key) => above.get(key) ?? [],
    below: (key) => below.get(key) ?? [],
    order: topologicalOrder(nodes, above, below),
  };
  return { graph, problems: problemsOf(graph) };
}

type Edge = readonly [from: NodeKey, to: NodeKey];

/** The edges that a definition states, in the direction of the records. */
function edgesOf(definition: Definition): readonly Edge[] {
  const key = keyOf(definition);
  switch (definition.kind) {
    case 'Stream':
      return [];
    case 'Pipeline':
      return [...[...new Set(definition.outline.inputs)].map((input): Edge => [`Stream/${input}`, key]), [key, `Stream/${definition.outline.output}`]];
    case 'Connection':
      return definition.spec.type === 'Sink' ? [[`Stream/${definition.spec.stream}`, key]] : [[key, `Stream/${definition.spec.stream}`]];
  }
}

/** Level by level, each level sorted. What is left when no level can be made is on or below a cycle. */
function topologicalOrder(
  nodes: Graph['nodes'],
  above: ReadonlyMap<NodeKey, readonly NodeKey[]>,
  below: ReadonlyMap<NodeKey, readonly NodeKey[]>,
): readonly NodeKey[] {
  const waitingFor = new Map<NodeKey, number>([...nodes.keys()].map((key) => [key, above.get(key)?.length ?? 0]));
  const order: NodeKey[] = [];
  let level = [...nodes.keys()].filter((key) => waitingFor.get(key) === 0);
  while (level.length > 0) {
    order.push(...level);
    const next: NodeKey[] = [];
    for (const key of level) {
      for (const reader of below.get(key) ?? []) {
        const left = (waitingFor.get(reader) ?? 0) - 1;
        waitingFor.set(reader, left);
        if (left === 0) next.push(reader);
      }
    }
    level = next.sort(compareText);
  }
  return order;
}

/** Everything that is connected with `key`, in any direction. */
export function component(graph: Graph, key: NodeKey): ReadonlySet<NodeKey> {
  return reach([key], (at) => [...graph.above(at), ...graph.below(at)]);
}

/** What can be reached from `start` by `next`, `start` included. */
export function reach(start: Iterable<NodeKey>, next: (key: NodeKey) => readonly NodeKey[]): ReadonlySet<NodeKey> {
  const found = new Set<NodeKey>();
  const open = [...start];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (found.has(key)) continue;
    found.add(key);
    open.push(...next(key));
  }
  return found;
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function push(lists: Map<NodeKey, NodeKey[]>, key: NodeKey, value: NodeKey): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
