import { partSeparator, recordSeparator } from './extract.ts';
import { badRecord } from './intake.ts';
import type { BadRecord, RawBatch } from './ports.ts';
import type { Outcome } from './run.ts';

/** @param problems `place, code, reason` of each bad record as a statement gives them: joined by part and record separators, or null */
export function readProblems(batch: RawBatch, { runs, rejects }: Outcome, column: number): BadRecord[] {
  const bad = rejects.map(({ index, origin, code, reason }) => badRecord(batch, index, origin, code, reason));
  for (const run of runs) {
    const problems = run.row[column];
    if (typeof problems !== 'string') continue;
    for (const problem of problems.split(recordSeparator)) {
      const [place = '', code = '', ...reason] = problem.split(partSeparator);
      const n = Number(place);
      bad.push(badRecord(batch, run.batch.indexes[n]!, run.batch.origins[n], code as BadRecord['code'], reason.join(' ')));
    }
  }
  return bad;
}
