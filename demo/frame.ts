import type { Phase } from '../src/api/stream-migration.ts';
import type { ReadCounts } from './read-log.ts';
import type { Side } from './samples.ts';
import { styled } from './screen.ts';

/** All that the view shows at a moment. */
export interface Frame {
  readonly migration:
    | {
        readonly number: number;
        readonly name: string;
        readonly what: string;
        readonly phases: readonly { readonly name: Phase; readonly seconds: number }[];
        readonly message: string;
        /** Seconds until green has caught up, or until the soak is over; undefined while unknown. */
        readonly eta: number | undefined;
      }
    | undefined;
  readonly records: { readonly acknowledged: number; readonly rows: number; readonly perSecond: number };
  readonly sides: readonly (Side & { readonly perSecond: number })[];
  readonly reads: ReadCounts & { readonly perSecond: number; readonly index: string | undefined };
}

/** The straight way, to show what is still to come. */
const way: readonly Phase[] = ['Pending', 'Planning', 'Provisioning', 'CatchingUp', 'Verifying', 'Flipping', 'Soaking', 'TearingDown', 'Completed'];

/** The block on a terminal with so many columns. */
export function block(frame: Frame, columns: number): readonly string[] {
  const { migration, records, sides, reads } = frame;
  const row = (cells: readonly string[], note = ''): string =>
    `    ${(cells[0] ?? '').padEnd(7)}${cells
      .slice(1)
      .map((cell) => cell.padStart(15))
      .join('')}  ${note}`.trimEnd();
  return [
    '',
    ...(migration === undefined
      ? ['  A first topology goes live']
      : [
          `  ${styled('bold', `Migration ${migration.number} of 2: ${migration.name}`)}, ${migration.what}`,
          ...wayText(migration.phases, columns),
          `  ${migration.message}${eta(migration.eta)}`,
        ]),
    '',
    `  records   ${count(records.acknowledged)} of ${count(records.rows)} acknowledged by Kafka, ${count(records.perSecond)}/s`,
    '',
    styled('dim', row(['', 'SQL is behind', 'sink is behind', 'documents', 'per second'])),
    ...sides.map(({ role, index, behindInSql, behindInSink, documents, perSecond }) =>
      row([role, count(behindInSql), count(behindInSink), count(documents), count(perSecond)], reads.index === index ? styled('bold', '← readers') : ''),
    ),
    '',
    `  reads     ${count(reads.total)} through the alias, ${count(reads.perSecond)}/s: ${faults(reads)}`,
    '',
  ];
}

/** The same in one line, for logs. */
export function line({ migration, records, sides, reads }: Frame): string {
  const parts = [
    ...(migration === undefined ? [] : [`${migration.name} ${migration.phases.at(-1)?.name ?? 'Pending'}${eta(migration.eta)}`]),
    `${count(records.acknowledged)} of ${count(records.rows)} records (${count(records.perSecond)}/s)`,
    ...sides.map(
      ({ role, behindInSql, behindInSink, documents, perSecond }) =>
        `${role} ${count(documents)} documents (${count(perSecond)}/s, behind ${count(behindInSql)} in SQL, ${count(behindInSink)} in sink)`,
    ),
    ...(reads.total === 0 ? [] : [`${count(reads.total)} reads (${count(reads.perSecond)}/s, ${faults(reads)})`]),
  ];
  return parts.join('; ');
}

function wayText(phases: NonNullable<Frame['migration']>['phases'], columns: number): readonly string[] {
  const furthest = Math.max(-1, ...phases.map(({ name }) => way.indexOf(name)));
  const isStraight = phases.every(({ name }) => way.includes(name));
  const parts = [
    ...phases.map(({ name, seconds }, i) => {
      const text = `${name} ${seconds.toFixed(0)} s`;
      return { text, shown: i === phases.length - 1 ? styled(['bold', 'cyan'], text) : text };
    }),
    ...(isStraight ? way.slice(furthest + 1) : []).map((text) => ({ text, shown: styled('dim', text) })),
  ];
  const lines = [{ length: 2, shown: ' ' }];
  for (const [i, { text, shown }] of parts.entries()) {
    const last = lines.at(-1)!;
    const piece = i === 0 ? text : `› ${text}`;
    if (last.length + piece.length + 1 < columns)
      lines[lines.length - 1] = { length: last.length + piece.length + 1, shown: `${last.shown} ${i === 0 ? '' : '› '}${shown}` };
    else lines.push({ length: piece.length + 4, shown: `    › ${shown}` });
  }
  return lines.map((line) => line.shown);
}

const eta = (seconds: number | undefined): string => (seconds === undefined ? '' : `, about ${Math.ceil(seconds)} s left`);

const count = (value: number | undefined): string => (value === undefined ? '-' : Math.round(value).toLocaleString('en-US'));

const faults = ({ failed, empty, mixed }: ReadCounts): string => {
  const text = `${count(failed)} failed, ${count(empty)} empty, ${count(mixed)} mixed`;
  return failed + empty + mixed > 0 ? styled(['bold', 'red'], text) : text;
};
