import type { Kind } from '../../src/api/kinds.ts';
import { examples } from './examples.ts';

/** Per rule of the API server, by its message: a spec that breaks it, and no other. */
export const breaks: Readonly<Record<Kind, Readonly<Record<string, object>>>> = {
  Platform: {},
  Pipeline: {},
  Stream: {
    'a Change stream needs keys.primary': { ...examples.Stream, type: 'Change', keys: { partition: ['date'] } },
    'an external stream has the partitions of its topic: leave partitions out': { ...examples.Stream, external: { topic: 't' }, partitions: 3 },
    'keys.primary names fields of the schema': { ...examples.Stream, keys: { primary: ['nothing'] } },
    'keys.partition names fields of the schema': { ...examples.Stream, keys: { partition: ['hours', 'nothing'] } },
    'ordering.field is a BIGINT or TIMESTAMP field of the schema': { ...examples.Stream, ordering: { field: 'hours' } },
    'the scale of a DECIMAL is at most its precision': { ...examples.Stream, schema: { fields: [{ name: 'price', type: 'ARRAY<DECIMAL(9, 10)>' }] } },
  },
  Connection: {
    'a sink needs a destination': { type: 'Sink', connector: 'elasticsearch', stream: 'delays' },
    'a source has no destination': { ...examples.Connection, type: 'Source' },
  },
  Revision: {
    'stream is there if, and only if, of.kind is Stream': { ...examples.Revision, stream: undefined },
    'pipeline is there if, and only if, of.kind is Pipeline': { ...examples.Revision, pipeline: pipeline() },
    'connection is there if, and only if, of.kind is Connection': {
      ...examples.Revision,
      connection: { connector: 'elasticsearch', destination: { alias: 'delays' }, keepVersions: 1, reads: binding() },
    },
    'the scale of a DECIMAL is at most its precision': {
      ...examples.Revision,
      stream: { ...examples.Revision.stream, fields: [{ name: 'price', type: 'DECIMAL(1,2)' }] },
    },
  },
  StreamMigration: {
    'name at least one resource or change': { resources: [], changes: [] },
    'min is at most max': { ...examples.StreamMigration, gates: { parity: { expect: { count: { min: 2, max: 1 } } } } },
    'a change sets at least one field': withChange('Pipeline', {}),
    'sql belongs to a Pipeline': withChange('Stream', { sql: 'x' }),
    'schema, keys and partitions belong to a Stream': withChange('Connection', { partitions: 2 }),
    'destination belongs to a Connection': withChange('Pipeline', { destination: { alias: 'a' } }),
    'the scale of a DECIMAL is at most its precision': withChange('Stream', { schema: { fields: [{ name: 'price', type: 'DECIMAL(1,2)' }] } }),
  },
};

function withChange(kind: string, set: object) {
  return { changes: [{ kind, name: 'delays', base: 'v1:0', set }] };
}

function binding() {
  return { stream: 'delays', revision: 'stream-delays-1', topic: 't', root: false, epoch: 0, type: 'Append', fields: [] };
}

function pipeline() {
  return { engine: 'embedded', sql: 'x', reads: [binding()], writes: binding(), path: '' };
}
