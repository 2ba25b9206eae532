import { expect, test } from 'vitest';
import { type Sync, syncOf } from '../../src/topology/sync.ts';

/** D: the logical spec. L: the live definition. A: the logical spec when the live Revision was made. */
const cases: readonly { readonly name: string; readonly D: string; readonly L: string; readonly A: string; readonly sync: Sync }[] = [
  { name: 'nothing was ever changed', D: 'one', L: 'one', A: 'one', sync: 'InSync' },
  { name: 'Git was edited', D: 'two', L: 'one', A: 'one', sync: 'Pending' },
  { name: 'a migration changed it inline', D: 'one', L: 'inline', A: 'one', sync: 'LiveAhead' },
  { name: 'the inline change was committed', D: 'inline', L: 'inline', A: 'one', sync: 'InSync' },
  { name: 'Git was edited otherwise after an inline change', D: 'two', L: 'inline', A: 'one', sync: 'Conflict' },
];

test.each(cases)('$sync when $name', ({ D, L, A, sync }) => {
  expect(syncOf({ desired: D, live: L, accepted: A })).toBe(sync);
});

test('an edit that a migration has refused before is Rejected, and another edit is Pending again', () => {
  const edited = { desired: 'two', live: 'one', accepted: 'one', rejected: ['v1:two'] };
  expect(syncOf({ ...edited, fingerprint: 'v1:two' })).toBe('Rejected');
  expect(syncOf({ ...edited, fingerprint: 'v1:three' })).toBe('Pending');
});
