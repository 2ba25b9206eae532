import { randomBytes } from 'node:crypto';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { type Audit, runAudit, scan } from '../../../demo/audit.ts';
import { exitCodeOf, reportOf, verdict } from '../../../demo/report.ts';
import { connectSearch } from '../../../demo/search.ts';
import type { MigrationStatus } from '../../../src/api/stream-migration.ts';
import { goodMigration, goodReport } from '../../demo/reports.ts';
import { stack } from '../../stack/for-tests.ts';

/** More than one page of a scan. */
const records = 10_500;
const search = connectSearch(stack().elasticsearch.url);
const { signal } = new AbortController();

let blue: string;
let green: string;

beforeEach(async () => {
  const run = randomBytes(3).toString('hex');
  [blue, green] = [`demo-audit-${run}-blue`, `demo-audit-${run}-green`];
  for (const index of [blue, green]) await fill(index, 0, records);
});
afterAll(async () => {
  await search.ask('DELETE', '/demo-audit-*-blue,demo-audit-*-green?ignore_unavailable=true');
  search.close();
});

const document = (number: number) => ({ number, origin: 'LAS', destination: 'PHL', hours: 0.5 });

async function fill(index: string, from: number, to: number): Promise<void> {
  const lines = Array.from({ length: to - from }, (_, i) => [{ index: { _id: `origin-${from + i}` } }, document(from + i)]).flat();
  await search.must('POST', `/${index}/_bulk?refresh=true`, lines);
}

const audit = (options: { readonly below?: number; readonly patience?: number; readonly deadLettered?: readonly number[] } = {}) =>
  runAudit(search, {
    indices: [blue, green],
    below: options.below ?? records,
    deadLettered: async () => new Set(options.deadLettered),
    patience: options.patience ?? 0,
    signal,
  });

const status: MigrationStatus = {
  gates: [{ name: 'Parity', outcome: 'Pass', observed: '', bound: '', fence: 2, time: '2026-01-01T00:00:00Z' }],
  flip: { direction: 'Forward', intent: [], intendedAt: '2026-01-01T00:00:00Z', milliseconds: 7 },
};

/** What the program would make of it, if everything else were right. */
function programWith(found: Audit) {
  const migration = reportOf({ records, audits: [found], reads: goodMigration.reads, status, phases: [{ name: 'Completed', seconds: 0 }] });
  const report = { ...goodReport, ...migration };
  return { report, reasons: verdict(report), exitCode: exitCodeOf(report) };
}

test('when every record is in both indices once, all is right', async () => {
  const found = await audit();
  expect(found).toEqual({ documents: [records, records], lost: new Set(), duplicated: new Set() });
  expect(programWith(found)).toMatchObject({ reasons: [], exitCode: 0 });
});

test('one record taken away and another one doubled under a new id make the run fail, though the counts are equal', async () => {
  await search.must('DELETE', `/${green}/_doc/origin-4711`);
  await search.must('POST', `/${green}/_doc/another-id?refresh=true`, document(815));
  const found = await audit();
  expect(found).toEqual({ documents: [records, records], lost: new Set([4711]), duplicated: new Set([815]) });
  const { report, reasons, exitCode } = programWith(found);
  expect(report).toMatchObject({ lost: 1, duplicated: 1, blueDocuments: records, greenDocuments: records });
  expect(reasons).toEqual(['the migration: 1 records are lost', 'the migration: 1 records are duplicated']);
  expect(exitCode).toBe(1);
});

test('a record that is missing in blue is as lost as one that is missing in green', async () => {
  await search.must('DELETE', `/${blue}/_doc/origin-0?refresh=true`);
  await search.must('DELETE', `/${green}/_doc/origin-${records - 1}?refresh=true`);
  expect(await audit()).toMatchObject({ documents: [records - 1, records - 1], lost: new Set([0, records - 1]) });
});

test('a record in the dead letters is not lost, but its document is missing all the same', async () => {
  await search.must('DELETE', `/${green}/_doc/origin-7?refresh=true`);
  const found = await audit({ deadLettered: [7, 8] });
  expect(found).toMatchObject({ documents: [records, records - 1], lost: new Set() });
  expect(programWith(found).reasons).toEqual([`the migration: green has ${records - 1} documents of ${records} records`]);
});

test('what was not acknowledged yet does not count, and a document without a number is one too many', async () => {
  await fill(green, records, records + 10);
  await search.must('POST', `/${green}/_doc/unknown?refresh=true`, { origin: 'LAS' });
  expect(await audit()).toEqual({ documents: [records, records + 1], lost: new Set(), duplicated: new Set() });
});

test('what is still on its way is waited for, as long as patience lasts', async () => {
  const later = records + 5;
  const running = audit({ below: later, patience: 20_000 });
  await fill(blue, records, later);
  await fill(green, records, later);
  expect(await running).toMatchObject({ documents: [later, later], lost: new Set() });
  expect((await audit({ below: later + 1, patience: 1 })).lost).toEqual(new Set([later]));
});

test('a double that makes up for a missing record in the count does not end the waiting', async () => {
  await search.must('POST', `/${green}/_doc/another-id?refresh=true`, document(3));
  const running = audit({ below: records + 1, patience: 20_000 });
  await fill(blue, records, records + 1);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await fill(green, records, records + 1);
  expect(await running).toEqual({ documents: [records + 1, records + 2], lost: new Set(), duplicated: new Set([3]) });
});

test('an index that is not there is an error, not an empty one', async () => {
  await expect(scan(search, 'demo-audit-nowhere', 10, signal)).rejects.toThrow('index_not_found_exception');
});
