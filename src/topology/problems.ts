import { GrueError } from '../api/errors.ts';
import { parseFieldType } from '../records/field-types.ts';
import type { ConnectionDefinition, Definition, Graph, NodeKey, PipelineDefinition, Problem, StreamDefinition } from './model.ts';

/** Bounds of the lists in a Revision. */
const mostInputs = 16;
const mostWriters = 64;

/** Everything that is wrong in a graph, sorted by resource. */
export function problemsOf(graph: Graph): readonly Problem[] {
  const cycles = cyclesOf(graph);
  const rivals = rivalsOf(graph);
  return [...graph.nodes].flatMap(([at, definition]) => {
    const cycle = cycles.get(at);
    const errors = [...errorsOf(graph, at, definition, rivals), ...(cycle ? [cycle] : [])];
    return errors.map((error) => ({ at, error }));
  });
}

function errorsOf(graph: Graph, at: NodeKey, definition: Definition, rivals: Rivals): readonly GrueError[] {
  switch (definition.kind) {
    case 'Stream':
      return streamErrors(graph, at, definition);
    case 'Pipeline':
      return pipelineErrors(graph, at, definition);
    case 'Connection':
      return connectionErrors(graph, at, definition, rivals);
  }
}

function streamErrors(graph: Graph, at: NodeKey, definition: StreamDefinition): readonly GrueError[] {
  return [...typeErrors(definition), ...(definition.spec.external ? [] : writerErrors(graph, at, definition))];
}

/** Types that fit their pattern and mean nothing, such as DECIMAL(5,9). */
function typeErrors({ spec }: StreamDefinition): readonly GrueError[] {
  return spec.schema.fields.flatMap(({ name, type }) => {
    try {
      parseFieldType(type);
      return [];
    } catch (error) {
      if (!(error instanceof GrueError)) throw error;
      return [new GrueError(error.code, error.message, { at: `spec.schema.fields.${name}`, ...(error.fix === undefined ? {} : { fix: error.fix }) })];
    }
  });
}

function writerErrors(graph: Graph, at: NodeKey, { name }: StreamDefinition): readonly GrueError[] {
  const writers = graph.above(at);
  if (writers.length === 0) {
    const fix = `add a Pipeline with "INSERT INTO ${name} SELECT ...", or say spec.external if others write it`;
    return [new GrueError('GRUE-API-007', `no Pipeline writes ${at}, and it is not external`, { at: 'spec', fix })];
  }
  if (writers.length > mostWriters) {
    return [
      new GrueError('GRUE-API-005', `${writers.length} pipelines write ${at}, more than ${mostWriters}`, {
        at: 'spec',
        fix: 'merge some of them with UNION ALL',
      }),
    ];
  }
  return [];
}

function pipelineErrors(graph: Graph, at: NodeKey, { spec, outline }: PipelineDefinition): readonly GrueError[] {
  const errors: GrueError[] = [];
  if (spec.engine === 'flink')
    errors.push(new GrueError('GRUE-API-005', 'the engine flink is not supported in this version', { at: 'spec.engine', fix: 'use embedded' }));
  for (const input of new Set(outline.inputs)) errors.push(...referenceErrors(graph, input, spec.platformRef.name, 'spec.sql', 'reads'));
  errors.push(...referenceErrors(graph, outline.output, spec.platformRef.name, 'spec.sql', 'writes'));
  if (outline.inputs.length > mostInputs) {
    errors.push(
      new GrueError('GRUE-API-005', `the SQL reads ${outline.inputs.length} streams, more than ${mostInputs}`, {
        at: 'spec.sql',
        fix: 'gather them in stages',
      }),
    );
  }
  const output = graph.nodes.get(`Stream/${outline.output}`);
  if (output?.kind !== 'Stream') return errors;
  if (output.spec.external) {
    const fix = 'write another stream, or take spec.external off that one';
    errors.push(new GrueError('GRUE-API-006', `the SQL writes Stream/${outline.output}, which is external: others write it`, { at: 'spec.sql', fix }));
  } else if (output.spec.keys?.primary?.length) {
    errors.push(...rivalWriters(graph, at, outline.output));
  }
  return errors;
}

/** Two writers of one key have no order between them, so nobody could say which of two records is the later one. */
function rivalWriters(graph: Graph, at: NodeKey, output: string): readonly GrueError[] {
  const others = graph.above(`Stream/${output}`).filter((writer) => writer !== at);
  if (others.length === 0) return [];
  const message = `${others.join(' and ')} ${others.length === 1 ? 'writes' : 'write'} Stream/${output} too, and a stream with a primary key has one writer`;
  return [new GrueError('GRUE-API-005', message, { at: 'spec.sql', fix: 'give each pipeline a stream of its own' })];
}

