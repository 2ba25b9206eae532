import { enoughReads, type MigrationReport } from './report.ts';
import type { Findings } from './run.ts';
import { styled } from './screen.ts';
import { toHours, toRoutes } from './topology.ts';

/** What a newcomer reads at the end: what happened, what was measured, by what evidence, and what it means. */
export function summary({ report, records, moves }: Findings, reasons: readonly string[], reportFile: string, columns: number): readonly string[] {
  const paragraph = (text: string, indent = '  '): readonly string[] => wrapped(text, Math.min(columns, 110), indent);
  const { rollback, ...migration } = report;
  const reads = migration.reads.total + rollback.reads.total;
  return [
    '',
    styled('bold', 'What happened'),
    ...paragraph(
      `${count(records)} flights were written to Kafka. A pipeline computed delays from them with SQL, and a sink indexed the result into Elasticsearch, behind the alias "delays". ` +
        `Readers searched that alias all the time. Meanwhile the pipeline was changed twice:`,
    ),
    ...paragraph(
      `1. ${toHours.name} (${toHours.what}). Beside the live topology (blue) Grue built a second one (green) from the beginning of the history, waited until it had caught up, ` +
        `checked that both hold the same, moved all readers in one call, kept blue fed for ${toHours.soakSeconds} s in case somebody wanted to go back, and took it down. ` +
        `${phaseText(migration)}`,
    ),
    ...paragraph(
      `2. ${toRoutes.name} (${toRoutes.what}). The same, but after readers had moved somebody asked for a rollback. Blue had been fed all the time, so readers were moved back and missed nothing. ` +
        `${phaseText(rollback)}`,
    ),
    '',
    styled('bold', 'What was measured'),
    table([
      ['', toHours.name, toRoutes.name],
      ['records acknowledged by Kafka when both indices were compared', count(migration.records), count(rollback.records)],
      ['  of these in the old index (blue)', count(migration.blueDocuments), count(rollback.blueDocuments)],
      ['  of these in the new index (green)', count(migration.greenDocuments), count(rollback.greenDocuments)],
      ['records lost', count(migration.lost), count(rollback.lost)],
      ['records duplicated', count(migration.duplicated), count(rollback.duplicated)],
      ['searches through the alias', count(migration.reads.total), count(rollback.reads.total)],
      ['  failed, empty, or mixed from two indices', faults(migration), faults(rollback)],
      [
        'parity, as Grue judged it',
        `${migration.parity.outcome} at fence ${migration.parity.fence}`,
        `${rollback.parity.outcome} at fence ${rollback.parity.fence}`,
      ],
      ['call that moved the readers (forth; back)', `${migration.flipMilliseconds} ms`, `${rollback.flipMilliseconds} ms`],
      ['slowest search while readers moved (forth; back)', slowest(moves.there), slowest(moves.back)],
    ]),
    '',
    styled('bold', 'By what evidence'),
    ...paragraph(
      'The producer numbers its records, and counts those that Kafka has acknowledged. Every document carries the number of its record, and all documents of the indices were read ' +
        `one by one: a number that is missing (and not among the dead letters either) is a lost record, one that stands twice is a duplicate. All ${count(records)} numbers were looked for once more in the end. ` +
        'The searches ask for records that are certainly there, and note which index each hit came from. Only phases, parity and the time of the call are what Grue itself says.',
    ),
    '',
    styled('bold', 'What it means'),
    ...(reasons.length === 0
      ? paragraph(
          `The SQL, the schema and the index mapping of a live topology were changed, and a second change was taken back, while it was written to and read from. Not one of ${count(records)} records was ` +
            `lost or duplicated, and not one of ${count(reads)} searches failed, came back empty, or saw two states at once.`,
        )
      : [...paragraph(styled('red', 'The run is not what it should be:')), ...reasons.map((reason) => `    ${reason}`)]),
    ...(reads < enoughReads ? paragraph(`(${count(enoughReads)} searches are wanted before "none failed" says something.)`) : []),
    '',
    `  All numbers are in ${reportFile}`,
    '',
  ].flat();
}

const count = (value: number): string => value.toLocaleString('en-US');
const faults = ({ reads: { failed, empty, mixed } }: MigrationReport): string => `${failed}, ${empty}, ${mixed}`;
const slowest = (move: Findings['moves']['there']): string => (move === undefined ? 'not seen' : `${move.slowestMilliseconds} ms`);

const phaseText = ({ phases }: MigrationReport): string => {
  const total = phases.reduce((seconds, phase) => seconds + phase.seconds, 0);
  return `It took ${total.toFixed(0)} s.`;
};

function wrapped(text: string, width: number, indent: string): readonly string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && indent.length + line.length + word.length + 1 >= width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `${indent}${line}`);
}

function table(rows: readonly (readonly [string, string, string])[]): readonly string[] {
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[column] ?? 0) + 3))).join('')}`);
}
