import type { StreamSpec } from '../api/stream.ts';
import { hashOf } from './canonical.ts';
import type { ConnectionDefinition, Definition, Graph, NodeKey, PipelineDefinition, StreamDefinition } from './graph.ts';
import { writersOf } from './graph.ts';
import { normalConnection, normalFields, normalIdentity, normalStream, primaryKeyOf } from './normal-form.ts';

/** Version of the algorithm. A change of anything below changes it, or Revisions of an older operator would be shared wrongly. */
const version = 'v1';

/** Digest of a spec as it is written: any edit changes it. For `resources[].digest` of a migration. */
export const digestOf = (spec: unknown): string => hashOf(spec);

/**
 * Digest of what a definition means by itself, whatever it reads: comments, layout, defaults and `keepVersions` are outside. This is what a
 * Revision records as `accepted`, so that an edit which means nothing is never pending.
 */
export function definitionDigest(definition: Definition): string {
  return hashOf({ platform: definition.spec.platformRef.name, definition: meaningOf(definition) });
}

function meaningOf(definition: Definition): unknown {
  switch (definition.kind) {
    case 'Stream':
      return normalStream(definition.spec);
    case 'Pipeline':
      return { engine: definition.spec.engine, sql: definition.outline.canonical };
    case 'Connection':
      return normalConnection(definition.spec);
  }
}

/**
 * `v1:` and a hash for every node in `graph.order`: of its definition and of everything above it that it depends on. Equal fingerprints
 * mean equal output for equal roots, so a live Revision with the wanted fingerprint need not be cloned.
 */
export function fingerprints(graph: Graph): ReadonlyMap<NodeKey, string> {
  const known = new Map<NodeKey, string>();
  for (const key of graph.order) {
    const definition = graph.nodes.get(key);
    if (definition) known.set(key, `${version}:${hashOf({ key, ...identityOf(graph, definition, known) })}`);
  }
  return known;
}

type Known = ReadonlyMap<NodeKey, string>;

function identityOf(graph: Graph, definition: Definition, known: Known): object {
  switch (definition.kind) {
    case 'Stream':
      return streamIdentity(graph, definition, known);
    case 'Pipeline':
      return pipelineIdentity(graph, definition, known);
    case 'Connection':
      return sinkIdentity(graph, definition, known);
  }
}

const streamIdentity = (graph: Graph, { name, spec }: StreamDefinition, known: Known): object => ({
  stream: normalStream(spec),
  writers: spec.external ? [] : graph.above(`Stream/${name}`).map((writer) => known.get(writer)),
});

/** The output stream belongs to it: what a pipeline writes is shaped, keyed and spread as that stream says. */
const pipelineIdentity = (graph: Graph, { name, spec, outline }: PipelineDefinition, known: Known): object => ({
  engine: spec.engine,
  sql: outline.canonical,
  reads: outline.inputs.map((input) => inputIdentity(graph, input, outline.columns.get(input), known)),
  writes: outputIdentity(graph, outline.output),
  path: pathOf(graph, name, outline.output),
});

const sinkIdentity = (graph: Graph, { spec }: ConnectionDefinition, known: Known): object => ({
  sink: normalConnection(spec),
  reads: inputIdentity(graph, spec.stream, undefined, known),
});

/** Part of the identity of a pipeline's records where several pipelines write the stream: two records of one origin must stay two. */
export const pathOf = (graph: Graph, pipeline: string, output: string): string => (writersOf(graph, output).length > 1 ? pipeline : '');

function outputIdentity(graph: Graph, name: string): unknown {
  const output = graph.nodes.get(`Stream/${name}`);
  return output?.kind === 'Stream' ? normalStream(output.spec) : undefined;
}

/**
 * What a reader depends on. Of an owned stream everything, because its writers decide what is in it. Of an external one only what is used:
 * others add columns to their topic as they please, and that must not clone what never looks at them.
 */
function inputIdentity(graph: Graph, name: string, columns: readonly string[] | undefined, known: Known): unknown {
  const input = graph.nodes.get(`Stream/${name}`);
  if (input?.kind !== 'Stream') return undefined;
  return input.spec.external ? usedOf(input.spec, columns) : known.get(`Stream/${name}`);
}

function usedOf(spec: StreamSpec, columns: readonly string[] | undefined): unknown {
  const fields = normalFields(spec.schema.fields);
  const identity = { topic: spec.external?.topic, ...normalIdentity(spec) };
  if (columns === undefined) return { ...identity, fields };
  const used = new Set([...columns, ...primaryKeyOf(spec.keys)]);
  return { ...identity, fields: fields.filter(({ name }) => used.has(name)).sort((a, b) => (a.name < b.name ? -1 : 1)) };
}
