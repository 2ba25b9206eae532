import fc from 'fast-check';
import { definitionOf } from '../../scripts/crds/definition.ts';
import type { StructuralSchema } from '../../scripts/crds/structural.ts';
import { apiVersion } from '../../src/api/common.ts';
import { type Kind, kinds } from '../../src/api/kinds.ts';

/** Objects of our kinds for tests: whole ones, nearly whole ones and broken ones, all made from the schema of the kind. */

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

/** The structural schema of a part of a kind. */
export function schemaOf(kind: Kind, part: 'spec' | 'status'): StructuralSchema {
  const schema = definitionOf(kinds[kind]).spec.versions[0]?.schema.openAPIV3Schema.properties?.[part];
  if (!schema) throw new Error(`${kind} has no ${part}`);
  return schema;
}

const goodName = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/);

/** Values that fit the structure; the rules across fields are left to chance. */
function fitting(schema: StructuralSchema): fc.Arbitrary<Json> {
  if (schema.enum) return fc.constantFrom(...(schema.enum as string[]));
  switch (schema.type) {
    case 'string':
      return textOf(schema);
    case 'integer':
      return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1_000_000, 2_147_483_647) });
    case 'number':
      return fc.double({ min: schema.minimum ?? 0, max: schema.maximum ?? 1, noNaN: true }).map((value) => value + 0);
    case 'boolean':
      return fc.boolean();
    case 'array':
      return listOf(schema);
    case 'object':
      return objectOf(schema);
  }
}

function textOf({ pattern, minLength = 0, maxLength = 64 }: StructuralSchema): fc.Arbitrary<string> {
  if (pattern === undefined) return fc.string({ unit: 'binary', minLength, maxLength: Math.min(maxLength, 40) }).map(wellFormed);
  return fc.stringMatching(new RegExp(pattern)).filter((value) => value.length >= minLength && value.length <= maxLength);
}

const wellFormed = (value: string) => value.toWellFormed();

function listOf(schema: StructuralSchema): fc.Arbitrary<Json> {
  const keys = schema['x-kubernetes-list-map-keys'];
  const identity = (item: Json) => JSON.stringify(keys ? keys.map((key) => (item as JsonObject)[key]) : item);
  const bounds = { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 3, 4), selector: identity };
  const items = fitting(schema.items as StructuralSchema);
  return schema['x-kubernetes-list-type'] === 'atomic' ? fc.array(items, bounds) : fc.uniqueArray(items, bounds);
}

function objectOf({ properties, required = [] }: StructuralSchema): fc.Arbitrary<Json> {
  if (!properties)
    return fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>, { maxKeys: 3, noNullPrototype: true });
  const fields = Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, fitting(field)]));
  return fc.record(fields, { requiredKeys: [...required], noNullPrototype: true }) as fc.Arbitrary<Json>;
}

/** Makes the rules across fields hold, or those objects would nearly all be refused. */
const mend: Readonly<Record<Kind, (spec: JsonObject) => JsonObject>> = {
  Platform: (spec) => spec,
  Pipeline: (spec) => spec,
  Stream: ({ keys: _keys, ordering: _ordering, partitions, ...spec }) => {
    const names = ((spec['schema'] as JsonObject)['fields'] as readonly JsonObject[]).map(({ name }) => name as Json);
    const keys = spec['type'] === 'Change' || names.length > 2 ? { keys: { primary: names.slice(0, 2) } } : {};
    return { ...spec, ...keys, ...(spec['external'] || partitions === undefined ? {} : { partitions }) };
  },
  Connection: ({ destination, ...spec }) => ({ ...spec, ...(spec['type'] === 'Sink' ? { destination: destination ?? { alias: 'a' } } : {}) }),
  Revision: ({ stream, pipeline, connection, ...spec }) => {
    const kind = (spec['of'] as JsonObject)['kind'];
    if (kind === 'Stream' && stream) return { ...spec, stream };
    if (kind === 'Pipeline' && pipeline) return { ...spec, pipeline };
    if (kind === 'Connection' && connection) return { ...spec, connection };
    return { ...spec, of: { kind: 'Stream', name: 'a' }, stream: stream ?? { type: 'Append', fields: [], partitions: 1, external: false } };
  },
  StreamMigration: ({ changes, ...spec }) => ({
    ...spec,
    resources: spec['resources'] ?? [{ kind: 'Pipeline', name: 'a' }],
    ...(changes ? { changes: (changes as readonly JsonObject[]).map((change) => ({ ...change, kind: 'Pipeline', set: { sql: 'x' } })).slice(0, 1) } : {}),
    ...(spec['gates'] ? { gates: { parity: { expect: { count: { min: 0.5, max: 1 } } } } } : {}),
  }),
};

/** Where an object can be broken, and what belongs there. */
interface Place {
  readonly path: readonly (string | number)[];
  readonly schema: StructuralSchema | undefined;
  readonly value: Json;
}

