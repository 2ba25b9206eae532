import type { DemoReport, MigrationReport } from '../../demo/report.ts';

/** A report of a run in which all was right. */
export const goodMigration: MigrationReport = {
  records: 1_000,
  blueDocuments: 1_000,
  greenDocuments: 1_000,
  parity: { outcome: 'Pass', fence: 2 },
  reads: { total: 30_000, failed: 0, empty: 0, mixed: 0 },
  flipMilliseconds: 7,
  lost: 0,
  duplicated: 0,
  phases: [
    { name: 'Flipping', seconds: 0.1 },
    { name: 'Completed', seconds: 0 },
  ],
};

export const goodReport: DemoReport = { ...goodMigration, rollback: { ...goodMigration, phases: [{ name: 'RolledBack', seconds: 0 }] } };
