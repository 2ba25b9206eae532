import type { MigrationStatus } from '../src/api/stream-migration.ts';
import type { Audit } from './audit.ts';
import type { Course } from './course.ts';
import type { ReadCounts } from './read-log.ts';

/** What was found about one migration. */
export interface MigrationReport {
  /** Records that Kafka had acknowledged when the two indices were compared with them. */
  readonly records: number;
  /** Of these, documents in the index that readers came from, and in the one that they were moved to. */
  readonly blueDocuments: number;
  readonly greenDocuments: number;
  /** What Grue says it proved, and at which fence. */
  readonly parity: { readonly outcome: string; readonly fence: number | null };
  readonly reads: ReadCounts;
  /** From sending the call that moves readers to the read-back that confirms it; of a rolled back migration, the call that moved them back. */
  readonly flipMilliseconds: number | null;
  readonly lost: number;
  readonly duplicated: number;
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
}

/** `out/demo-report.json`: the first migration, and below `rollback` the second. */
export interface DemoReport extends MigrationReport {
  readonly rollback: MigrationReport;
}

/** All that was found out about one migration. */
export interface Found {
  readonly records: number;
  /** The first one compared blue and green at `records`; others looked at an index later. */
  readonly audits: readonly [Audit, ...Audit[]];
  readonly reads: ReadCounts;
  /** Only for what Grue itself says: parity, and the time of the flip. */
  readonly status: Pick<MigrationStatus, 'gates' | 'flip'>;
  readonly phases: ReturnType<Course['phases']>;
}

export function reportOf({ records, audits, reads, status, phases }: Found): MigrationReport {
  const parity = status.gates?.find(({ name }) => name === 'Parity');
  const [blueDocuments = 0, greenDocuments = 0] = audits[0].documents;
  return {
    records,
    blueDocuments,
    greenDocuments,
    parity: { outcome: parity?.outcome ?? 'none', fence: parity?.fence ?? null },
    reads,
    flipMilliseconds: status.flip?.milliseconds ?? null,
    lost: new Set(audits.flatMap(({ lost }) => [...lost])).size,
    duplicated: new Set(audits.flatMap(({ duplicated }) => [...duplicated])).size,
    phases,
  };
}

/** So many reads make "none failed" say something. */
export const enoughReads = 50_000;

/** Every reason why the run is not what it should be; none means that all is right. */
export function verdict({ rollback, ...migration }: DemoReport): readonly string[] {
  const reads = migration.reads.total + rollback.reads.total;
  return [
    ...judge('the migration', migration, 'Completed'),
    ...judge('the rolled back migration', rollback, 'RolledBack'),
    ...(reads < enoughReads ? [`only ${reads.toLocaleString('en-US')} reads were made, fewer than ${enoughReads.toLocaleString('en-US')}`] : []),
  ];
}

/** What the program tells the shell. */
export const exitCodeOf = (report: DemoReport): number => (verdict(report).length === 0 ? 0 : 1);

function judge(name: string, report: MigrationReport, ending: string): readonly string[] {
  const { records, blueDocuments, greenDocuments, parity, reads, flipMilliseconds, lost, duplicated, phases } = report;
  const rules: readonly (readonly [holds: boolean, otherwise: string])[] = [
    [records > 0, 'nothing was produced'],
    [blueDocuments === records, `blue has ${blueDocuments} documents of ${records} records`],
    [greenDocuments === records, `green has ${greenDocuments} documents of ${records} records`],
    [parity.outcome === 'Pass' && parity.fence !== null, `parity is ${parity.outcome} at fence ${parity.fence ?? 'none'}`],
    [reads.total > 0, 'nobody has read'],
    [reads.failed === 0, `${reads.failed} reads failed`],
    [reads.empty === 0, `${reads.empty} reads missed documents`],
    [reads.mixed === 0, `${reads.mixed} reads mixed two indices`],
    [flipMilliseconds !== null, 'no flip was timed'],
    [lost === 0, `${lost} records are lost`],
    [duplicated === 0, `${duplicated} records are duplicated`],
    [phases.at(-1)?.name === ending, `it ended in ${phases.at(-1)?.name ?? 'no phase'} instead of ${ending}`],
  ];
  return rules.flatMap(([holds, otherwise]) => (holds ? [] : [`${name}: ${otherwise}`]));
}
