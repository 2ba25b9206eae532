import { describe, expect, test } from 'vitest';
import type { Change } from '../../src/api/stream-migration.ts';
import { applyChange, definitionOf } from '../../src/topology/definition.ts';
import { definitionDigest } from '../../src/topology/fingerprint.ts';
import { type Definition, keyOf } from '../../src/topology/graph.ts';
import { emptyNamespace, external, flights, pipeline, planInput, planned, revisionOf, sink, stream } from './builders.ts';

const frozen = (definitions: readonly Definition[]) => planned(planInput(emptyNamespace, new Map(), definitions)).revisions.map(revisionOf);

describe('the definition in a Revision', () => {
  test('means what was planned, for every kind', () => {
    const rich: readonly Definition[] = [
      external('in', { id: 'STRING', at: 'TIMESTAMP' }, { type: 'Change', keys: { primary: ['id'] }, external: { topic: 'in.topic' } }),
      pipeline('p', { from: 'in', to: 'out' }),
      stream(
        'out',
        { id: 'STRING', at: 'TIMESTAMP(6)' },
        { type: 'Change', keys: { primary: ['id'], partition: ['id'] }, ordering: { field: 'at' }, partitions: 4 },
      ),
      sink('index', 'out', { destination: { alias: 'out', mappings: { dynamic: false }, settings: { number_of_shards: 2 } }, keepVersions: 3 }),
      ...flights,
    ];
    const byKey = new Map(rich.map((definition) => [keyOf(definition), definition]));
    for (const revision of frozen(rich)) {
      const before = byKey.get(keyOf(revision.spec.of)) as Definition;
      const after = definitionOf(revision, before.kind === 'Pipeline' ? before.outline : undefined);
      expect(definitionDigest(after)).toBe(definitionDigest(before));
    }
  });

  test('of a pipeline cannot be told without the outline of its SQL', () => {
    const revision = frozen(flights).find(({ spec }) => spec.pipeline);
    expect(() => definitionOf(revision as NonNullable<typeof revision>)).toThrow(TypeError);
  });
});

describe('an inline change', () => {
  const change = (kind: Change['kind'], set: Change['set']): Change => ({ kind, name: 'x', base: 'v1:base', set });

  test('replaces what it sets and leaves the rest', () => {
    const before = stream('delays', { a: 'INT' }, { partitions: 3 });
    expect(applyChange(before, change('Stream', { partitions: 6 }))).toEqual(stream('delays', { a: 'INT' }, { partitions: 6 }));
    expect(applyChange(before, change('Stream', { schema: { fields: [{ name: 'b', type: 'INT' }] } }))).toEqual(
      stream('delays', { b: 'INT' }, { partitions: 3 }),
    );
  });

  test('of SQL keeps the old outline, for the caller to make anew', () => {
    const before = pipeline('p', { from: 'a', to: 'b' });
    const after = applyChange(before, change('Pipeline', { sql: 'INSERT INTO b SELECT 1 FROM a' }));
    expect(after).toEqual({ ...before, spec: { ...before.spec, sql: 'INSERT INTO b SELECT 1 FROM a' } });
  });

  test('of a destination replaces it whole', () => {
    const before = sink('s', 'a', { destination: { alias: 's', mappings: { dynamic: false } } });
    const after = applyChange(before, change('Connection', { destination: { alias: 's', settings: { number_of_shards: 2 } } }));
    expect(after).toEqual(sink('s', 'a', { destination: { alias: 's', settings: { number_of_shards: 2 } } }));
  });

  test('that leaves a key without its field is refused', () => {
    const before = stream('s', { id: 'INT' }, { type: 'Change', keys: { primary: ['id'] } });
    expect(() => applyChange(before, change('Stream', { schema: { fields: [{ name: 'other', type: 'INT' }] } }))).toThrow(
      expect.objectContaining({ code: 'GRUE-API-001' }),
    );
  });
});
