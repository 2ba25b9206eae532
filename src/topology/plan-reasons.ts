import type { Binding, Revision } from '../api/revision.ts';
import { canonicalJson } from './canonical.ts';
import type { Definition, Graph, NodeKey } from './graph.ts';
import { normalFields, normalKeys, normalStream } from './normal-form.ts';

/**
 * What differs between a definition and its live Revision, as a fragment for people: `SQL changed`, `schema and partitions changed`.
 * Empty when the difference lies above it.
 */
export function differenceOf(graph: Graph, definition: Definition, live: Revision): string {
  const parts = partsOf(graph, definition, live)
    .filter(([, wanted, found]) => canonicalJson(wanted) !== canonicalJson(found))
    .map(([name]) => name);
  if (parts.length === 0) return '';
  return `${parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`} changed`;
}

type Part = readonly [name: string, wanted: unknown, found: unknown];

function partsOf(graph: Graph, definition: Definition, { spec }: Revision): readonly Part[] {
  switch (definition.kind) {
    case 'Stream': {
      const wanted = normalStream(definition.spec);
      const found = spec.stream;
      if (!found) return [];
      return [
        ['type', wanted.type, found.type],
        ['schema', wanted.fields, normalFields(found.fields)],
        ['keys', wanted.keys, normalKeys(found.keys)],
        ['ordering', wanted.ordering, found.orderingField],
        ['partitions', wanted.partitions, found.external ? undefined : found.partitions],
        ['topic', wanted.topic, found.external ? spec.physical.topic : undefined],
      ];
    }
    case 'Pipeline': {
      const found = spec.pipeline;
      if (!found) return [];
      return [
        ['engine', definition.spec.engine, found.engine],
        ['SQL', definition.spec.sql, found.sql],
        ...found.reads.filter(({ root }) => root).map((reads) => boundPart(graph, reads)),
        boundPart(graph, found.writes),
      ];
    }
    case 'Connection': {
      const found = spec.connection;
      const wanted = definition.spec.destination;
      if (!found) return [];
      return [
        ['stream', definition.spec.stream, found.reads.stream],
        ['alias', wanted?.alias, found.destination.alias],
        ['mappings', wanted?.mappings ?? {}, found.destination.mappings ?? {}],
        ['settings', wanted?.settings ?? {}, found.destination.settings ?? {}],
        ...(found.reads.root ? [boundPart(graph, found.reads)] : []),
      ];
    }
  }
}

/** A stream as the stage has it, against the stream as it is wanted. */
function boundPart(graph: Graph, { stream, type, fields, keys, orderingField }: Binding): Part {
  const definition = graph.nodes.get(`Stream/${stream}`);
  const name = `the definition of Stream/${stream}`;
  if (definition?.kind !== 'Stream') return [name, undefined, undefined];
  const wanted = normalStream(definition.spec);
  return [
    name,
    { type: wanted.type, fields: wanted.fields, keys: wanted.keys, ordering: wanted.ordering },
    { type, fields: normalFields(fields), keys: normalKeys(keys), ordering: orderingField },
  ];
}

/** Why a node comes along with a cloned neighbour. */
export function pulledReason(graph: Graph, key: NodeKey, by: NodeKey): string {
  const flowsDown = graph.below(by).includes(key);
  if (key.startsWith('Stream/')) return flowsDown ? `${by}, which is cloned, writes it` : `${by}, which is cloned, reads it`;
  return flowsDown ? `reads ${by}, which is cloned` : `writes ${by}, which is cloned`;
}
