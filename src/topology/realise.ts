import { GrueError } from '../api/errors.ts';
import type { Binding, Revision, RevisionSpec } from '../api/revision.ts';
import { pathOf } from './fingerprint.ts';
import { type ConnectionDefinition, keyOf, type NodeKey, type PipelineDefinition, reach, type StreamDefinition } from './graph.ts';
import { deadLettersName, physicalName, revisionName } from './names.ts';
import { normalKeys } from './normal-form.ts';
import type { PlanInput } from './plan-input.ts';

/** A Revision to create. */
export interface NewRevision {
  readonly name: string;
  readonly spec: RevisionSpec;
}

/** What a node will be in the new live set: a Revision that is made now, or one that is there. */
interface Place {
  readonly revision: string;
  /** Of a stream. */
  readonly topic: string;
}

/**
 * The Revisions of the nodes in `made`, in topological order, joined to each other and to what is live. Nothing physical is made of an
 * external stream: its Revision only freezes how it was read.
 * @throws GrueError GRUE-KFK-001 when a root that is read has no facts, GRUE-API-001 when a physical name is too long
 */
export function realise(input: PlanInput, wanted: ReadonlyMap<NodeKey, string>, made: ReadonlySet<NodeKey>): readonly NewRevision[] {
  const { desired, live, revisions } = input;
  const numbers = nextNumbers(revisions, input.taken);
  const order = desired.order.filter((key) => made.has(key));
  const named = new Map(order.map((key) => [key, nameOf(input, key, numbers.get(key) ?? 1)]));
  const placeOf = (key: NodeKey): Place => {
    const current = live.get(key);
    return named.get(key) ?? { revision: current?.metadata.name ?? '', topic: current?.spec.physical.topic ?? '' };
  };
  return order.map((key) => {
    const definition = desired.nodes.get(key);
    const name = named.get(key);
    if (!definition || !name) throw new TypeError(`${key} is not in the graph`);
    const { kind } = definition;
    const spec: RevisionSpec = {
      of: { kind, name: definition.name },
      number: numbers.get(key) ?? 1,
      fingerprint: wanted.get(key) ?? '',
      accepted: input.accepted.get(key) ?? live.get(key)?.spec.accepted ?? '',
      migration: input.migration,
      platform: input.platform,
      inputs: desired.above(key).map((above) => placeOf(above).revision),
      ...(kind === 'Stream' ? streamPart(input, definition, name.topic) : {}),
      ...(kind === 'Pipeline' ? pipelinePart(input, definition, name.topic, placeOf) : {}),
      ...(kind === 'Connection' ? sinkPart(input, definition, name.topic, placeOf) : {}),
    } as RevisionSpec;
    return { name: name.revision, spec };
  });
}

function nextNumbers(revisions: readonly Revision[], taken: PlanInput['taken'] = new Map()): ReadonlyMap<NodeKey, number> {
  const next = new Map([...taken].map(([key, number]) => [key, number + 1]));
  for (const { spec } of revisions) next.set(keyOf(spec.of), Math.max(next.get(keyOf(spec.of)) ?? 1, spec.number + 1));
  return next;
}

/** Names of a Revision that is to be made. `topic` is the physical name, whatever it names. */
function nameOf({ desired, prefix, namespace, suffix }: PlanInput, key: NodeKey, number: number): Place {
  const definition = desired.nodes.get(key);
  if (!definition) throw new TypeError(`${key} is not in the graph`);
  const revision = revisionName(definition.kind, definition.name, number);
  const external = definition.kind === 'Stream' ? definition.spec.external?.topic : undefined;
  return { revision, topic: external ?? physicalName(prefix, namespace, definition.name, number, suffix(key)) };
}

type PlaceOf = (key: NodeKey) => Place;

function streamPart(input: PlanInput, { name, spec }: StreamDefinition, topic: string): Pick<RevisionSpec, 'stream' | 'physical'> {
  const { type, schema, external } = spec;
  const like = external || type === 'Change' ? undefined : rootTopicAbove(input, `Stream/${name}`);
  return {
    stream: {
      type,
      fields: schema.fields,
      ...identityOf(spec),
      partitions: external ? rootOf(input, name).partitions : (spec.partitions ?? 1),
      external: external !== undefined,
      ...(like === undefined ? {} : { retentionLike: like }),
    },
    physical: { topic },
  };
}

function pipelinePart(
  input: PlanInput,
  { name, spec, outline }: PipelineDefinition,
  physical: string,
  placeOf: PlaceOf,
): Pick<RevisionSpec, 'pipeline' | 'physical'> {
  const { desired } = input;
  return {
    pipeline: {
      engine: spec.engine,
      sql: spec.sql,
      reads: outline.inputs.map((stream) => bindingOf(input, stream, placeOf)),
      writes: bindingOf(input, outline.output, placeOf),
      path: pathOf(desired, name, outline.output),
    },
    physical: { group: physical, deadLetters: deadLettersName(physical) },
  };
}

function sinkPart(input: PlanInput, { name, spec }: ConnectionDefinition, physical: string, placeOf: PlaceOf): Pick<RevisionSpec, 'connection' | 'physical'> {
  const { connector, destination, keepVersions, stream } = spec;
  if (!destination) throw new GrueError('GRUE-API-001', `Connection/${name} has no destination`, { at: 'spec.destination' });
  return {
    connection: { connector, destination, keepVersions, reads: bindingOf(input, stream, placeOf) },
    physical: { group: physical, deadLetters: deadLettersName(physical), index: physical },
  };
}

/** A stream as a stage is to see it, with all defaults filled in. */
function bindingOf(input: PlanInput, stream: string, placeOf: PlaceOf): Binding {
  const definition = input.desired.nodes.get(`Stream/${stream}`);
  if (definition?.kind !== 'Stream') throw new GrueError('GRUE-API-002', `Stream/${stream} does not exist`);
  const { spec } = definition;
  const root = spec.external !== undefined;
  const { revision, topic } = placeOf(`Stream/${stream}`);
  return { stream, revision, topic, root, epoch: root ? rootOf(input, stream).epoch : 0, type: spec.type, fields: spec.schema.fields, ...identityOf(spec) };
}

function identityOf({ keys, ordering }: StreamDefinition['spec']): Pick<Binding, 'keys' | 'orderingField'> {
  const filled = normalKeys(keys);
  return { ...(filled ? { keys: filled } : {}), ...(ordering ? { orderingField: ordering.field } : {}) };
}

function rootOf({ roots, desired }: PlanInput, stream: string) {
  const facts = roots.get(`Stream/${stream}`);
  if (facts) return facts;
  const definition = desired.nodes.get(`Stream/${stream}`);
  const topic = definition?.kind === 'Stream' ? definition.spec.external?.topic : undefined;
  throw new GrueError('GRUE-KFK-001', `the topic ${topic} of Stream/${stream} does not exist`, {
    at: 'spec.external.topic',
    fix: 'create the topic, or correct the name',
  });
}

/** An owned Append stream keeps its records as long as the root that they come from; of several roots the first by name. */
function rootTopicAbove({ desired }: PlanInput, stream: NodeKey): string | undefined {
  const topics = [...reach([stream], (key) => desired.above(key))].sort().flatMap((key) => {
    const definition = desired.nodes.get(key);
    return definition?.kind === 'Stream' && definition.spec.external ? [definition.spec.external.topic] : [];
  });
  return topics[0];
}
