/** What happens at an effect. */
export const modes = [
  /** The process dies before it has sent anything. */
  'kill-before',
  /** It is done, and the process dies before it hears of it. */
  'kill-after',
  /** It is done, and the process hears of a time-out. */
  'done-but-timed-out',
  /** The process hears of a time-out, and it is done some seconds afterwards. */
  'timed-out-done-later',
  /** The process dies, and it is done some seconds afterwards: a request that was on its way. */
  'killed-done-later',
] as const;

/** The same where a call is a look and a command, and the process has made the look: what it saw may be past when the command arrives. */
export const modesBetween = [
  /** The process dies, and the command arrives some seconds afterwards. */
  'killed-between',
  /** The process hears of a time-out, and the command arrives some seconds afterwards. */
  'timed-out-between',
] as const;

/** The operator goes on, and the worker dies. */
const modesOfWorkers = ['worker-killed'] as const;

export type Mode = (typeof modes)[number] | (typeof modesBetween)[number] | (typeof modesOfWorkers)[number];

/** The process stands still right before it sends it, for longer than a lease lasts. */
export type Stall = 'paused-before';

export interface Fate {
  /** Which effect, counted from 1. In the second fate of a point: after the restart. */
  readonly at: number;
  readonly mode: Mode | Stall;
}

/** One experiment: a scenario under a perturbation, with no, one or two things that go wrong. */
export interface Point {
  readonly scenario: string;
  readonly perturbation: string;
  readonly seed: number;
  readonly fates: readonly Fate[];
}

/** `rollback/17/kill-after`, `rollback/17/kill-after/2/kill-before`, `rollback~lagging-watch.3/17/kill-after`. */
export function idOf({ scenario, perturbation, seed, fates }: Point): string {
  const under = perturbation === 'calm' ? '' : `~${perturbation}.${seed}`;
  return [`${scenario}${under}`, ...fates.flatMap(({ at, mode }) => [String(at), mode])].join('/');
}

const known: ReadonlySet<string> = new Set([...modes, ...modesBetween, ...modesOfWorkers, 'paused-before']);

/** @throws Error for what is no id */
export function pointOf(id: string): Point {
  const [place = '', ...rest] = id.split('/');
  const [scenario = '', under = 'calm.0'] = place.split('~');
  const [perturbation = 'calm', seed = '0'] = under.split('.');
  const fates: Fate[] = [];
  for (let index = 0; index < rest.length; index += 2) {
    const at = Number(rest[index]);
    const mode = rest[index + 1] as Fate['mode'];
    if (!Number.isInteger(at) || at < 1 || !known.has(mode)) throw new Error(`"${id}" is no point: scenario/effect/mode`);
    fates.push({ at, mode });
  }
  return { scenario, perturbation, seed: Number(seed), fates };
}
