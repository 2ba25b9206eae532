import { describe, expect, test } from 'vitest';
import { definitionDigest, digestOf, fingerprints } from '../../src/topology/fingerprint.ts';
import type { Definition, NodeKey } from '../../src/topology/graph.ts';
import { external, flights, graphOf, pipeline, sink, stream, withDefinitions } from './builders.ts';

/** The resources whose fingerprint differs between two topologies. */
function differing(before: readonly Definition[], after: readonly Definition[]): readonly NodeKey[] {
  const [old, now] = [fingerprints(graphOf(before)), fingerprints(graphOf(after))];
  return [...now.keys()].filter((key) => old.get(key) !== now.get(key));
}

const below: readonly NodeKey[] = ['Pipeline/delays', 'Stream/delays', 'Connection/delays-index'];

describe('a fingerprint stays the same', () => {
  const cases: readonly { readonly name: string; readonly after: readonly Definition[] }[] = [
    { name: 'when definitions come in another order', after: [...flights].reverse() },
    {
      name: 'when a comment is added to the SQL',
      after: withDefinitions(
        flights,
        pipeline('delays', { from: { flights: ['delay', 'date'] }, to: 'delays', does: 'date, delay / 60.0 AS hours', comment: 'in hours' }),
      ),
    },
    {
      name: 'when keepVersions changes',
      after: withDefinitions(flights, sink('delays-index', 'delays', { destination: { alias: 'delays' }, keepVersions: 5 })),
    },
    {
      name: 'when empty mappings and settings are written out',
      after: withDefinitions(flights, sink('delays-index', 'delays', { destination: { alias: 'delays', mappings: {}, settings: {} } })),
    },
  ];
  test.each(cases)('$name', ({ after }) => {
    expect(differing(flights, after)).toEqual([]);
  });

  const equal: readonly { readonly name: string; readonly one: Definition; readonly other: Definition }[] = [
    { name: 'one partition and the default', one: stream('s', {}, { partitions: 1 }), other: stream('s', {}) },
    {
      name: 'TIMESTAMP(6) and TIMESTAMP',
      one: stream('s', { t: 'TIMESTAMP(6)', l: 'ARRAY<TIMESTAMP_LTZ(6)>' }),
      other: stream('s', { t: 'TIMESTAMP', l: 'ARRAY<TIMESTAMP_LTZ>' }),
    },
    { name: 'DECIMAL(10, 2) and DECIMAL(10,2)', one: stream('s', { d: 'DECIMAL(10, 2)' }), other: stream('s', { d: 'DECIMAL(10,2)' }) },
    {
      name: 'the primary key as partition key and the default',
      one: stream('s', { id: 'INT' }, { keys: { primary: ['id'], partition: ['id'] } }),
      other: stream('s', { id: 'INT' }, { keys: { primary: ['id'] } }),
    },
    { name: 'empty keys and none', one: stream('s', {}, { keys: { primary: [], partition: [] } }), other: stream('s', {}) },
    { name: 'another Platform', one: stream('s', {}, { platformRef: { name: 'other' } }), other: stream('s', {}) },
  ];
  test.each(equal)('for $name', ({ one, other }) => {
    const writer = pipeline('p', { from: 'in', to: 's' });
    expect(differing([external('in'), writer, one], [external('in'), writer, other])).toEqual([]);
  });

  test('when others add a column to an external stream that the pipeline does not use', () => {
    const wider = external('flights', { date: 'TIMESTAMP(3)', delay: 'INT', carrier: 'STRING' });
    expect(differing(flights, withDefinitions(flights, wider))).toEqual(['Stream/flights']);
  });
});

