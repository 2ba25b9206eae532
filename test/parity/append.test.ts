import { describe, expect, test } from 'vitest';
import type { OriginRange } from '../../src/drivers/ports.ts';
import { type AppendInput, type AppendSide, judgeAppend, judgeCoverage } from '../../src/parity/append.ts';
import type { CountBounds } from '../../src/parity/verdict.ts';

const range = (partition: number): OriginRange => ({ root: 'flights', epoch: 0, partition, from: 0n, to: 1000n });
const side = (inRegion: readonly (number | undefined)[], rest: Partial<AppendSide> = {}): AppendSide => {
  const known = { below: 0, beyond: 5, foreign: 0, ...rest };
  const sum = inRegion.reduce<number>((total, count) => total + (count ?? 0), 0);
  return { inRegion, ...known, total: sum + (known.below ?? 0) + (known.beyond ?? 0) + (known.foreign ?? 0), ...rest };
};
const exact: CountBounds = { tolerance: 0 };
const input = (green: AppendSide, blue: AppendSide, bounds = exact): AppendInput => ({
  region: blue.inRegion.map((_, partition) => range(partition)),
  green,
  blue,
  bounds,
});

describe('parity of an Append stream', () => {
  const cases: readonly {
    readonly name: string;
    readonly green: readonly (number | undefined)[];
    readonly blue: readonly (number | undefined)[];
    readonly bounds?: CountBounds;
    readonly outcome: string;
  }[] = [
    { name: 'equal counts in every partition', green: [10, 20], blue: [10, 20], outcome: 'Pass' },
    { name: 'one document too few', green: [10, 19], blue: [10, 20], outcome: 'Fail' },
    { name: 'one document too many', green: [10, 21], blue: [10, 20], outcome: 'Fail' },
    { name: 'one too many here and one too few there, which sums do not show', green: [11, 19], blue: [10, 20], outcome: 'Fail' },
    { name: 'a partition that is empty on both sides beside one that is not', green: [10, 0], blue: [10, 0], outcome: 'Pass' },
    { name: 'nothing on either side', green: [0, 0], blue: [0, 0], outcome: 'Inconclusive' },
    { name: 'an empty green', green: [0, 0], blue: [10, 20], outcome: 'Fail' },
    { name: 'an empty blue', green: [10, 20], blue: [0, 0], outcome: 'Fail' },
    { name: 'a count that is not known', green: [10, undefined], blue: [10, 20], outcome: 'Inconclusive' },
    { name: 'as far apart as the tolerance', green: [11, 19], blue: [10, 20], bounds: { tolerance: 2 }, outcome: 'Pass' },
    { name: 'farther apart than the tolerance', green: [12, 19], blue: [10, 20], bounds: { tolerance: 2 }, outcome: 'Fail' },
    { name: 'a declared ratio that is kept', green: [4, 11], blue: [10, 20], bounds: { tolerance: 0, ratio: { min: 0.5, max: 0.5 } }, outcome: 'Pass' },
    { name: 'a declared ratio that is not kept', green: [4, 10], blue: [10, 20], bounds: { tolerance: 0, ratio: { min: 0.5, max: 1 } }, outcome: 'Fail' },
    { name: 'a ratio of one, which declares nothing', green: [11, 19], blue: [10, 20], bounds: { tolerance: 0, ratio: { min: 1, max: 1 } }, outcome: 'Fail' },
    { name: 'a ratio to an empty blue', green: [4, 10], blue: [0, 0], bounds: { tolerance: 0, ratio: { min: 0, max: 9 } }, outcome: 'Inconclusive' },
    { name: 'a green that may be empty by declaration', green: [0, 0], blue: [10, 20], bounds: { tolerance: 0, ratio: { min: 0, max: 1 } }, outcome: 'Pass' },
  ];
  test.each(cases)('$outcome: $name', ({ green, blue, bounds = exact, outcome }) => {
    expect(judgeAppend(input(side(green), side(blue), bounds)).outcome).toBe(outcome);
  });

  test('names the partitions that differ, and shows the first of many', () => {
    const verdict = judgeAppend(input(side([1, 2, 3, 4, 1500]), side([2, 3, 4, 5, 1500])));
    expect(verdict).toMatchObject({
      observed: '1,510 in green, 1,514 in blue, 4 apart: flights[0] 1 to 2, flights[1] 2 to 3, flights[2] 3 to 4 and 1 more',
      bound: 'as many in green as in blue',
    });
    expect(verdict.outcome === 'Fail' && verdict.differences).toHaveLength(4);
  });

  test('says nothing when no partition is known or a list is short', () => {
    expect(judgeAppend(input(side([]), side([]))).outcome).toBe('Inconclusive');
    expect(judgeAppend({ ...input(side([1]), side([1])), region: [range(0), range(1)] })).toMatchObject({
      outcome: 'Inconclusive',
      observed: 'green: the count of flights[1] is unknown',
    });
  });
});

describe('coverage', () => {
  const cases: readonly { readonly name: string; readonly green?: Partial<AppendSide>; readonly blue?: Partial<AppendSide>; readonly outcome: string }[] = [
    { name: 'all of blue is within what green read', outcome: 'Pass' },
    { name: 'blue holds documents that are older than what green could read', blue: { below: 1 }, outcome: 'Fail' },
    { name: 'green holds older documents, which takes nothing from anybody', green: { below: 1 }, outcome: 'Pass' },
    { name: 'somebody else writes into blue', blue: { foreign: 1 }, outcome: 'Fail' },
    { name: 'somebody else writes into green', green: { foreign: 1 }, outcome: 'Fail' },
    { name: 'documents whose partition nobody knows', blue: { total: 100 }, outcome: 'Inconclusive' },
    { name: 'a count of foreign documents that is missing', blue: { foreign: undefined }, outcome: 'Inconclusive' },
    { name: 'a total that is missing', green: { total: undefined }, outcome: 'Inconclusive' },
  ];
  test.each(cases)('$outcome: $name', ({ green = {}, blue = {}, outcome }) => {
    expect(judgeCoverage(input(side([10, 20], green), side([10, 20], blue))).outcome).toBe(outcome);
  });

  test('names what it found', () => {
    expect(judgeCoverage(input(side([10]), side([10], { below: 3000, foreign: 2 }))).observed).toBe(
      'documents below the first offset that green read: 3,000 in blue, 0 in green; documents without a stamp or from another root: 2 in blue, 0 in green',
    );
  });
});
