/** Why a comparison says nothing. */
export type Reason = 'NoData' | 'MissingFacts' | 'PendingIds';

/** One number that is not what it should be, for the log and the CLI; a condition shows the first few. */
export interface Difference {
  /** A root partition (`flights[3]`), or what was counted. */
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

/** A number for people: `15,234`. */
export const shown = (count: number): string => count.toLocaleString('en-US');

/** The bounds as a sentence fragment. */
export function boundText({ tolerance, ratio }: CountBounds): string {
  const slack = tolerance === 0 ? '' : `, give or take ${shown(tolerance)}`;
  if (ratio === undefined) return `as many in green as in blue${slack}`;
  return ratio.min === ratio.max ? `green is ${ratio.min} times blue${slack}` : `green is ${ratio.min} to ${ratio.max} times blue${slack}`;
}

/** Whether a change of counts was declared; `1..1` declares none. */
export const altersCounts = ({ ratio }: CountBounds): boolean => ratio !== undefined && (ratio.min !== 1 || ratio.max !== 1);

/** Whether two totals keep the bounds. */
export function withinBounds(green: number, blue: number, { tolerance, ratio = { min: 1, max: 1 } }: CountBounds): boolean {
  return green >= blue * ratio.min - tolerance && green <= blue * ratio.max + tolerance;
}

/** The first of a list that may be long. */
export function examples(items: readonly string[], most = 3): string {
  const rest = items.length - most;
  return rest > 0 ? `${items.slice(0, most).join(', ')} and ${shown(rest)} more` : items.join(', ');
}
