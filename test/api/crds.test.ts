import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type CustomResourceDefinition, definitionOf } from '../../scripts/crds/definition.ts';
import { lint } from '../../scripts/crds/lint.ts';
import { type StructuralSchema, structuralSchema } from '../../scripts/crds/structural.ts';
import { generateApiDocs } from '../../scripts/gen-api-docs.ts';
import { generateCrds } from '../../scripts/gen-crds.ts';
import { freeForm, listBy, setOf, text } from '../../src/api/common.ts';
import { kinds } from '../../src/api/kinds.ts';

const directory = join(import.meta.dirname, '../../crds');

describe('the committed files', () => {
  test.each([...generateCrds(), ...generateApiDocs()])('$path is what the schemas make', ({ path, content }) => {
    expect(readFileSync(join(import.meta.dirname, '../..', path), 'utf8')).toBe(content);
  });

  test('there are no others', () => {
    expect(readdirSync(directory).sort()).toEqual(
      generateCrds()
        .map(({ path }) => path.replace('crds/', ''))
        .sort(),
    );
  });

  test('each fits into the annotation in which kubectl apply keeps a copy', () => {
    for (const { content } of generateCrds()) expect(content.length).toBeLessThan(200_000);
  });
});

describe('what zod says becomes a structural schema', () => {
  test('defaults stay, and what has one is not required', () => {
    const schema = structuralSchema(z.object({ a: z.boolean().default(false), b: z.boolean() }));
    expect(schema).toEqual({ type: 'object', required: ['b'], properties: { a: { type: 'boolean', default: false }, b: { type: 'boolean' } } });
  });

  test('integers have a format and only bounds that mean something', () => {
    expect(structuralSchema(z.int())).toEqual({ type: 'integer', format: 'int64' });
    expect(structuralSchema(z.int().min(1))).toEqual({ type: 'integer', format: 'int64', minimum: 1 });
    expect(structuralSchema(z.int().min(1).max(9))).toEqual({ type: 'integer', format: 'int32', minimum: 1, maximum: 9 });
    expect(
      structuralSchema(
        z
          .int()
          .min(0)
          .max(2 ** 40),
      ),
    ).toEqual({ type: 'integer', format: 'int64', minimum: 0, maximum: 2 ** 40 });
  });

  test('lists say how they are merged', () => {
    expect(structuralSchema(z.array(text(3)).max(2))).toMatchObject({ 'x-kubernetes-list-type': 'atomic', maxItems: 2, items: { maxLength: 3 } });
    expect(structuralSchema(setOf(text(3), 2))).toMatchObject({ 'x-kubernetes-list-type': 'set' });
    expect(structuralSchema(listBy(['a'], z.object({ a: text(3) }), 2))).toMatchObject({
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['a'],
    });
  });

  test('a free-form object keeps what it does not know', () => {
    expect(structuralSchema(freeForm)).toEqual({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
  });

  test.each([
    ['a union', z.union([z.string(), z.int()]), 'anyOf'],
    ['a union of objects', z.discriminatedUnion('t', [z.object({ t: z.literal('a') }), z.object({ t: z.literal('b') })]), 'oneOf'],
    ['null', z.string().nullable(), 'nullable'],
    ['a map', z.record(z.string(), z.string()), 'a map'],
    ['a strict object', z.strictObject({}), 'a map or a strict object'],
    ['anything', z.unknown(), 'its type is undefined'],
    ['a tuple', z.tuple([z.string()]), ''],
  ])('%s is refused with its place, because a CRD cannot say it', (_, schema, reason) => {
    expect(() => structuralSchema(z.object({ outer: z.object({ field: schema }) }))).toThrow('schema at outer.field');
    expect(() => structuralSchema(z.object({ outer: z.object({ field: schema }) }))).toThrow(reason);
  });

  test('a date is refused: it is not JSON', () => {
    expect(() => structuralSchema(z.object({ field: z.date() }))).toThrow();
  });
});

describe('the lint', () => {
  /** The CRD of Pipeline with one more field in its spec. */
  function withField(field: StructuralSchema): CustomResourceDefinition {
    const definition = structuredClone(definitionOf(kinds.Pipeline));
    const spec = definition.spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec'];
    Object.assign(spec?.properties ?? {}, { extra: field });
    return definition;
  }
  const description = 'Text.';

  test.each(Object.values(kinds))('finds nothing in $kind', (kind) => {
    expect(lint(definitionOf(kind))).toEqual([]);
  });

  const list = { type: 'array', description, maxItems: 1, 'x-kubernetes-list-type': 'atomic' } as const;
  test.each<[string, StructuralSchema, string]>([
    ['a string without bound', { type: 'string', description }, 'extra: a string needs maxLength'],
    ['an array without bound', { ...list, maxItems: undefined, items: { type: 'boolean' } } as never, 'extra: an array needs maxItems'],
    ['an array without type', { type: 'array', description, maxItems: 1, items: { type: 'boolean' } }, 'extra: an array needs a list type'],
    [
      'optional keys',
      {
        ...list,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['a'],
        items: { type: 'object', properties: { a: { type: 'boolean', description } } },
      },
      'extra: the keys of a list must be required in its items',
    ],
    ['an integer without format', { type: 'integer', description, minimum: 0, maximum: 1 }, 'extra: an integer is int32 or int64'],
    [
      'a format',
      { type: 'string', description, maxLength: 9, format: 'date-time' },
      'extra: where a string has a format, the API server lets an array pass: use a pattern',
    ],
    ['an integer without bounds', { type: 'integer', description, format: 'int64' }, 'extra: an integer of the spec needs bounds'],
    ['a float', { type: 'number', description }, 'extra: a float must be listed in the lint with a reason'],
    ['no description', { type: 'boolean' }, 'extra: a field needs a description: it is what `kubectl explain` shows'],
    ['half a sentence', { type: 'boolean', description: 'Half a' }, 'extra: a description ends with a full stop'],
    ['a default in a list', { ...list, items: { type: 'boolean', default: true } }, 'extra[]: no default within a list'],
    ['free form', { type: 'object', description, 'x-kubernetes-preserve-unknown-fields': true }, 'extra: free-form only where it is listed in the lint'],
    ['an empty object', { type: 'object', description }, 'extra: an object needs fields'],
    ['an open pattern', { type: 'string', description, maxLength: 9, pattern: 'a' }, 'extra: a pattern is anchored at both ends'],
    ['lookahead', { type: 'string', description, maxLength: 9, pattern: '^(?=a)$' }, 'extra: RE2 has no lookaround, and groups with flags differ'],
    [
      'white space',
      { type: 'string', description, maxLength: 9, pattern: '^[^\\s]+$' },
      'extra: a class such as \\s or \\w, or a backreference, differs between the engines: spell it out',
    ],
    ['a bare dot', { type: 'string', description, maxLength: 9, pattern: '^.+$' }, 'extra: a bare dot differs at line ends: use a class'],
  ])('finds %s', (_, field, finding) => {
    expect(lint(withField(field))).toEqual([`Pipeline: spec.${finding}`]);
  });

  test('finds a status that cannot be written bit by bit, and conditions that are no list by type', () => {
    const definition = structuredClone(definitionOf(kinds.Pipeline)) as unknown as {
      spec: { versions: [{ schema: { openAPIV3Schema: { properties: { status: object } } } }] };
    };
    Object.assign(definition.spec.versions[0].schema.openAPIV3Schema.properties.status, { required: ['live'], properties: {} });
    expect(lint(definition as never)).toEqual([
      'Pipeline: status: all fields are optional, not live',
      'Pipeline: status.conditions: a list by type',
      'Pipeline: status.conditions[]: requires lastTransitionTime, message, reason, status, type',
    ]);
  });
});
