import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  documentIdOfKey,
  documentIdOfOrigin,
  documentIdOfValues,
  documentVersion,
  isKeyed,
  keyJson,
  keyReader,
  partitionKey,
} from '../../src/records/identity.ts';

const orders = {
  stream: 'orders',
  root: false,
  type: 'Change' as const,
  fields: [
    { name: 'region', type: 'STRING' },
    { name: 'id', type: 'BIGINT' },
    { name: 'total', type: 'DECIMAL(10,2)' },
    { name: 'rate', type: 'DOUBLE' },
  ],
  keys: { primary: ['id'] },
};
const external = { ...orders, root: true };
const id = (key: string, binding: typeof orders = orders) => documentIdOfKey(Buffer.from(key), binding);

describe('ids of documents', () => {
  test('an Append record without a key is known by its origin', () => {
    expect(documentIdOfOrigin({ root: 'flights', epoch: 0, p: 0, o: 1_000_000n, path: '' })).toBe('d6604c9a54095f6708169cb7210bd204');
  });

  test('a key beyond 2^53 keeps its digits', () => {
    expect(id('{"id":9007199254740993}')).toBe('i16:9007199254740993');
  });

  test('values of a key cannot run into each other', () => {
    const two = {
      ...orders,
      fields: [
        { name: 'a', type: 'STRING' },
        { name: 'b', type: 'STRING' },
      ],
      keys: { primary: ['a', 'b'] },
    };
    fc.assert(
      fc.property(fc.tuple(fc.string(), fc.string()), fc.tuple(fc.string(), fc.string()), (one, other) => {
        const ids = [one, other].map(([a, b]) => documentIdOfKey(Buffer.from(JSON.stringify({ a, b })), two));
        expect(ids[0] === ids[1]).toBe(one[0] === other[0] && one[1] === other[1]);
      }),
    );
  });

  test('an id is never longer than Elasticsearch allows', () => {
    const long = id(JSON.stringify({ region: 'é'.repeat(300) }), { ...orders, keys: { primary: ['region'] } });
    expect(long).toMatch(/^#[0-9a-f]{32}$/);
  });

  test('1 and "1" are different keys, INT and BIGINT are not', () => {
    const of = (type: string, key: string) => id(key, { ...orders, fields: [{ name: 'id', type }] });
    expect(of('INT', '{"id":1}')).toBe(of('BIGINT', '{"id":1}'));
    expect(of('STRING', '{"id":"1"}')).not.toBe(of('INT', '{"id":1}'));
  });

  test.each([
    ['{"id":5,"more":1}', 'i1:5'],
    ['5', 'i1:5'],
    ['"5"', 'i1:5'],
    ['x', undefined],
    ['{"id":null}', undefined],
    ['{"no":1}', undefined],
    ['{"id":1.5}', undefined],
    ['[5]', undefined],
    ['', undefined],
  ])('a key %s that others wrote gives %s', (key, expected) => {
    expect(id(key, external)).toBe(expected);
  });

  test('a bare key is not accepted where Grue writes', () => {
    expect(id('5')).toBeUndefined();
    expect(keyReader(orders)(null)).toEqual({ problem: 'the record has no key' });
  });

  test('a bare text is the value of a key of one STRING, also if it looks like a number', () => {
    const texts = { ...external, keys: { primary: ['region'] } };
    expect(['eu', '"eu"', '17'].map((key) => id(key, texts))).toEqual(['s2:eu', 's2:eu', 's2:17']);
  });

  test('a floating number cannot be a key', () => {
    expect(() => keyReader({ ...orders, keys: { primary: ['rate'] } })).toThrow(expect.objectContaining({ code: 'GRUE-API-005' }));
  });
});

describe('versions and keys', () => {
  test('a version grows with the offset and, before that, with the epoch', () => {
    expect(documentVersion({ epoch: 0, o: 7n })).toBe('7');
    expect(documentVersion({ epoch: 1, o: 7n })).toBe('281474976710663');
    expect(BigInt(documentVersion({ epoch: 32_767, o: 2n ** 48n - 1n }))).toBeLessThan(2n ** 63n);
  });

  test('the key of a record names its fields in order, decimals as strings', () => {
    const parsed = keyReader({ ...orders, keys: { primary: ['region', 'id', 'total'] } })(Buffer.from('{"id":5,"total":1.5,"region":"a\\u001f\\\\u001f"}'));
    if (!('values' in parsed)) throw new Error(parsed.problem);
    expect(keyJson(parsed.values)).toBe('{"region":"a\\u001F\\\\u001f","id":5,"total":"1.50"}');
    expect(documentIdOfValues(parsed.values)).toBe('s8:a\u001f\\u001fi1:5n4:1.50');
  });

  test('an Append stream with a primary key is keyed, and its partitions follow that key unless others are declared', () => {
    expect(isKeyed({ type: 'Append', keys: { primary: ['id'] } })).toBe(true);
    expect(isKeyed({ type: 'Append' })).toBe(false);
    expect(partitionKey({ keys: { primary: ['id'] } })).toEqual(['id']);
    expect(partitionKey({ keys: { primary: ['id'], partition: ['region'] } })).toEqual(['region']);
  });
});
