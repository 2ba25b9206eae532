import { judgeAppend } from '../../../parity/append.ts';
import { judgeChange } from '../../../parity/change.ts';
import type { Measurement, PairMeasurement } from '../measurement.ts';
import { type Gate, type GateVerdict, worst } from './gate.ts';

/** After how many fences an id that never comes to rest is reported. */
export const openRounds = 10;

/** Both sides hold the same documents at the fence. */
export const parityHolds: Gate = {
  name: 'Parity',
  judge: (measurement) => {
    if (measurement.disturbed !== undefined) return { outcome: 'Inconclusive', observed: measurement.disturbed, bound: 'nothing changes while it is measured' };
    return worst(measurement.pairs.map((pair) => judgePair(pair, measurement)));
  },
};

function judgePair({ alias, counts }: PairMeasurement, { bounds }: Measurement): GateVerdict {
  const { outcome, observed, bound } =
    counts.type === 'Append' ? judgeAppend({ ...counts, bounds }) : judgeChange({ ...counts, bounds, rounds: openRounds }).verdict;
  return { outcome, observed: `${alias}: ${observed}`, bound };
}
