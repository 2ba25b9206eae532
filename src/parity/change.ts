import type { CountBounds, Verdict } from './verdict.ts';

/** What was found in one index, in one point-in-time. */
export interface ChangeSide {
  /** All documents; undefined: not known. */
  readonly total: number | undefined;
  /** Ids of sink-input records in [L, E) whose origin is at or after the fence, tombstones included. */
  readonly pending: ReadonlySet<string>;
  /** Version, as digits, of those pending ids that exist in the index. */
  readonly present: ReadonlyMap<string, string>;
}

export interface ChangeInput {
  readonly green: ChangeSide;
  readonly blue: ChangeSide;
  readonly bounds: CountBounds;
  /** The primary key differs, so an id of green means nothing in blue. */
  readonly rekeyed: boolean;
  /** Ids that earlier rounds left open, with the number of rounds so far. Empty in the first. */
  readonly open: ReadonlyMap<string, number>;
  /** After how many rounds an id that stays open is reported. */
  readonly rounds: number;
}

export interface ChangeRound {
  readonly verdict: Verdict;
  /** Hand this to the next round, at the next fence. */
  readonly open: ReadonlyMap<string, number>;
}

/** One round of count parity for Change streams at a fence. */
export function judgeChange(_input: ChangeInput): ChangeRound {
  throw new Error('under construction');
}
