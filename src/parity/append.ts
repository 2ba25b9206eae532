import type { OriginRange } from '../drivers/ports.ts';
import { partitionName } from './offsets.ts';
import { altersCounts, boundText, type CountBounds, type Difference, examples, shown, type Verdict, withinBounds } from './verdict.ts';

/** What was counted in one index, in one point-in-time. `undefined`: not known, which is never zero. */
export interface AppendSide {
  /** Documents per range of the region, in its order. */
  readonly inRegion: readonly (number | undefined)[];
  /** Documents of the region's partitions with an origin below the range. */
  readonly below: number | undefined;
  /** Documents of the region's partitions with an origin at or after the end of the range. */
  readonly beyond: number | undefined;
  /** Documents without a stamp or from another root. */
  readonly foreign: number | undefined;
  /** All documents. */
  readonly total: number | undefined;
}

export interface AppendInput {
  /** Per root partition [floor, fence): floor is the first offset that green read. */
  readonly region: readonly OriginRange[];
  readonly green: AppendSide;
  readonly blue: AppendSide;
  readonly bounds: CountBounds;
}

/** A side with nothing missing. */
interface Counted {
  readonly inRegion: readonly number[];
  readonly below: number;
  readonly beyond: number;
  readonly foreign: number;
  readonly total: number;
}

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

/**
 * Whether blue holds anything that green cannot have, or either side anything of unknown origin. Judged before parity: both sides may be
 * equal on the last week while the flip drops three years.
 */
export function judgeCoverage(input: AppendInput): Verdict {
  const bound = 'nothing in blue is older than what green read, and every document has a known origin';
  const facts = countedSides(input);
  if ('missing' in facts) return { outcome: 'Inconclusive', reason: 'MissingFacts', observed: facts.missing, bound };
  const { green, blue } = facts;
  const differences: Difference[] = [];
  if (blue.below > 0) differences.push({ where: 'below the first offset that green read', green: shown(green.below), blue: shown(blue.below) });
  if (blue.foreign + green.foreign > 0)
    differences.push({ where: 'without a stamp or from another root', green: shown(green.foreign), blue: shown(blue.foreign) });
  if (differences.length > 0) {
    const observed = differences.map(({ where, ...counts }) => `documents ${where}: ${counts.blue} in blue, ${counts.green} in green`).join('; ');
    return { outcome: 'Fail', observed, bound, differences };
  }
  const strays = { green: straysOf(green), blue: straysOf(blue) };
  if (strays.green !== 0 || strays.blue !== 0) {
    // A partition that the root got after the fence belongs to the next one; a former epoch of the root does not come back.
    const observed = `documents of partitions or epochs that this fence does not know: ${shown(strays.blue)} in blue, ${shown(strays.green)} in green`;
    return { outcome: 'Inconclusive', reason: 'MissingFacts', observed, bound };
  }
  return { outcome: 'Pass', observed: `${shown(blue.total)} documents in blue, all within what green read`, bound };
}

const straysOf = ({ total, below, inRegion, beyond, foreign }: Counted): number => total - below - sum(inRegion) - beyond - foreign;

/** Whether both sides hold the same number of documents per partition of the region, or the declared number over all of them. */
export function judgeAppend(input: AppendInput): Verdict {
  const { region, bounds } = input;
  const bound = boundText(bounds);
  const facts = countedSides(input);
  if ('missing' in facts) return { outcome: 'Inconclusive', reason: 'MissingFacts', observed: facts.missing, bound };
  const [green, blue] = [facts.green.inRegion, facts.blue.inRegion];
  const [greenSum, blueSum] = [sum(green), sum(blue)];
  const observed = `${shown(greenSum)} in green, ${shown(blueSum)} in blue`;
  // Two empty sides agree about nothing, and no ratio can be taken to an empty one.
  if (blueSum === 0 && (greenSum === 0 || altersCounts(bounds))) return { outcome: 'Inconclusive', reason: 'NoData', observed, bound };
  if (altersCounts(bounds)) {
    if (withinBounds(greenSum, blueSum, bounds)) return { outcome: 'Pass', observed, bound };
    return { outcome: 'Fail', observed, bound, differences: [{ where: 'all partitions', green: shown(greenSum), blue: shown(blueSum) }] };
  }
  // Partition by partition, so that one document too many here does not hide one too few there.
  const unequal = region.flatMap((range, index) => {
    const [inGreen = 0, inBlue = 0] = [green[index], blue[index]];
    return inGreen === inBlue ? [] : [{ range, inGreen, inBlue }];
  });
  const apart = sum(unequal.map(({ inGreen, inBlue }) => Math.abs(inGreen - inBlue)));
  if (apart <= bounds.tolerance) return { outcome: 'Pass', observed: apart === 0 ? observed : `${observed}, ${shown(apart)} apart`, bound };
  const differences = unequal.map(({ range, inGreen, inBlue }) => ({ where: rangeName(range), green: shown(inGreen), blue: shown(inBlue) }));
  const listed = examples(differences.map(({ where, ...counts }) => `${where} ${counts.green} to ${counts.blue}`));
  return { outcome: 'Fail', observed: `${observed}, ${shown(apart)} apart: ${listed}`, bound, differences };
}

const rangeName = ({ root, partition, epoch }: OriginRange): string => `${partitionName(root, partition)}${epoch === 0 ? '' : ` epoch ${epoch}`}`;

function countedSides({ region, green, blue }: AppendInput): { readonly green: Counted; readonly blue: Counted } | { readonly missing: string } {
  if (region.length === 0) return { missing: 'no partition of a root is known' };
  const sides = { green: counted(green, region), blue: counted(blue, region) };
  if ('missing' in sides.green) return { missing: `green: ${sides.green.missing}` };
  if ('missing' in sides.blue) return { missing: `blue: ${sides.blue.missing}` };
  return { green: sides.green, blue: sides.blue };
}

function counted({ inRegion, below, beyond, foreign, total }: AppendSide, region: readonly OriginRange[]): Counted | { readonly missing: string } {
  const counts = region.map((_, index) => inRegion[index]);
  const hole = counts.indexOf(undefined);
  const range = region[hole];
  if (range) return { missing: `the count of ${rangeName(range)} is unknown` };
  if (below === undefined || beyond === undefined || foreign === undefined || total === undefined) return { missing: 'not everything was counted' };
  return { inRegion: counts.flatMap((count) => count ?? []), below, beyond, foreign, total };
}
