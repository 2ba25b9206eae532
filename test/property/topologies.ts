import fc from 'fast-check';
import { type Definition, keyOf, type NodeKey } from '../../src/topology/graph.ts';
import { external, pipeline, sink, stream, withDefinitions } from '../topology/builders.ts';

/** Random sound topologies: external streams, layers of pipelines (some with several inputs, some streams with several writers), and sinks wherever nothing else reads. */

const columns = ['id', 'a', 'b'] as const;

/** Which streams a pipeline reads, by index into those before it, and which columns of them; none: all. */
interface Reads {
  readonly from: readonly number[];
  readonly uses: readonly string[];
}
interface OwnedStream {
  readonly writers: readonly Reads[];
  readonly partitions: number;
  readonly hasSink: boolean;
}

const reads: fc.Arbitrary<Reads> = fc.record({ from: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }), uses: fc.subarray([...columns]) });
const owned: fc.Arbitrary<OwnedStream> = fc.record({
  writers: fc.array(reads, { minLength: 1, maxLength: 2 }),
  partitions: fc.integer({ min: 1, max: 2 }),
  hasSink: fc.boolean(),
});

function build(externals: number, streams: readonly OwnedStream[]): readonly Definition[] {
  const names = [...Array.from({ length: externals }, (_, index) => `in${index}`), ...streams.map((_, index) => `s${index}`)];
  const definitions: Definition[] = names.slice(0, externals).map((name) => external(name));
  const read = new Set<string>();
  for (const [index, { writers, partitions }] of streams.entries()) {
    const before = names.slice(0, externals + index);
    definitions.push(stream(`s${index}`, undefined, { partitions }));
    for (const [number, { from, uses }] of writers.entries()) {
      const inputs = [...new Set(from.map((at) => before[at % before.length] as string))];
      for (const input of inputs) read.add(input);
      const used = Object.fromEntries(inputs.map((input) => [input, uses]));
      definitions.push(pipeline(`p${index}-${number}`, { from: uses.length === 0 ? inputs : used, to: `s${index}`, does: uses.join(' ') || '*' }));
    }
  }
  for (const [index, name] of names.entries())
    if (!read.has(name) || streams[index - externals]?.hasSink === true) definitions.push(sink(`${name}-index`, name));
  return definitions;
}

export const topology: fc.Arbitrary<readonly Definition[]> = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.array(owned, { minLength: 1, maxLength: 5 }))
  .map(([externals, streams]) => build(externals, streams));

/** An edit of one resource, and what it is. */
export interface Edit {
  readonly at: NodeKey;
  readonly definitions: readonly Definition[];
}

const pick = <T>(items: readonly T[], seed: number): T => items[seed % items.length] as T;

/** An edit that means something. `stamp` makes it differ from every earlier one. */
export function meaningfulEdit(definitions: readonly Definition[], seed: number, stamp: number): Edit {
  const target = pick(
    definitions.filter((definition) => definition.kind !== 'Stream' || definition.spec.external === undefined),
    seed,
  );
  return { at: keyOf(target), definitions: withDefinitions(definitions, edited(target, stamp)) };
}

function edited(definition: Definition, stamp: number): Definition {
  switch (definition.kind) {
    case 'Pipeline': {
      const canonical = `${definition.outline.canonical} /${stamp}`;
      return { ...definition, spec: { ...definition.spec, sql: canonical }, outline: { ...definition.outline, canonical } };
    }
    case 'Stream':
      return { ...definition, spec: { ...definition.spec, schema: { fields: [...definition.spec.schema.fields, { name: `x${stamp}`, type: 'INT' }] } } };
    case 'Connection':
      return { ...definition, spec: { ...definition.spec, destination: { alias: `${definition.name}`, settings: { number_of_replicas: stamp } } } };
  }
}

/** The same topology, written otherwise: another order, comments, defaults spelled out. */
export const respelled = (definitions: readonly Definition[]): fc.Arbitrary<readonly Definition[]> =>
  fc.shuffledSubarray([...definitions], { minLength: definitions.length, maxLength: definitions.length }).map((shuffled) => shuffled.map(spelledOut));

function spelledOut(definition: Definition): Definition {
  switch (definition.kind) {
    case 'Pipeline':
      return { ...definition, spec: { ...definition.spec, sql: `-- a comment\n${definition.spec.sql}` } };
    case 'Stream':
      return {
        ...definition,
        spec: {
          ...definition.spec,
          keys: { primary: [], partition: [] },
          ...(definition.spec.external || definition.spec.partitions ? {} : { partitions: 1 }),
        },
      };
    case 'Connection':
      return {
        ...definition,
        spec: { ...definition.spec, keepVersions: 4, destination: { mappings: {}, settings: {}, alias: '', ...definition.spec.destination } },
      };
  }
}
