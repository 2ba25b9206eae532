import { altersCounts, boundText, type CountBounds, examples, shown, type Verdict, withinBounds } from './verdict.ts';

/** What was found in one index, in one point-in-time. */
export interface ChangeSide {
  /** All documents; undefined: not known. */
  readonly total: number | undefined;
  /** Ids of sink-input records in [L, E) whose origin is at or after the fence, tombstones included. */
  readonly pending: ReadonlySet<string>;
  /** Version, as digits, of those ids that exist in the index: the pending ones of both sides and the open ones. */
  readonly present: ReadonlyMap<string, string>;
}

export interface ChangeInput {
  readonly green: ChangeSide;
  readonly blue: ChangeSide;
  readonly bounds: CountBounds;
  /** Set when the primary key differs, so that an id of green means nothing in blue. */
  readonly rekeyed?: Rekeyed;
  /** What earlier rounds left open; undefined in the first. */
  readonly open: OpenIds | undefined;
  /** After how many rounds an id that stays open is named. */
  readonly rounds: number;
}

/** Sides that know the same record under different ids. */
export interface Rekeyed {
  /** Records behind the fence that only one side has got so far: by so many the counts may be off. */
  readonly unmatched: number;
}

/** An id in which the sides differed. */
export interface OpenId {
  /** Fences that it has been open at. */
  readonly rounds: number;
  /** The newest version that either side showed when it was opened, as digits. A side that has passed it has kept up. */
  readonly version: string;
}
export type OpenIds = ReadonlyMap<string, OpenId>;

export interface ChangeRound {
  readonly verdict: Verdict;
  /** Hand this to the next round, at the next fence. Undefined if nothing was judged. */
  readonly open: OpenIds | undefined;
}

/**
 * One round of count parity for Change streams at a fence.
 *
 * An index holds the latest state of each key, so nothing in it stands still. Ids that a record behind the fence has touched may show
 * either state, on either side; all other ids must agree, and are counted. A touched id is judged by its version: if the sides differ it
 * stays open, and holds back the verdict of the next round until both show the same version (or none), or both have passed the version
 * that they differed in (a key that changes all the time is never caught in one version), or it has come to rest and is counted.
 */
export function judgeChange(input: ChangeInput): ChangeRound {
  const { green, blue, bounds, open } = input;
  const touched = touchedIds(input);
  const differing = differingIds(input, touched.green);
  const next = new Map([...differing].map((id) => [id, stillOpen(id, input)]));
  if (green.total === undefined || blue.total === undefined) {
    const observed = `the documents of ${green.total === undefined ? 'green' : 'blue'} were not counted`;
    return { verdict: { outcome: 'Inconclusive', reason: 'MissingFacts', observed, bound: boundText(bounds) }, open };
  }
  const atRest = { green: green.total - countPresent(touched.green, green), blue: blue.total - countPresent(touched.blue, blue) };
  const agreeing = [...touched.green].filter((id) => green.present.has(id) && blue.present.has(id) && !differing.has(id)).length;
  return { verdict: verdictOf(input, { atRest, touched: touched.green.size, agreeing, next }), open: next };
}

/** What a round has found. */
interface Findings {
  /** Documents whose id no record behind the fence has touched. */
  readonly atRest: { readonly green: number; readonly blue: number };
  readonly touched: number;
  /** Touched ids that both sides show in one version. */
  readonly agreeing: number;
  /** Touched ids in which the sides differ, with the number of rounds including this one. */
  readonly next: OpenIds;
}

/** An id that both sides have moved past the version in which they differed is opened anew: its earlier difference is settled. */
function stillOpen(id: string, { green, blue, open }: ChangeInput): OpenId {
  const shown = [green.present.get(id), blue.present.get(id)];
  const before = open?.get(id);
  const unsettled = before !== undefined && shown.some((version) => version === undefined || BigInt(version) < BigInt(before.version));
  const newest = shown.reduce<bigint>((most, version) => (version !== undefined && BigInt(version) > most ? BigInt(version) : most), 0n);
  return unsettled ? { ...before, rounds: before.rounds + 1 } : { rounds: 1, version: String(newest) };
}

function verdictOf({ bounds, open, rounds, rekeyed }: ChangeInput, { atRest, touched, agreeing, next }: Findings): Verdict {
  const bound = boundText(bounds);
  const observed = `${shown(atRest.green)} in green, ${shown(atRest.blue)} in blue, and ${shown(touched)} ids in motion`;
  const seen = { green: atRest.green + agreeing, blue: atRest.blue + agreeing };
  if (seen.blue === 0 && (seen.green === 0 || altersCounts(bounds))) return { outcome: 'Inconclusive', reason: 'NoData', observed, bound };
  if (!withinBounds(atRest.green, atRest.blue, bounds)) {
    const slack = rekeyed?.unmatched ?? 0;
    if (withinBounds(atRest.green, atRest.blue, { ...bounds, tolerance: bounds.tolerance + slack }))
      return { outcome: 'Inconclusive', reason: 'PendingIds', observed: `${observed}, and ${shown(slack)} records that only one side has got so far`, bound };
    return { outcome: 'Fail', observed, bound, differences: [{ where: 'ids at rest', green: shown(atRest.green), blue: shown(atRest.blue) }] };
  }
  const waiting = [...next].filter(([, { rounds: seen }]) => seen > 1);
  const stubborn = waiting.filter(([, { rounds: seen }]) => seen >= rounds).map(([id]) => id);
  if (stubborn.length > 0) {
    return {
      outcome: 'Inconclusive',
      reason: 'PendingIds',
      observed: `${observed}; after ${rounds} fences the sides still differ in ${examples(stubborn.sort())}`,
      bound,
    };
  }
  // What differs for the first time is judged at the next fence; where there has been no round before, nothing has been judged at all.
  const held = waiting.length > 0 ? waiting.length : open === undefined ? next.size : 0;
  if (held > 0)
    return { outcome: 'Inconclusive', reason: 'PendingIds', observed: `${observed}, of which ${shown(held)} differ and are judged at the next fence`, bound };
  return { outcome: 'Pass', observed, bound };
}

/** Touched ids that the sides show in different states. Where counts are to differ, an id may well be on one side only. */
function differingIds({ green, blue, bounds, rekeyed }: ChangeInput, touched: ReadonlySet<string>): ReadonlySet<string> {
  if (rekeyed !== undefined) return new Set();
  const oneSided = altersCounts(bounds);
  return new Set(
    [...touched].filter((id) => {
      const [inGreen, inBlue] = [green.present.get(id), blue.present.get(id)];
      return inGreen !== inBlue && !(oneSided && (inGreen === undefined || inBlue === undefined));
    }),
  );
}

/** A record that only one side has seen yet touches the id on both, unless the ids have nothing to do with each other. */
function touchedIds({ green, blue, rekeyed }: ChangeInput): { readonly green: ReadonlySet<string>; readonly blue: ReadonlySet<string> } {
  if (rekeyed !== undefined) return { green: green.pending, blue: blue.pending };
  const both = new Set([...green.pending, ...blue.pending]);
  return { green: both, blue: both };
}

const countPresent = (ids: ReadonlySet<string>, { present }: ChangeSide): number => [...ids].filter((id) => present.has(id)).length;
