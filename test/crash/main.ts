import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { LogFields, Logger } from '../../src/controller/logger.ts';
import { idOf, pointOf } from './fates.ts';
import { fullLog, goldenDifference, keepGolden } from './golden.ts';
import { perturbations } from './perturbations.ts';
import { type Played, scenarioOf } from './player.ts';
import { type Extent, pointsIn, sizeOf } from './points.ts';
import { play } from './run.ts';
import { scenarios } from './scenarios/stories.ts';

/**
 * `npm run test:crash`: every scenario is played once uninterrupted, then with the operator killed at every effect in every way.
 * `-- --point <id>` replays one and prints its effects; `-- --scenario <name>` plays the points of some; `-- --golden` keeps the logs
 * of the uninterrupted runs anew.
 */
const { values } = parseArgs({
  options: {
    point: { type: 'string' },
    scenario: { type: 'string' },
    perturbation: { type: 'string' },
    golden: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
  },
});

async function replay(id: string): Promise<number> {
  const point = pointOf(id);
  const scenario = scenarioOf(point);
  const { end } = await play(scenario, pointOf(scenario.name));
  const { effects, complaints, virtualSeconds } = await play(scenario, point, end, consoleLogger());
  console.log(`${id}: ${scenario.says}; ${virtualSeconds} virtual seconds, ${effects.length} effects`);
  for (const line of fullLog(effects)) console.log(line);
  for (const complaint of complaints) console.log(`✗ ${complaint}`);
  if (complaints.length === 0) console.log('✓ it ends as the uninterrupted run does');
  return complaints.length === 0 ? 0 : 1;
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
  const extents = [...uninterrupted, ...firstRuns].map(({ id, effects }): Extent => ({ ...pointOf(id), effects }));
  const points = extents
    .filter(({ perturbation }) => worlds.includes(perturbation))
    .flatMap((extent) => pointsIn(extent).filter(({ fates }) => fates.length > 0));
  found.push(...(await crew.play(points.map(idOf))));
  await crew.dismiss();
  return report(found, drifted, chosen.length, (performance.now() - begun) / 1_000);
}

function report(found: readonly Played[], drifted: number, scenarioCount: number, seconds: number): number {
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
  writeFileSync(join('out', 'crash-report.json'), `${JSON.stringify(summary, undefined, 2)}\n`);
  writeFileSync(join('out', 'crash-divergences.log'), bad.map(({ id, complaints }) => `${id}\n${complaints.map((line) => `    ${line}\n`).join('')}`).join(''));
  for (const { id, complaints } of smallest(bad)) {
    console.log(`✗ ${id}`);
    for (const complaint of complaints.slice(0, 8)) console.log(`    ${complaint}`);
    console.log(`    replay: npm run test:crash -- --point '${id}'`);
  }
  console.log(JSON.stringify(summary));
  if (drifted > 0) console.log(`${drifted} uninterrupted runs differ from test/crash/golden; if that is meant: npm run test:crash -- --golden`);
  return bad.length === 0 && drifted === 0 ? 0 : 1;
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
    async play(ids: readonly string[]): Promise<readonly Played[]> {
      const waiting = [...ids];
      const played: Played[] = [];
      await Promise.all(
        threads.map(async (thread) => {
          for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
            played.push(await playOn(thread, id));
            if (played.length % 500 === 0) console.log(`${played.length} of ${ids.length} points`);
          }
        }),
      );
      return played;
    },
    dismiss: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}

function playOn(thread: Worker, id: string): Promise<Played> {
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
      reject(new Error(`point ${id} could not be played`, { cause: error }));
    };
    thread.on('message', onMessage);
    thread.on('error', onError);
    thread.postMessage({ id });
  });
}

process.exitCode = values.point === undefined ? await playAll() : await replay(values.point);
