import { type Fate, type Mode, modes, modesBetween, type Point } from './fates.ts';
import type { Mutation } from './mutations.ts';
import { perturbations } from './perturbations.ts';

/** What is tried in one scenario under one perturbation, when an uninterrupted run has so many effects. */
export interface Extent {
  readonly scenario: string;
  readonly perturbation: string;
  readonly seed: number;
  readonly effects: number;
  /** Those of them that are a look and a command. */
  readonly twofold: readonly number[];
}

const numbers = (count: number, step = 1, from = 1): readonly number[] =>
  Array.from({ length: Math.ceil((count - from + 1) / step) }, (_, index) => from + index * step);

const kills: readonly Mode[] = ['kill-before', 'kill-after'];

/** Every effect in every way, then two kills in a row. */
export function pointsIn({ scenario, perturbation, seed, effects, twofold }: Extent): readonly Point[] {
  const point = (...fates: readonly Fate[]): Point => ({ scenario, perturbation, seed, fates });
  if (perturbation === 'calm')
    return [
      point(),
      ...numbers(effects).flatMap((at) => modes.map((mode) => point({ at, mode }))),
      ...twofold.flatMap((at) => modesBetween.map((mode) => point({ at, mode }))),
      ...numbers(effects, strideOfWorkers).map((at) => point({ at, mode: 'worker-killed' })),
      // The second one strikes at the first effect after the restart or at the second, before it or after it, in turn.
      ...numbers(effects).map((at) => point({ at, mode: turn(at) }, { at: 1 + (at % 2), mode: turn(at >> 1) })),
    ];
  // Another place in each seed: over several of them all effects have their turn.
  const sampled = numbers(effects, stride, 1 + (seed % stride));
  if (perturbations[perturbation]?.elected) return [point(), ...sampled.flatMap((at) => [point({ at, mode: 'paused-before' }), point({ at, mode: turn(at) })])];
  return [point(), ...sampled.map((at) => point({ at, mode: turn(at) }))];
}

/** Where a broken operator has to show: at some effect of some scenario, or under some seed of a perturbation. */
export function pointsAgainst({ scenarios, mode, under }: Mutation): readonly Point[] {
  const seeds = under === undefined ? [0] : numbers(6);
  const uninterrupted = seeds.flatMap((seed) => scenarios.map((scenario): Point => ({ scenario, perturbation: under ?? 'calm', seed, fates: [] })));
  if (mode === undefined) return uninterrupted;
  return uninterrupted.flatMap((point) => numbers(mostEffects).map((at) => ({ ...point, fates: [{ at, mode }] })));
}

/** More than a broken operator has in one of those scenarios; a point beyond the last effect is an uninterrupted run. */
const mostEffects = 80;

const stride = 6;
/** Workers go their own way: which effect of the operator it is matters less. */
const strideOfWorkers = 3;

const turn = (index: number): Mode => kills[index % kills.length] as Mode;

/** How hard a point is to understand: fewer fates first, then the earlier ones. */
export const sizeOf = ({ perturbation, fates }: Point): number => (perturbation === 'calm' ? 0 : 1_000) + fates.length * 10_000 + (fates[0]?.at ?? 0);