describe('a fingerprint changes, from the changed arrow down,', () => {
  const cases: readonly { readonly name: string; readonly after: readonly Definition[]; readonly changed: readonly NodeKey[] }[] = [
    {
      name: 'with the SQL',
      after: withDefinitions(flights, pipeline('delays', { from: { flights: ['date', 'delay'] }, to: 'delays', does: 'date, delay AS hours' })),
      changed: below,
    },
    {
      name: 'with a type of the output stream',
      after: withDefinitions(flights, stream('delays', { date: 'TIMESTAMP(3)', hours: 'FLOAT' }, { partitions: 3 })),
      changed: below,
    },
    {
      name: 'with its partitions',
      after: withDefinitions(flights, stream('delays', { date: 'TIMESTAMP(3)', hours: 'DOUBLE' }, { partitions: 4 })),
      changed: below,
    },
    {
      name: 'with its partition key',
      after: withDefinitions(flights, stream('delays', { date: 'TIMESTAMP(3)', hours: 'DOUBLE' }, { partitions: 3, keys: { partition: ['date'] } })),
      changed: below,
    },
    {
      name: 'with the mappings of a sink, which is all that lies below them',
      after: withDefinitions(
        flights,
        sink('delays-index', 'delays', { destination: { alias: 'delays', mappings: { properties: { hours: { type: 'float' } } } } }),
      ),
      changed: ['Connection/delays-index'],
    },
    {
      name: 'with a used column of an external stream',
      after: withDefinitions(flights, external('flights', { date: 'TIMESTAMP(3)', delay: 'BIGINT' })),
      changed: ['Stream/flights', ...below],
    },
    {
      name: 'with the topic behind an external stream',
      after: withDefinitions(flights, external('flights', { date: 'TIMESTAMP(3)', delay: 'INT' }, { external: { topic: 'flights2' } })),
      changed: ['Stream/flights', ...below],
    },
    {
      name: 'with a second writer, because then the writer is part of the identity of a record',
      after: withDefinitions(flights, external('more'), pipeline('more-delays', { from: 'more', to: 'delays' })),
      changed: ['Stream/more', 'Pipeline/delays', 'Pipeline/more-delays', 'Stream/delays', 'Connection/delays-index'],
    },
  ];
  test.each(cases)('$name', ({ after, changed }) => {
    expect([...differing(flights, after)].sort()).toEqual([...changed].sort());
  });

  test('with a column that SELECT * and a sink see and others do not', () => {
    const topology = (columns: Record<string, string>) => [
      external('in', columns),
      pipeline('all', { from: 'in', to: 'everything' }),
      stream('everything'),
      pipeline('some', { from: { in: ['id'] }, to: 'ids' }),
      stream('ids'),
      sink('index', 'in'),
    ];
    expect(differing(topology({ id: 'INT' }), topology({ id: 'INT', extra: 'INT' }))).toEqual([
      'Stream/in',
      'Connection/index',
      'Pipeline/all',
      'Stream/everything',
    ]);
  });
});

describe('digests', () => {
  test('the digest of a spec sees every edit, but not the order of its members', () => {
    expect(digestOf({ a: 1, b: { c: 2 } })).toBe(digestOf({ b: { c: 2 }, a: 1 }));
    expect(digestOf({ a: [1, 2] })).not.toBe(digestOf({ a: [2, 1] }));
    expect(digestOf({ a: 1, b: undefined })).toBe(digestOf({ a: 1 }));
  });

  test('the digest of a definition sees only what means something', () => {
    const plain = pipeline('p', { from: 'a', to: 'b' });
    expect(definitionDigest(pipeline('p', { from: 'a', to: 'b', comment: 'hello' }))).toBe(definitionDigest(plain));
    expect(definitionDigest(pipeline('p', { from: 'a', to: 'b', does: 'a' }))).not.toBe(definitionDigest(plain));
    expect(definitionDigest(sink('s', 'a', { keepVersions: 7 }))).toBe(definitionDigest(sink('s', 'a')));
    expect(definitionDigest(stream('s', {}, { platformRef: { name: 'other' } }))).not.toBe(definitionDigest(stream('s', {})));
  });

  test('a fingerprint carries the version of the algorithm, so that a later one never takes it for its own', () => {
    expect(fingerprints(graphOf(flights)).get('Pipeline/delays')).toMatch(/^v1:[0-9a-f]{40}$/);
  });
});
