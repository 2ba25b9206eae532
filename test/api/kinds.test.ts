import { describe, expect, test } from 'vitest';
import { apiVersion } from '../../src/api/common.ts';
import { GrueError } from '../../src/api/errors.ts';
import { kinds, parseConnection, parsePipeline, parsePlatform, parseRevision, parseStream, parseStreamMigration } from '../../src/api/kinds.ts';
import { examples } from './examples.ts';

const parsers = {
  Platform: parsePlatform,
  Stream: parseStream,
  Connection: parseConnection,
  Pipeline: parsePipeline,
  Revision: parseRevision,
  StreamMigration: parseStreamMigration,
} as const;

const metadata = { name: 'delays', namespace: 'flights', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '2026-11-21T11:00:00Z' };
const object = (kind: string, spec: unknown, more: object = {}) => ({ apiVersion, kind, metadata, spec, ...more });

function errorOf(parse: () => unknown): GrueError {
  try {
    parse();
  } catch (error) {
    if (error instanceof GrueError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe.each(Object.keys(parsers) as (keyof typeof parsers)[])('%s', (kind) => {
  test('an object of the API server becomes a typed one with defaults, and parsing that again changes nothing', () => {
    const parsed = parsers[kind](object(kind, examples[kind]));
    expect(parsed).toMatchObject(object(kind, examples[kind]));
    expect(parsers[kind](parsed)).toEqual(parsed);
  });

  test('an object of another kind is refused', () => {
    expect(errorOf(() => parsers[kind](object('Secret', examples[kind]))).message).toContain('kind: must be');
  });
});

test('defaults are there', () => {
  expect(parseStreamMigration(object('StreamMigration', examples.StreamMigration)).spec).toEqual({
    ...examples.StreamMigration,
    rebuild: false,
    allowRevert: false,
    strategy: 'BlueGreen',
    history: { from: 'Earliest' },
    gates: { parity: { mode: 'Count', tolerance: 0 } },
    manual: [],
    progressDeadline: '10m',
    onFailure: 'Hold',
    soak: '1h',
    paused: false,
    abort: false,
    rollback: false,
    retry: 0,
  });
  expect(parsePipeline(object('Pipeline', examples.Pipeline)).spec).toMatchObject({ engine: 'embedded', platformRef: { name: 'default' } });
});

test('all problems are listed at once, each with its path', () => {
  const error = errorOf(() =>
    parseStream(
      object('Stream', { type: 'change', partitions: 0, schema: { fields: [{ name: '1st', type: 'INT' }, { type: 'TEXT' }] }, keys: { primary: 'id' } }),
    ),
  );
  expect(error.code).toBe('GRUE-API-001');
  expect(error.message.split('; ')).toEqual([
    'Stream delays: spec.type: must be one of Append, Change',
    'spec.partitions: must be at least 1',
    'spec.schema.fields[0].name: must be letters, digits and "_", and not begin with a digit',
    'spec.schema.fields[1].name: is missing',
    'spec.schema.fields[1].type: must be one of the types that `kubectl explain gstr.spec.schema.fields.type` lists',
    'spec.keys.primary: must be a list',
  ]);
});

test('the error says where the first problem is', () => {
  expect(errorOf(() => parsePlatform(object('Platform', { ...examples.Platform, elasticsearch: { url: 'https://user:password@search:9200' } }))).at).toBe(
    'spec.elasticsearch.url',
  );
});

test('what is no object at all is refused in the same way', () => {
  for (const nothing of [undefined, null, 7, 'Stream', []]) expect(errorOf(() => parseStream(nothing)).code).toBe('GRUE-API-001');
});

test('unknown fields are left out, so that an operator can be older than the CRD', () => {
  const parsed = parsePipeline(object('Pipeline', { ...examples.Pipeline, later: 1 }, { status: { live: 'pipeline-delays-1', later: 1 } }));
  expect(parsed.spec).not.toHaveProperty('later');
  expect(parsed.status).toEqual({ live: 'pipeline-delays-1' });
});

test('what stands in free-form mappings is kept as it is, nulls included', () => {
  const mappings = { properties: { a: { type: 'keyword', null_value: null } }, dynamic: false };
  expect(parseConnection(object('Connection', { ...examples.Connection, destination: { alias: 'delays', mappings } })).spec.destination?.mappings).toEqual(
    mappings,
  );
});

test('names of Revisions may be longer than the names that users choose', () => {
  const named = (name: string) => ({ ...object('Revision', examples.Revision), metadata: { ...metadata, name } });
  expect(parseRevision(named(`connection-${'a'.repeat(40)}-17`)).metadata.name).toHaveLength(54);
  expect(errorOf(() => parseRevision(named('a'.repeat(64)))).at).toBe('metadata.name');
});

test('plural, singular and short names are unique: other products own pipelines and revisions', () => {
  const names = Object.values(kinds).flatMap(({ plural, singular, shortName }) => [plural, singular, shortName]);
  expect(new Set(names).size).toBe(names.length);
});
