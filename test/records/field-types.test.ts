import { describe, expect, test } from 'vitest';
import { duckdbType, elasticsearchMapping, expectedJson, formatFieldType, parseFieldType } from '../../src/records/field-types.ts';

describe('field types', () => {
  test('each type has one counterpart in the engine and in Elasticsearch', () => {
    const table = [
      'BOOLEAN',
      'TINYINT',
      'SMALLINT',
      'INT',
      'BIGINT',
      'FLOAT',
      'DOUBLE',
      'STRING',
      'DATE',
      'DECIMAL(10,2)',
      'TIMESTAMP(3)',
      'TIMESTAMP_LTZ(6)',
      'ARRAY<INT>',
    ].map((text) => {
      const type = parseFieldType(text);
      return [text, duckdbType(type), elasticsearchMapping(type)];
    });
    expect(table).toEqual([
      ['BOOLEAN', 'BOOLEAN', { type: 'boolean' }],
      ['TINYINT', 'TINYINT', { type: 'byte' }],
      ['SMALLINT', 'SMALLINT', { type: 'short' }],
      ['INT', 'INTEGER', { type: 'integer' }],
      ['BIGINT', 'BIGINT', { type: 'long' }],
      ['FLOAT', 'FLOAT', { type: 'float' }],
      ['DOUBLE', 'DOUBLE', { type: 'double' }],
      ['STRING', 'VARCHAR', { type: 'keyword', ignore_above: 8191 }],
      ['DATE', 'DATE', { type: 'date', format: 'strict_date' }],
      ['DECIMAL(10,2)', 'DECIMAL(10,2)', { type: 'double' }],
      ['TIMESTAMP(3)', 'TIMESTAMP', { type: 'date', format: 'strict_date_optional_time' }],
      ['TIMESTAMP_LTZ(6)', 'TIMESTAMPTZ', { type: 'date_nanos', format: 'strict_date_optional_time_nanos' }],
      ['ARRAY<INT>', 'INTEGER[]', { type: 'integer' }],
    ]);
  });

  test('a timestamp without precision has microseconds, as in Flink', () => {
    expect(formatFieldType(parseFieldType('TIMESTAMP'))).toBe('TIMESTAMP(6)');
  });

  test('writing and reading a type gives the same type', () => {
    for (const text of ['DECIMAL(38,10)', 'TIMESTAMP_LTZ(3)', 'ARRAY<DECIMAL(5,2)>', 'STRING']) expect(formatFieldType(parseFieldType(text))).toBe(text);
  });

  test.each(['ARRAY<INT', 'INT>', 'ARRAY<ARRAY<INT>>', 'DECIMAL(39,2)', 'DECIMAL(5,6)', 'VARCHAR(3)', 'TIMESTAMP(9)', ''])('%s is refused', (text) => {
    expect(() => parseFieldType(text)).toThrow(expect.objectContaining({ code: 'GRUE-API-005' }));
  });

  test('every type says how its JSON looks', () => {
    expect(expectedJson(parseFieldType('ARRAY<BIGINT>'))).toBe('an array, each of its elements a whole number of 64 bits, or a string of its digits');
  });
});
