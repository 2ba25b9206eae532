import { expect, test } from 'vitest';
import { exitCodeOf, type MigrationReport, reportOf, verdict } from '../../demo/report.ts';
import { goodMigration, goodReport } from './reports.ts';

test('a run in which all is right has no reason to fail, and ends with 0', () => {
  expect(verdict(goodReport)).toEqual([]);
  expect(exitCodeOf(goodReport)).toBe(0);
});

const flaws: readonly (readonly [what: string, flaw: Partial<MigrationReport>, reason: string])[] = [
  ['a lost record', { lost: 1 }, '1 records are lost'],
  ['a duplicate', { duplicated: 2 }, '2 records are duplicated'],
  ['a failed read', { reads: { ...goodMigration.reads, failed: 3 } }, '3 reads failed'],
  ['a read that missed something', { reads: { ...goodMigration.reads, empty: 1 } }, '1 reads missed documents'],
  ['a mixed read', { reads: { ...goodMigration.reads, mixed: 1 } }, '1 reads mixed two indices'],
  ['a document too few in blue', { blueDocuments: 999 }, 'blue has 999 documents of 1000 records'],
  ['a document too many in green', { greenDocuments: 1_001 }, 'green has 1001 documents of 1000 records'],
  ['parity that did not hold', { parity: { outcome: 'Inconclusive', fence: 2 } }, 'parity is Inconclusive at fence 2'],
  ['parity without a fence', { parity: { outcome: 'Pass', fence: null } }, 'parity is Pass at fence none'],
  ['a flip that nobody timed', { flipMilliseconds: null }, 'no flip was timed'],
  ['nothing at all', { records: 0, blueDocuments: 0, greenDocuments: 0 }, 'nothing was produced'],
  ['another ending', { phases: [{ name: 'Held', seconds: 1 }] }, 'it ended in Held instead of'],
];

test.each(flaws)('%s is a reason to fail, in the first migration and in the second', (_, flaw, reason) => {
  const first = { ...goodReport, ...flaw };
  const second = { ...goodReport, rollback: { ...goodReport.rollback, ...flaw } };
  expect(verdict(first)).toEqual([expect.stringContaining(`the migration: ${reason}`)]);
  expect(verdict(second)).toEqual([expect.stringContaining(`the rolled back migration: ${reason}`)]);
  expect([exitCodeOf(first), exitCodeOf(second)]).toEqual([1, 1]);
});

test('with too few reads "none failed" says nothing', () => {
  const reads = { ...goodMigration.reads, total: 10_000 };
  const report = { ...goodReport, reads, rollback: { ...goodReport.rollback, reads } };
  expect(verdict(report)).toEqual(['only 20,000 reads were made, fewer than 50,000']);
});

test('a record that both audits miss is lost once', () => {
  const audit = (lost: readonly number[]) => ({ documents: [9, 10], lost: new Set(lost), duplicated: new Set<number>() });
  const found = { records: 10, audits: [audit([3]), audit([3, 4])] as const, reads: goodMigration.reads, status: {}, phases: [] };
  expect(reportOf(found)).toMatchObject({ records: 10, blueDocuments: 9, greenDocuments: 10, lost: 2, duplicated: 0, flipMilliseconds: null });
});
