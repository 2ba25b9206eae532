import { judgeCoverage } from '../../../parity/append.ts';
import { type Gate, worst } from './gate.ts';

/** Nothing in blue is older than what green read, and nothing in it is of unknown origin: else both could agree on a week while years are lost. */
export const historyCovered: Gate = {
  name: 'HistoryCovered',
  judge: ({ pairs, bounds }) =>
    worst(
      pairs.map(({ alias, counts }) => {
        if (counts.type === 'Change')
          return { outcome: 'Pass', observed: `${alias}: latest states are compared as a whole`, bound: 'no document without a counterpart' };
        const { outcome, observed, bound } = judgeCoverage({ ...counts, bounds });
        return { outcome, observed: `${alias}: ${observed}`, bound };
      }),
    ),
};
