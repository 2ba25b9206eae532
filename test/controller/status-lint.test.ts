import { expect, test } from 'vitest';
import type { Condition } from '../../src/controller/conditions.ts';
import type { Widget } from '../support/kube-kinds.ts';
import { widget } from '../support/kube-kinds.ts';
import { lintStatus, lintStatusChange } from '../support/status-lint.ts';

const ready: Condition = {
  type: 'Ready',
  status: 'True',
  reason: 'Running',
  message: 'all is well',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: 2,
};
const negative = (type: string): Condition => ({ ...ready, type, reason: 'Because' });
const having = (conditions: readonly unknown[], others: object = {}): Widget => ({
  ...widget('a', {}, { generation: 2 }),
  status: { conditions, observedGeneration: 2, ...others },
});

test('a good status has no findings', () => {
  expect(lintStatus(having([ready]), { now: Date.UTC(2026, 0, 2) })).toEqual([]);
});

const bad: readonly [string, Widget][] = [
  ['S1', having([ready, ready])],
  ['S2', having([{ ...ready, reason: '' }])],
  ['S2', having([{ ...ready, reason: 'not camel' }])],
  ['S2', having([{ ...ready, message: 'two\nlines' }])],
  ['S3', having([{ ...ready, status: 'true' }])],
  ['S3', having([{ ...ready, lastTransitionTime: '2026-01-01T00:00:00.123Z' }])],
  ['S3', having([{ ...ready, lastTransitionTime: '2027-01-01T00:00:00Z' }])],
  ['S4', having([{ ...ready, observedGeneration: undefined }])],
  ['S4', having([{ ...ready, observedGeneration: 3 }])],
  ['S5', having([ready], { observedGeneration: 3 })],
  ['S6', having([negative('Stalled')])],
  ['S7', having([ready, negative('Stalled')])],
  ['S8', having([{ ...ready, status: 'False' }, negative('Stalled'), negative('Reconciling')])],
  ['S9', having([{ ...ready, status: 'False' }, negative('Finished'), negative('Reconciling')])],
  ['S10', having([ready], { lag: null })],
  ['S10', having([ready], { since: new Date(0) })],
  ['S10', having([ready], { rate: Number.NaN })],
  ['S11', having([ready], { plan: 'x'.repeat(500_000) })],
  ['S12', having([ready], { target: 'https://elastic:changeme@search:9200' })],
];

test.each(bad)('%s finds its fault, and only that', (rule, object) => {
  const findings = lintStatus(object, { now: Date.UTC(2026, 0, 2) });
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatch(new RegExp(`^${rule}: `));
});

test('T1 and T2 look at two statuses of one object', () => {
  const later = '2026-01-01T00:01:00Z';
  const change = (after: Condition): readonly string[] => lintStatusChange(having([ready]), having([after])).map((finding) => finding.slice(0, 2));
  expect(change({ ...ready, status: 'False', lastTransitionTime: later })).toEqual([]);
  expect(change({ ...ready, lastTransitionTime: later })).toEqual(['T1']);
  expect(change({ ...ready, status: 'False', lastTransitionTime: '2025-01-01T00:00:00Z' })).toEqual(['T1']);
  expect(change({ ...ready, observedGeneration: 1 })).toEqual(['T2']);
  expect(lintStatusChange(having([ready]), having([ready], { observedGeneration: 1 }))).toEqual(['T2: observedGeneration went back']);
});
