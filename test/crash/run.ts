import { kinds } from '../../src/api/kinds.ts';
import type { Logger } from '../../src/controller/logger.ts';
import type { Effect } from './effects.ts';
import { differences, type EndState, endState } from './end-state.ts';
import { idOf, type Point } from './fates.ts';
import { watchReaders } from './readers.ts';
import type { Scenario } from './scenario.ts';
import { produce } from './scenarios/shop.ts';
import { type Simulation, simulate } from './simulation.ts';

export interface RunResult {
  readonly id: string;
  readonly effects: readonly Effect[];
  readonly end: EndState;
  /** Why this is not as it should be; empty when it is. */
  readonly complaints: readonly string[];
  readonly virtualSeconds: number;
}

const tick = 250;
const produceEvery = 500;
/** Longest virtual time for the beginning, and for all of it. */
const longestBeginning = 120_000;
const longest = 600_000;
/** How long an end has to last to be one. */
const calm = 4_000;
const settlesWithin = 90_000;

/**
 * Plays a scenario through a point.
 * @param expected the end of the uninterrupted run; without one this is that run
 */
export async function play(scenario: Scenario, point: Point, expected?: EndState, logger?: Logger): Promise<RunResult> {
  const sim = simulate(point, logger);
  const { clock, store, choke } = sim;
  const complaints: string[] = [];
  const readers = watchReaders(sim, scenario.readers, (complaint) => {
    if (complaints.length < 20) complaints.push(complaint);
  });
  choke.onEffect = readers.look;
  const records = [...scenario.records];
  const beats = [...scenario.story];
  let begun = false;
  let told = false;

  /** People act when they see something: after the write, and not in the middle of it. */
  const actOnNews = (): void => {
    if (!begun || told) return;
    told = true;
    queueMicrotask(() => {
      told = false;
      if (beats[0]?.when(sim) === true) {
        beats.shift()?.act(sim);
        actOnNews();
      }
    });
  };
  for (const type of [kinds.StreamMigration, kinds.Revision]) store.follow(type, undefined, store.version(), actOnNews);

  const advance = async (): Promise<void> => {
    await clock.advance(tick);
    if (begun && clock.monotonic() % produceEvery === 0) produce(sim, records.splice(0, 1));
    actOnNews();
    readers.look();
  };

  scenario.prepare(sim);
  while (!scenario.begins(sim) && clock.monotonic() < longestBeginning) await advance();
  begun = true;
  choke.arm();
  const beganAt = clock.monotonic();
  const isOver = (): boolean => beats.length === 0 && records.length === 0 && choke.pending() === 0 && scenario.ends(sim);
  const limit = beganAt + longest;
  while (!isOver() && clock.monotonic() < limit) await advance();
  if (!isOver()) complaints.push(`it does not end: ${stateOf(sim, beats.length)}`);
  const end = await lastState(sim, expected, advance);
  if (expected) complaints.push(...differences(expected, end));
  complaints.push(...madeTwice(sim));
  return { id: idOf(point), effects: choke.effects, end, complaints, virtualSeconds: (clock.monotonic() - beganAt) / 1_000 };
}

/** Lets the end settle: until it is the expected one and stays it, or for long enough to see that it will not be. */
async function lastState(sim: Simulation, expected: EndState | undefined, advance: () => Promise<void>): Promise<EndState> {
  const wait = async (milliseconds: number): Promise<void> => {
    const until = sim.clock.monotonic() + milliseconds;
    while (sim.clock.monotonic() < until) await advance();
  };
  if (!expected) await wait(15_000);
  const until = sim.clock.monotonic() + settlesWithin;
  let found = await endState(sim);
  while (expected && sim.clock.monotonic() < until) {
    if (differences(expected, found).length === 0) {
      await wait(calm);
      found = await endState(sim);
      if (differences(expected, found).length === 0) return found;
    }
    await wait(1_000);
    found = await endState(sim);
  }
  return found;
}

const stateOf = ({ store }: Simulation, beatsLeft: number): string => {
  const migrations = store.list(kinds.StreamMigration).map(({ metadata, status }) => `${metadata.name} ${JSON.stringify(status)}`);
  return `${beatsLeft} beats of the story are left; ${migrations.join('; ')}`.slice(0, 2_000);
};

/** The same physical name is never made a second time: its suffix belongs to one attempt. */
function madeTwice({ kafka, search }: Simulation): readonly string[] {
  const seen = new Set<string>();
  return [...kafka.history(), ...search.history()].flatMap((line) => {
    const made = /^created (topic|group|index) (\S+)/.exec(line)?.[0];
    if (made === undefined || made.endsWith('.registry')) return [];
    if (seen.has(made)) return [`made twice: ${made}`];
    seen.add(made);
    return [];
  });
}