function connectionErrors(graph: Graph, at: NodeKey, { spec }: ConnectionDefinition, rivals: Rivals): readonly GrueError[] {
  const errors: GrueError[] = [];
  if (spec.type === 'Source')
    errors.push(
      new GrueError('GRUE-API-005', 'source connections are not supported in this version', {
        at: 'spec.type',
        fix: 'describe the topic as an external Stream',
      }),
    );
  errors.push(...referenceErrors(graph, spec.stream, spec.platformRef.name, 'spec.stream', 'is attached to'));
  const others = (rivals.get(aliasKey(spec) ?? '') ?? []).filter((rival) => rival !== at);
  if (others.length > 0) {
    const message = `${others.join(' and ')} ${others.length === 1 ? 'has' : 'have'} the alias ${spec.destination?.alias} too`;
    errors.push(new GrueError('GRUE-API-004', message, { at: 'spec.destination.alias', fix: 'choose another alias' }));
  }
  const stream = graph.nodes.get(`Stream/${spec.stream}`);
  const taken = spec.type === 'Sink' && stream?.kind === 'Stream' ? stream.spec.schema.fields.filter(({ name }) => isReserved(name)) : [];
  for (const { name } of taken) {
    const why = name === 'grue' ? 'where a document keeps its provenance' : 'a name that Elasticsearch keeps for itself';
    errors.push(
      new GrueError('GRUE-API-006', `Stream/${spec.stream} has a field named ${name}, which is ${why}`, {
        at: 'spec.stream',
        fix: 'rename the field in the SQL',
      }),
    );
  }
  return errors;
}

/** Elasticsearch refuses documents with a field such as `_id`, and counts one with `_doc_count` several times. */
const isReserved = (name: string): boolean => name === 'grue' || name.startsWith('_');

function referenceErrors(graph: Graph, stream: string, platform: string, at: string, verb: string): readonly GrueError[] {
  const target = graph.nodes.get(`Stream/${stream}`);
  if (!target)
    return [new GrueError('GRUE-API-002', `it ${verb} Stream/${stream}, which does not exist`, { at, fix: 'create the Stream, or correct the name' })];
  if (target.spec.platformRef.name === platform) return [];
  const message = `it runs on Platform ${platform} and ${verb} Stream/${stream} on Platform ${target.spec.platformRef.name}`;
  return [new GrueError('GRUE-API-005', message, { at: 'spec.platformRef', fix: 'use one Platform for both' })];
}

/** Sinks by Platform and alias. */
type Rivals = ReadonlyMap<string, readonly NodeKey[]>;

const aliasKey = ({ type, platformRef, destination }: ConnectionDefinition['spec']): string | undefined =>
  type === 'Sink' && destination ? `${platformRef.name} ${destination.alias}` : undefined;

function rivalsOf(graph: Graph): Rivals {
  const rivals = new Map<string, NodeKey[]>();
  for (const [at, definition] of graph.nodes) {
    const alias = definition.kind === 'Connection' ? aliasKey(definition.spec) : undefined;
    if (alias !== undefined) rivals.set(alias, [...(rivals.get(alias) ?? []), at]);
  }
  return rivals;
}

/** An error for every node that can reach itself, with the shortest way round. */
function cyclesOf(graph: Graph): ReadonlyMap<NodeKey, GrueError> {
  const ordered = new Set(graph.order);
  const suspects = [...graph.nodes.keys()].filter((key) => !ordered.has(key));
  const errors = new Map<NodeKey, GrueError>();
  for (const key of suspects) {
    const way = wayBack(graph, key);
    if (way)
      errors.set(
        key,
        new GrueError('GRUE-API-003', `the resources form a cycle: ${way.join(' -> ')}`, { at: 'spec', fix: 'let one of the pipelines write another stream' }),
      );
  }
  return errors;
}

/** Breadth first from `start` until it is met again. */
function wayBack(graph: Graph, start: NodeKey): readonly NodeKey[] | undefined {
  const cameFrom = new Map<NodeKey, NodeKey>();
  const open = [start];
  for (let at = open.shift(); at !== undefined; at = open.shift()) {
    for (const next of graph.below(at)) {
      if (next === start) return pathTo(at, start, cameFrom);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, at);
      open.push(next);
    }
  }
  return undefined;
}

function pathTo(end: NodeKey, start: NodeKey, cameFrom: ReadonlyMap<NodeKey, NodeKey>): readonly NodeKey[] {
  const way = [start];
  for (let at = end; at !== start; at = cameFrom.get(at) ?? start) way.unshift(at);
  return [start, ...way];
}
