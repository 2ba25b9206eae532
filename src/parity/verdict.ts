/** Why a comparison says nothing. */
export type Reason = 'NoData' | 'MissingFacts' | 'PendingIds';

/** One number that is not what it should be, for the log and the CLI; a condition shows the first few. */
export interface Difference {
  /** A root partition (`flights[3] epoch 0`), a document id, or what was counted. */
  readonly where: string;
  readonly green: string;
  readonly blue: string;
}

/** What a comparison of green and blue at a fence says. `observed` and `bound` are for people and fit a gate result (2,048 and 512 characters). */
export type Verdict =
  | { readonly outcome: 'Pass'; readonly observed: string; readonly bound: string }
  | { readonly outcome: 'Fail'; readonly observed: string; readonly bound: string; readonly differences: readonly Difference[] }
  | { readonly outcome: 'Inconclusive'; readonly reason: Reason; readonly observed: string; readonly bound: string };

/** The bounds that a migration states: `spec.gates.parity`. */
export interface CountBounds {
  /** How many documents the sides may differ by, over all partitions. */
  readonly tolerance: number;
  /** Green documents divided by blue ones, for a change that alters counts. */
  readonly ratio?: { readonly min: number; readonly max: number };
}
