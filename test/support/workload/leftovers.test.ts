import { expect, test } from 'vitest';
import type { Revision, Role } from '../../../src/api/revision.ts';
import { type Found, leftBehind } from './leftovers.ts';

const revision = (name: string, role: Role, spec: object): Revision =>
  ({ metadata: { name, namespace: 'n' }, spec: { migration: 'm1', ...spec }, status: { role } }) as unknown as Revision;
const sink = (number: number, role: Role): Revision =>
  revision(`connection-x-${number}`, role, { of: { kind: 'Connection', name: 'x' }, connection: {}, physical: { group: `g${number}`, index: `i${number}` } });

const revisions = [
  revision('stream-root-1', 'live', { of: { kind: 'Stream', name: 'root' }, stream: { external: true }, physical: { topic: 'root' } }),
  revision('stream-s-4', 'live', { of: { kind: 'Stream', name: 's' }, stream: { external: false }, physical: { topic: 't4' } }),
  revision('pipeline-p-4', 'live', { of: { kind: 'Pipeline', name: 'p' }, pipeline: {}, physical: { group: 'p4', deadLetters: 'd4' } }),
  sink(4, 'live'),
  sink(3, 'retired'),
  sink(2, 'retired'),
];
const found: Found = {
  topics: ['t4', 'd4'],
  groups: ['p4', 'g4'],
  indices: ['i4', 'i3', 'i2'],
  noted: ['topic t4', 'topic d4', 'group p4', 'group g4', 'group g3'],
};

test('what belongs to live Revisions, and to retired sinks that are kept, has a reason to be there', () => {
  expect(leftBehind(revisions, found)).toEqual([]);
});

test.each([
  ['topics', 't3', 'topic t3'],
  ['groups', 'p3', 'group p3'],
  ['indices', 'i1', 'index i1'],
  ['noted', 'topic t3', 'a note on topic t3'],
] as const)('one of the %s without a Revision is left behind', (what, name, line) => {
  expect(leftBehind(revisions, { ...found, [what]: [...found[what], name] })).toEqual([line]);
});

test('Revisions that are neither live nor kept are left behind', () => {
  const green = revision('stream-s-5', 'green', { of: { kind: 'Stream', name: 's' }, stream: { external: false }, physical: { topic: 't5' } });
  expect(leftBehind([...revisions, green], found)).toEqual(['Revision stream-s-5, green, made by m1']);
  expect(leftBehind([...revisions, sink(1, 'retired')], found)).toEqual(['1 retired Revisions of x too many']);
});
