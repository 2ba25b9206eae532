import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { LogFields, Logger } from '../../src/controller/logger.ts';
import { idOf, pointOf } from './fates.ts';
import { fullLog, goldenDifference, keepGolden } from './golden.ts';
import { type Mutation, mutations } from './mutations.ts';
import { perturbations } from './perturbations.ts';
import { type Played, scenarioOf, type Task } from './player.ts';
import { type Extent, pointsAgainst, pointsIn, sizeOf } from './points.ts';
import { play } from './run.ts';
import { scenarios } from './scenarios/stories.ts';

/**
 * `npm run test:crash`: every scenario is played once uninterrupted, then with the operator killed at every effect in every way.
 * `-- --point <id>` replays one and prints its effects (with `--mutation <name>` of a broken operator); `-- --scenario <names>` and
 * `-- --perturbation <names>` play the points of some, `-- --every 4` each fourth (as `npm test` does), `-- --mutations` those of the
 * broken operators; `-- --golden` keeps the logs of the uninterrupted runs anew.
 */
const { values } = parseArgs({
  options: {
    point: { type: 'string' },
    scenario: { type: 'string' },
    perturbation: { type: 'string' },
    mutation: { type: 'string' },
    mutations: { type: 'boolean', default: false },
    golden: { type: 'boolean', default: false },
    every: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
  },
});

async function replay(id: string): Promise<number> {
  const point = pointOf(id);
  const scenario = scenarioOf(point);
  const { end } = await play(scenario, pointOf(scenario.name));
  const { effects, complaints, virtualSeconds } = await play(scenario, point, {
    expected: end,
    mutation: mutationOf(values.mutation),
    logger: consoleLogger(),
  });
  console.log(`${id}: ${scenario.says}; ${virtualSeconds} virtual seconds, ${effects.length} effects`);
  for (const line of fullLog(effects)) console.log(line);
  for (const complaint of complaints) console.log(`✗ ${complaint}`);
  if (complaints.length === 0) console.log('✓ it ends as the uninterrupted run does');
  return complaints.length === 0 ? 0 : 1;
}

function mutationOf(name: string | undefined): Mutation | undefined {
  if (name !== undefined && !mutations[name]) throw new Error(`there is no mutation "${name}"; there are ${Object.keys(mutations).join(', ')}`);
  return name === undefined ? undefined : mutations[name];
}

/** What the parts say while a point is replayed, with GRUE_LOG set. */
const consoleLogger = (): Logger | undefined => (process.env['GRUE_LOG'] === undefined ? undefined : talkingLogger({}));

