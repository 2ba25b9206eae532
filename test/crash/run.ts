import { kinds } from '../../src/api/kinds.ts';
import type { Platform } from '../../src/api/platform.ts';
import type { Logger } from '../../src/controller/logger.ts';
import type { Effect } from './effects.ts';
import { differences, type EndState, endState } from './end-state.ts';
import { idOf, type Point } from './fates.ts';
import type { Mutation } from './mutations.ts';
import { watchReaders, watchTruth } from './readers.ts';
import type { Beat, Scenario, Setting } from './scenario.ts';
import { produce } from './scenarios/shop.ts';
import { type Checkpoint, checkpointOf, namespace, type Simulation, simulate } from './simulation.ts';

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
/** Longest virtual time. */
const longest = 300_000;
/** How long an end has to last to be one. */
const calm = 4_000;
const settlesWithin = 45_000;

const beginnings = new Map<Setting, Promise<Checkpoint>>();

/** What is there when the stories of a setting begin; made once. */
function beginningOf(setting: Setting): Promise<Checkpoint> {
  const known = beginnings.get(setting) ?? prepare(setting);
  beginnings.set(setting, known);
  return known;
}

async function prepare({ prepare: begin, begins }: Setting): Promise<Checkpoint> {
  const sim = simulate({ scenario: '', perturbation: 'calm', seed: 0, fates: [] });
  begin(sim);
  while (!begins(sim)) {
    if (sim.clock.monotonic() > longest) throw new Error('the setting does not come to rest');
    await sim.clock.advance(tick);
  }
  await sim.clock.advance(calm);
  return checkpointOf(sim);
}

export interface PlayOptions {
  /** The end of the uninterrupted run; without one this is that run. */
  readonly expected?: EndState;
  readonly mutation?: Mutation | undefined;
  readonly logger?: Logger | undefined;
}

/** Plays a scenario through a point. */
export async function play(scenario: Scenario, point: Point, { expected, mutation, logger }: PlayOptions = {}): Promise<RunResult> {
  const sim = simulate(point, { from: await beginningOf(scenario.setting), mutation, logger });
  const { clock, store, choke } = sim;
  const complaints: string[] = [];
  const complain = (complaint: string): void => {
    if (complaints.length < 20) complaints.push(complaint);
  };
  const readers = watchReaders(sim, scenario.readers, complain);
  watchTruth(sim, complain);
  choke.onEffect = readers.look;
  const ghosts = new Set<string>();
  choke.onLate = (effect) => {
    const ghost = ghostOf(sim, effect);
    if (ghost !== undefined) ghosts.add(ghost);
  };
  const records = [...scenario.records];
  const beats = [...scenario.story];
  let told = false;
  let thinking = 0;

  /** People act when they see something: after the write, and not in the middle of it. */
  const actOnNews = (): void => {
    if (told) return;
    told = true;
    queueMicrotask(() => {
      told = false;
      const [beat] = beats;
      if (beat?.when(sim) !== true) return;
      beats.shift();
      thinking += 1;
      if (beat.afterSeconds === undefined) act(beat);
      else clock.schedule(beat.afterSeconds * 1_000, () => act(beat));
      actOnNews();
    });
  };
  const act = (beat: Beat): void => {
    thinking -= 1;
    beat.act(sim);
  };
  for (const type of [kinds.StreamMigration, kinds.Revision]) store.follow(type, undefined, store.version(), actOnNews);

  const advance = async (): Promise<void> => {
    await clock.advance(tick);
    if (clock.monotonic() % produceEvery === 0) produce(sim, records.splice(0, 1));
    actOnNews();
    readers.look();
  };

  const isOver = (): boolean => beats.length === 0 && thinking === 0 && records.length === 0 && choke.pending() === 0 && scenario.ends(sim);
  while (!isOver() && !choke.runsAway && clock.monotonic() < longest) await advance();
  if (!isOver()) complaints.push(`it does not end: ${stateOf(sim, beats.length)}`);
  const end = await lastState(sim, ghosts, expected, advance);
  complaints.push(...(await unlisted(sim, ghosts, advance)));
  if (choke.runsAway)
    complaints.push(
      `it runs away: ${choke.effects
        .slice(-3)
        .map(({ verb, about }) => `${verb} ${about}`)
        .join(', ')}`,
    );
  if (expected) complaints.push(...differences(expected, end));
  complaints.push(...madeTwice(sim, ghosts));
  sim.end();
  return { id: idOf(point), effects: choke.effects, end, complaints, virtualSeconds: clock.monotonic() / 1_000 };
}

