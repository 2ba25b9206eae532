import { describe, expect, test } from 'vitest';
import { indexDefinition } from '../../src/topology/index-definition.ts';

const reads = {
  fields: [
    { name: 'date', type: 'TIMESTAMP(3)' },
    { name: 'hours', type: 'DOUBLE' },
  ],
};
const marker = { revision: 'connection-delays-index-1' };
const define = (parts: { readonly mappings?: Record<string, unknown>; readonly settings?: Record<string, unknown> } = {}) =>
  indexDefinition(reads, { alias: 'delays', ...parts }, marker);

describe('an index', () => {
  test('has the fields of the stream, our provenance and our mark, and refuses any other field', () => {
    const { mappings } = define();
    expect(mappings).toMatchObject({
      dynamic: 'strict',
      _meta: { grue: marker },
      properties: {
        date: { type: 'date' },
        hours: { type: 'double' },
        grue: { properties: { root: { type: 'keyword' }, o: { type: 'long' }, h4: { type: 'integer' } } },
      },
    });
  });

  test('remembers deleted documents for ten minutes, so that a late write is told from a new one', () => {
    expect(define().settings).toEqual({ gc_deletes: '10m' });
  });

  test('has the mappings of the user laid over those of the stream, field by field', () => {
    const { mappings } = define({
      mappings: { dynamic: 'runtime', _meta: { team: 'ops' }, properties: { hours: { type: 'scaled_float', scaling_factor: 10 } } },
    });
    expect(mappings).toMatchObject({ dynamic: 'runtime', _meta: { team: 'ops', grue: marker }, properties: { date: { type: 'date' } } });
    expect((mappings['properties'] as Record<string, unknown>)['hours']).toEqual({ type: 'scaled_float', scaling_factor: 10 });
  });

  test('has the same settings however they are spelled', () => {
    const expected = { number_of_shards: 2, refresh_interval: '5s', gc_deletes: '10m' };
    expect(define({ settings: { number_of_shards: 2, refresh_interval: '5s' } }).settings).toEqual(expected);
    expect(define({ settings: { index: { number_of_shards: 2 }, 'index.refresh_interval': '5s' } }).settings).toEqual(expected);
  });
});

describe('what would break the proof is refused, with its place:', () => {
  const refused: readonly { readonly name: string; readonly parts: Parameters<typeof define>[0]; readonly at: string }[] = [
    { name: 'a field grue', parts: { mappings: { properties: { grue: { type: 'keyword' } } } }, at: 'spec.destination.mappings.properties.grue' },
    { name: 'a field below grue', parts: { mappings: { properties: { 'grue.o': { type: 'keyword' } } } }, at: 'spec.destination.mappings.properties.grue.o' },
    { name: 'our mark', parts: { mappings: { _meta: { grue: {} } } }, at: 'spec.destination.mappings._meta.grue' },
    { name: 'custom routing', parts: { mappings: { _routing: { required: true } } }, at: 'spec.destination.mappings._routing' },
    { name: 'no _source', parts: { mappings: { _source: { enabled: false } } }, at: 'spec.destination.mappings._source' },
    { name: 'gc_deletes', parts: { settings: { index: { gc_deletes: '1s' } } }, at: 'spec.destination.settings.gc_deletes' },
  ];
  test.each(refused)('$name', ({ parts, at }) => {
    expect(() => define(parts)).toThrow(expect.objectContaining({ code: 'GRUE-API-006', at }));
  });
});
