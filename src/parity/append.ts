import type { OriginRange } from '../drivers/ports.ts';
import type { CountBounds, Verdict } from './verdict.ts';

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

/** Whether blue holds anything that green cannot have: judged before parity. */
export function judgeCoverage(_input: AppendInput): Verdict {
  throw new Error('under construction');
}

/** Whether both hold the same number of documents per partition of the region. */
export function judgeAppend(_input: AppendInput): Verdict {
  throw new Error('under construction');
}