/** Lets the end settle: until it is the expected one and stays it, or for long enough to see that it will not be. */
async function lastState(sim: Simulation, ghosts: ReadonlySet<string>, expected: EndState | undefined, advance: () => Promise<void>): Promise<EndState> {
  const wait = async (milliseconds: number): Promise<void> => {
    const until = sim.clock.monotonic() + milliseconds;
    while (sim.clock.monotonic() < until) await advance();
  };
  if (!expected) await wait(15_000);
  const until = sim.clock.monotonic() + settlesWithin;
  let found = await endState(sim, ghosts);
  while (expected && sim.clock.monotonic() < until) {
    if (differences(expected, found).length === 0) {
      await wait(calm);
      found = await endState(sim, ghosts);
      if (differences(expected, found).length === 0) return found;
    }
    await wait(1_000);
    found = await endState(sim, ghosts);
  }
  return found;
}

const stateOf = ({ store }: Simulation, beatsLeft: number): string => {
  const migrations = store.list(kinds.StreamMigration).map(({ metadata, status }) => `${metadata.name} ${JSON.stringify(status)}`);
  return `${beatsLeft} beats of the story are left; ${migrations.join('; ')}`.slice(0, 2_000);
};

/** What a call makes, as the end state calls it. */
const makers: Readonly<Record<string, string>> = { createTopic: 'topic', createIndex: 'index', commitStart: 'group', record: 'note' };

/**
 * What a request has made that arrived when nothing wanted it any more: no client can prevent that where the server takes no condition, and
 * nobody can tell it from what is still to come. It is the one thing that may be left, under its exact name.
 */
function ghostOf({ people, store }: Simulation, { port, verb, about }: Effect): string | undefined {
  // Where the namespace is gone everything stays on the servers, and belongs there.
  if (store.list(kinds.Platform, namespace).length === 0) return undefined;
  const name = about.split(' ')[0] ?? '';
  const revisions = people.revisions();
  if (port === 'kube') {
    const made = verb === 'create' ? revisions.find(({ metadata }) => about === `Revision/${metadata.name}`) : undefined;
    return made && made.spec.migration !== '' && people.migration(made.spec.migration) === undefined ? `revision ${made.metadata.name}` : undefined;
  }
  const made = makers[verb];
  return made === undefined || revisions.some(({ spec }) => Object.values(spec.physical).includes(name)) ? undefined : `${made} ${name}`;
}

/** An operator looks at what nobody knows once a minute. */
const listedWithin = 70_000;

/** What is left over, and people are not told of. */
async function unlisted(sim: Simulation, ghosts: ReadonlySet<string>, advance: () => Promise<void>): Promise<readonly string[]> {
  const { store, kafka, search, clock } = sim;
  const missing = (): readonly string[] => {
    const platform = store.list(kinds.Platform, namespace)[0] as unknown as Platform | undefined;
    const told = new Set(platform?.status?.orphans?.map(({ kind, name }) => `${kind.toLowerCase()} ${name}`));
    const there = [
      ...Object.keys(kafka.snapshot().topics).map((name) => `topic ${name}`),
      ...Object.keys(kafka.snapshot().groups).map((name) => `group ${name}`),
      ...Object.keys(search.snapshot().indices).map((name) => `index ${name}`),
    ];
    return there.filter((one) => ghosts.has(one) && !told.has(one));
  };
  for (const until = clock.monotonic() + listedWithin; missing().length > 0 && clock.monotonic() < until; ) await advance();
  return missing().map((one) => `it is left over, and not listed: ${one}`);
}

/** The same physical name is never made a second time: its suffix belongs to one attempt. */
function madeTwice({ kafka, search, foreign }: Simulation, ghosts: ReadonlySet<string>): readonly string[] {
  const seen = new Set<string>();
  return [...kafka.history(), ...search.history()].flatMap((line) => {
    const made = /^created (topic|group|index) (\S+)/.exec(line)?.[0];
    const [, kind = '', name = ''] = made?.split(' ') ?? [];
    if (made === undefined || name.endsWith('.registry') || ghosts.has(`${kind} ${name}`) || foreign.has(name)) return [];
    if (seen.has(made)) return [`made twice: ${made}`];
    seen.add(made);
    return [];
  });
}
