import { describe, expect, test } from 'vitest';
import type { Hit } from '../workspace.ts';
import { account, isRight } from './audit.ts';
import { rowAt } from './topology.ts';

const amounts = new Map([
  [0, 10],
  [1, 20],
  [2, 30],
]);
const hit = (number: number, version = 3, index = 'live'): Hit => ({
  _index: index,
  _id: String(number),
  _source: { ...rowAt(version, number, amounts.get(number) ?? 0), grue: { p: 0, o: number } },
});
const all = [hit(0), hit(1), hit(2)];

test('every record in one document of one version and one index is right', () => {
  const found = account(all, amounts);
  expect(found).toMatchObject({ documents: 3, lost: 0, duplicated: 0, wrong: 0, versions: [3], indices: ['live'] });
  expect(isRight(found)).toBe(true);
});

describe.each([
  ['a record without a document', all.slice(1), { lost: 1 }],
  ['a record in two documents', [...all, { ...hit(1), _id: 'other' }], { duplicated: 1 }],
  ['a document that stands for no record', [...all, hit(7)], { duplicated: 1 }],
  ['a document without a number', [...all, { ...hit(0), _source: {} }], { duplicated: 1 }],
  ['a document with what the record said before', [...all.slice(1), { ...hit(0), _source: rowAt(3, 0, 9) }], { wrong: 1 }],
  ['a document of another version', [...all.slice(1), hit(0, 4)], { versions: [3, 4] }],
  ['a document in another index', [...all.slice(1), hit(0, 3, 'green')], { indices: ['live', 'green'] }],
])('%s', (_, hits, flaw) => {
  test('is counted, and not right', () => {
    const found = account(hits, amounts);
    expect(found).toMatchObject(flaw);
    expect(isRight(found)).toBe(false);
  });
});
