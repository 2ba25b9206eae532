import { describe, expect, test } from 'vitest';
import { definitionOf } from '../../scripts/crds/definition.ts';
import type { StructuralSchema } from '../../scripts/crds/structural.ts';
import { type Kind, kinds } from '../../src/api/kinds.ts';
import { breaks } from './breaks.ts';
import { examples } from './examples.ts';
import { schemaOf } from './objects.ts';

const allKinds = Object.keys(kinds) as Kind[];

interface FoundRule {
  readonly rule: string;
  readonly message: string;
}

function rulesOf(schema: StructuralSchema): readonly FoundRule[] {
  return [
    ...(schema['x-kubernetes-validations'] ?? []),
    ...Object.values(schema.properties ?? {}).flatMap(rulesOf),
    ...(schema.items ? rulesOf(schema.items) : []),
  ];
}

describe.each(allKinds)('%s', (kind) => {
  const rules = [...rulesOf(schemaOf(kind, 'spec')), ...rulesOf(schemaOf(kind, 'status'))];

  test('the example is valid', () => {
    expect(kinds[kind].spec.safeParse(examples[kind]).error).toBeUndefined();
  });

  test('every rule of the API server that looks at one value has a twin in zod', () => {
    const withoutTransitions = new Set(rules.filter(({ rule }) => !rule.includes('oldSelf')).map(({ message }) => message));
    expect(new Set(Object.keys(breaks[kind]))).toEqual(withoutTransitions);
  });

  for (const [message, spec] of Object.entries(breaks[kind])) {
    test(`zod says: ${message}`, () => {
      const { error } = kinds[kind].spec.safeParse(JSON.parse(JSON.stringify(spec)));
      expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
    });
  }

  test('rules at the root see only the name', () => {
    const root = definitionOf(kinds[kind]).spec.versions[0]?.schema.openAPIV3Schema;
    for (const { rule } of root?.['x-kubernetes-validations'] ?? []) expect(rule).toContain('self.metadata.name');
  });
});
