import { parentPort } from 'node:worker_threads';
import { isTwofold } from './effects.ts';
import type { EndState } from './end-state.ts';
import { idOf, type Point, pointOf } from './fates.ts';
import { effectLog } from './golden.ts';
import { mutations } from './mutations.ts';
import { play } from './run.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios/stories.ts';

/** What a thread is asked: to play a point. */
export interface Task {
  readonly id: string;
  /** Name of a mutation. */
  readonly mutation?: string | undefined;
}

export interface Played {
  readonly id: string;
  readonly effects: number;
  /** Those of them that are a look and a command. */
  readonly twofold: readonly number[];
  readonly complaints: readonly string[];
  readonly log: readonly string[];
  readonly virtualSeconds: number;
  readonly milliseconds: number;
}

const ends = new Map<string, Promise<EndState>>();

export function scenarioOf({ scenario }: Point): Scenario {
  const found = scenarios.find(({ name }) => name === scenario);
  if (!found) throw new Error(`there is no scenario "${scenario}"; there are ${scenarios.map(({ name }) => name).join(', ')}`);
  return found;
}

/** The end of the uninterrupted run, played once. */
function endOf(scenario: Scenario): Promise<EndState> {
  const known = ends.get(scenario.name) ?? play(scenario, pointOf(scenario.name)).then(({ end }) => end);
  ends.set(scenario.name, known);
  return known;
}

export async function playTask({ id, mutation }: Task): Promise<Played> {
  const point = pointOf(id);
  const scenario = scenarioOf(point);
  const isTheCalmOne = idOf(point) === scenario.name && mutation === undefined;
  const broken = mutation === undefined ? {} : { mutation: mutations[mutation] };
  const begun = performance.now();
  const { effects, complaints, virtualSeconds } = await play(scenario, point, isTheCalmOne ? {} : { ...broken, expected: await endOf(scenario) });
  const twofold = effects.filter(isTwofold).map(({ n }) => n);
  return {
    id,
    effects: effects.length,
    twofold,
    complaints,
    log: isTheCalmOne ? effectLog(effects) : [],
    virtualSeconds,
    milliseconds: performance.now() - begun,
  };
}

parentPort?.on('message', (task: Task) => {
  void playTask(task).then(
    (played) => parentPort?.postMessage(played),
    (error: unknown) => {
      throw error;
    },
  );
});