function talkingLogger(fixed: LogFields): Logger {
  const say =
    (level: string): Logger['info'] =>
    (message, fields) =>
      console.log(`        ${level} ${message} ${JSON.stringify({ ...fixed, ...fields }, (_, value) => (value instanceof Error ? value.message : value))}`);
  return { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error'), child: (fields) => talkingLogger({ ...fixed, ...fields }) };
}

async function playAll(): Promise<number> {
  const begun = performance.now();
  const crew = hire(Number(values.jobs));
  const chosen = scenarios.filter(({ name }) => values.scenario === undefined || values.scenario.split(',').includes(name));
  const worlds = Object.keys(perturbations).filter((name) => values.perturbation === undefined || values.perturbation.split(',').includes(name));
  const uninterrupted = await crew.play(chosen.map(({ name }) => name));
  const found: Played[] = [...uninterrupted];
  let drifted = 0;
  for (const { id, log } of uninterrupted) {
    if (values.golden) keepGolden(id, log);
    const difference = goldenDifference(id, log);
    for (const line of difference) console.log(line);
    drifted += difference.length > 0 ? 1 : 0;
  }
  const disturbed = chosen.flatMap(({ name: scenario }, index) =>
    worlds.filter((name) => name !== 'calm').map((perturbation) => ({ scenario, perturbation, seed: index + 1, fates: [] })),
  );
  const firstRuns = await crew.play(disturbed.map(idOf));
  found.push(...firstRuns);
  const extents = [...uninterrupted, ...firstRuns].map(({ id, effects, twofold }): Extent => ({ ...pointOf(id), effects, twofold }));
  const points = extents
    .filter(({ perturbation }) => worlds.includes(perturbation))
    .flatMap((extent) => pointsIn(extent).filter(({ fates }) => fates.length > 0))
    .filter((_, index) => index % Number(values.every) === 0);
  found.push(...(await crew.play(points.map(idOf))));
  const uncaught = values.scenario === undefined && values.perturbation === undefined ? await uncaughtMutations(crew) : [];
  await crew.dismiss();
  return report(found, { drifted, uncaught }, chosen.length, (performance.now() - begun) / 1_000);
}

async function playMutations(): Promise<number> {
  const crew = hire(Number(values.jobs));
  const uncaught = await uncaughtMutations(crew);
  await crew.dismiss();
  return uncaught.length === 0 ? 0 : 1;
}

/** Operators that are broken on purpose have to end otherwise, somewhere. */
async function uncaughtMutations(crew: ReturnType<typeof hire>): Promise<readonly string[]> {
  const uncaught: string[] = [];
  for (const [name, mutation] of Object.entries(mutations)) {
    const { says } = mutation;
    const points = pointsAgainst(mutation);
    const played = await crew.play(points.map(idOf), name, ({ complaints }) => complaints.length > 0);
    const caught = played.find(({ complaints }) => complaints.length > 0);
    if (!caught) uncaught.push(name);
    console.log(caught ? `✓ ${says}: caught at ${caught.id}: ${caught.complaints[0]?.slice(0, 160)}` : `✗ ${says}: not caught by ${played.length} points`);
  }
  return uncaught;
}

interface Blemishes {
  /** Uninterrupted runs that differ from the kept logs. */
  readonly drifted: number;
  /** Mutations that no point has told from the sound operator. */
  readonly uncaught: readonly string[];
}

function report(found: readonly Played[], { drifted, uncaught }: Blemishes, scenarioCount: number, seconds: number): number {
  const bad = found.filter(({ complaints }) => complaints.length > 0).sort((a, b) => sizeOf(pointOf(a.id)) - sizeOf(pointOf(b.id)));
  const summary = {
    scenarios: scenarioCount,
    points: found.length,
    doublePoints: found.filter(({ id }) => pointOf(id).fates.length > 1).length,
    converged: found.length - bad.length,
    diverged: bad.length,
    seconds: Math.round(seconds),
  };
  mkdirSync('out', { recursive: true });
  const isAll = values.scenario === undefined && values.perturbation === undefined;
  writeFileSync(join('out', isAll ? 'crash-report.json' : 'crash-report-part.json'), `${JSON.stringify(summary, undefined, 2)}\n`);
  writeFileSync(join('out', 'crash-divergences.log'), bad.map(({ id, complaints }) => `${id}\n${complaints.map((line) => `    ${line}\n`).join('')}`).join(''));
  for (const { id, complaints } of smallest(bad)) {
    console.log(`✗ ${id}`);
    for (const complaint of complaints.slice(0, 8)) console.log(`    ${complaint}`);
    console.log(`    replay: npm run test:crash -- --point '${id}'`);
  }
  console.log(JSON.stringify(summary));
  if (drifted > 0) console.log(`${drifted} uninterrupted runs differ from test/crash/golden; if that is meant: npm run test:crash -- --golden`);
  return bad.length === 0 && drifted === 0 && uncaught.length === 0 ? 0 : 1;
}

/** The first few of each scenario. */
function smallest(bad: readonly Played[]): readonly Played[] {
  const shown = new Map<string, number>();
  return bad.filter(({ id }) => {
    const { scenario } = pointOf(id);
    shown.set(scenario, (shown.get(scenario) ?? 0) + 1);
    return (shown.get(scenario) ?? 0) <= 3;
  });
}

/** Threads that play points, as many at once as there are cores. */
function hire(count: number) {
  const threads = Array.from({ length: count }, () => new Worker(new URL('./player.ts', import.meta.url)));
  return {
    /** @param enough ends it early */
    async play(ids: readonly string[], mutation?: string, enough: (played: Played) => boolean = () => false): Promise<readonly Played[]> {
      let waiting = [...ids];
      const played: Played[] = [];
      await Promise.all(
        threads.map(async (thread) => {
          for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
            const one = await playOn(thread, { id, mutation });
            played.push(one);
            if (enough(one)) waiting = [];
            if (played.length % 500 === 0) console.log(`${played.length} of ${ids.length} points`);
          }
        }),
      );
      return played;
    },
    dismiss: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}

function playOn(thread: Worker, task: Task): Promise<Played> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      thread.off('message', onMessage);
      thread.off('error', onError);
    };
    const onMessage = (played: Played) => {
      settle();
      resolve(played);
    };
    const onError = (error: unknown) => {
      settle();
      reject(new Error(`point ${task.id} could not be played`, { cause: error }));
    };
    thread.on('message', onMessage);
    thread.on('error', onError);
    thread.postMessage(task);
  });
}

if (values.point !== undefined) process.exitCode = await replay(values.point);
else if (values.mutations) process.exitCode = await playMutations();
else process.exitCode = await playAll();