function placesOf(value: Json, schema: StructuralSchema | undefined, path: Place['path'] = []): readonly Place[] {
  const below = Array.isArray(value)
    ? value.flatMap((item, index) => placesOf(item as Json, schema?.items, [...path, index]))
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([name, field]) => placesOf(field, schema?.properties?.[name], [...path, name]))
      : [];
  return [{ path, schema, value }, ...below];
}

const remove = Symbol('remove');

function replaced(value: Json, [head, ...rest]: Place['path'], by: Json | typeof remove): Json {
  if (head === undefined) return by === remove ? {} : by;
  if (Array.isArray(value)) {
    if (rest.length === 0 && by === remove) return value.toSpliced(Number(head), 1);
    return value.with(Number(head), replaced(value[Number(head)] as Json, rest, by));
  }
  const { [head]: field, ...others } = value as JsonObject;
  if (rest.length === 0 && by === remove) return others;
  return { ...others, [head]: replaced(field ?? null, rest, by) };
}

type Breakage = (place: Place) => Json | typeof remove;

const is = <T extends Json>(value: Json, type: 'string' | 'number'): value is T & Json => typeof value === type;

/** Each takes one place to just beyond, or just within, what the schema says. Where one does not apply, the place stays as it is. */
const breakages: readonly Breakage[] = [
  () => remove,
  () => null,
  () => 7,
  () => 1.5,
  () => 'text',
  () => '',
  () => true,
  () => [],
  () => ({}),
  ({ value }) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value, unknownField: 1 } : value),
  ({ value }) => (Array.isArray(value) && value.length > 0 ? [...value, value[0] as Json] : value),
  ({ value, schema }) =>
    Array.isArray(value) && value.length > 0 && (schema?.maxItems ?? 999) < 65
      ? Array.from({ length: (schema?.maxItems ?? 0) + 1 }, () => value[0] as Json)
      : value,
  ({ value }) => (is(value, 'string') ? `${value}\n` : value),
  ({ value }) => (is(value, 'string') ? `${value}é` : value),
  ({ value }) => (is(value, 'string') ? ` ${value}` : value),
  ({ value }) => (is(value, 'string') ? String(value).toUpperCase() : value),
  ({ value }) => (is(value, 'string') ? `${value}-` : value),
  ({ value, schema }) => (is(value, 'string') && schema?.maxLength ? 'a'.repeat(schema.maxLength) : value),
  ({ value, schema }) => (is(value, 'string') && schema?.maxLength ? 'a'.repeat(schema.maxLength + 1) : value),
  ({ value, schema }) => (is(value, 'string') && schema?.maxLength ? '😀'.repeat(schema.maxLength) : value),
  ({ value, schema }) => (is(value, 'string') && schema?.maxLength ? '😀'.repeat(schema.maxLength + 1) : value),
  ({ value, schema }) => (is(value, 'number') && schema?.maximum !== undefined ? schema.maximum : value),
  ({ value, schema }) => (is(value, 'number') && schema?.maximum !== undefined ? schema.maximum + 1 : value),
  ({ value, schema }) => (is(value, 'number') && schema?.minimum !== undefined ? schema.minimum - 1 : value),
  ({ value }) => (is(value, 'number') ? 1e21 : value),
  ({ value, schema }) => (schema?.enum ? 'Other' : value),
];

/** One breakage at one of the places where it applies: so the rare places (sets, bounds) come up as often as the common ones. */
const brokenAt = (object: Json, schema: StructuralSchema) =>
  fc.tuple(fc.constantFrom(...breakages), fc.nat()).map(([breakage, nth]) => {
    const places = placesOf(object, schema).filter((place) => breakage(place) !== place.value);
    const place = places[nth % places.length];
    return place === undefined ? object : replaced(object, place.path, breakage(place));
  });

const often = (times: number, often: fc.Arbitrary<Json>, seldom: fc.Arbitrary<Json>) =>
  fc.oneof({ weight: times, arbitrary: often }, { weight: 1, arbitrary: seldom });

/** Specs of a kind: about as many good as bad ones. */
export function specs(kind: Kind): fc.Arbitrary<Json> {
  const schema = schemaOf(kind, 'spec');
  const structured = fitting(schema) as fc.Arbitrary<JsonObject>;
  return often(3, structured.map(mend[kind]), structured).chain((spec) => fc.oneof(fc.constant(spec), brokenAt(spec, schema)));
}

export function statuses(kind: Kind): fc.Arbitrary<Json> {
  const schema = schemaOf(kind, 'status');
  return fitting(schema).chain((status) => fc.oneof(fc.constant(status), brokenAt(status, schema)));
}

const names = often(
  9,
  goodName,
  fc.oneof(goodName, fc.constantFrom('a'.repeat(40), 'a'.repeat(41), 'a'.repeat(63), 'a'.repeat(64), 'a.b', 'A', '-a', 'a-', 'a_b', 'ä', '7')),
) as fc.Arbitrary<string>;

/** Whole objects of a kind, good and bad. */
export const objects = (kind: Kind) =>
  fc.record({ name: names, spec: specs(kind) }).map(({ name, spec }) => ({ apiVersion, kind, metadata: { name, namespace: 'default' }, spec }));
