import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { FenceRecord } from '../../src/api/stream-migration.ts';
import { advanceFence, type FenceInput, type StageFacts, takeFence } from '../../src/parity/fence.ts';
import { decodeOffsets, encodeOffsets } from '../../src/parity/offsets.ts';
import type { Definition } from '../../src/topology/graph.ts';
import { emptyNamespace, planInput, planned } from '../topology/builders.ts';
import { type Chance, drain, expectedIn, factsOf, produce, type Question, restart, step, type World, worldOf } from './stream-world.ts';
import { topology } from './topologies.ts';

// A busy machine may take its time over hundreds of runs.
vi.setConfig({ testTimeout: 60_000 });

/** Commits first, so that every end is younger than the commits that it follows from; the roots last. */
const rightOrder: readonly Question[] = ['committed', 'highWatermark', 'lastStable'];

/** A generator of whole numbers from a seed, so that a counterexample repeats. */
function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Now and then a broker has no answer for a group. */
function forgetful(facts: FenceInput, chance: Chance): FenceInput {
  const forget = (stage: StageFacts): StageFacts => ({
    ...stage,
    committed: new Map([...stage.committed].map(([topic, offsets]) => [topic, offsets.map(() => undefined)])),
  });
  return { ...facts, stages: facts.stages.map((stage) => (chance(20) === 0 ? forget(stage) : stage)) };
}

type Stored = FenceRecord | undefined;
const inconclusive = (taken: ReturnType<typeof takeFence>): taken is { readonly inconclusive: string } => 'inconclusive' in taken;

/** What a sink lacks of what lies before the fence at the roots. */
function missingAt(world: World, fence: FenceRecord): readonly string[] {
  const ends = new Map(fence.offsets.map(({ topic, at }) => [topic, decodeOffsets(at)]));
  return [...world.documents].flatMap(([sink, documents]) =>
    [...expectedIn(world, sink, ends)].filter((origin) => !documents.has(origin)).map((origin) => `${sink} lacks ${origin}`),
  );
}

/**
 * Runs a world by chance: records come, stages work and are killed, and an operator, who may be killed between any two steps as well,
 * takes fences and pushes them down. Whenever a fence is passed, all that lies before it must have arrived.
 * @returns how many fences were passed
 */
function run(world: World, seed: number, order: readonly Question[]): number {
  const chance = chanceFrom(seed);
  let stored: Stored;
  let passed = 0;
  const live = (): void => {
    for (let count = chance(12); count > 0; count -= 1) {
      const kind = chance(20);
      if (kind < 2) produce(world, chance);
      else if (kind === 19) restart(world, chance);
      else step(world, chance);
    }
  };
  for (let turn = 0; turn < 60; turn += 1) {
    live();
    const facts = forgetful(factsOf(world, order, live), chance);
    if (stored === undefined) {
      const taken = takeFence(turn, 'now', facts);
      if (!inconclusive(taken)) stored = taken;
      continue;
    }
    const { fence, changed, late, broken } = advanceFence(stored, facts);
    expect(broken).toBeUndefined();
    if (late.length === 0 && !changed) {
      expect(missingAt(world, fence)).toEqual([]);
      passed += 1;
      stored = undefined;
    } else if (chance(5) > 0) stored = fence; // else killed before it was stored
  }
  return passed;
}

/** A fresh world with the stages of a topology: it changes while it runs, so runs must not share one. */
const worldFor = (definitions: readonly Definition[], seed: number): World =>
  worldOf(planned(planInput(emptyNamespace, new Map(), definitions)).revisions, chanceFrom(seed));

test('no fence passes before everything up to it has arrived in every sink: held-back records, overtaking, restarts, missing offsets and a killed operator notwithstanding', () => {
  let passed = 0;
  fc.assert(
    fc.property(topology, fc.nat(), (definitions, seed) => {
      passed += run(worldFor(definitions, seed), seed, rightOrder);
    }),
    { numRuns: 150 },
  );
  // Without fences that do pass, nothing has been tested.
  expect(passed).toBeGreaterThan(100);
});

test('the same runs find a fence that passes early when the ends are asked for before the commits', () => {
  const wrong = fc.check(
    fc.property(topology, fc.nat(), (definitions, seed) => {
      run(worldFor(definitions, seed), seed, ['highWatermark', 'committed', 'lastStable']);
    }),
    { numRuns: 2_000, seed: 1, endOnFailure: true },
  );
  expect(String((wrong.errorInstance as { actual?: unknown }).actual)).toMatch(/ lacks in/);
});

test('every fence passes in the end, in as many steps as there are stages in a row, once nothing holds the stages up', () => {
  fc.assert(
    fc.property(topology, fc.nat(), (definitions, seed) => {
      const chance = chanceFrom(seed);
      const world = worldFor(definitions, seed);
      for (let count = 0; count < 30; count += 1) produce(world, chance);
      let fence = takeFence(
        1,
        'now',
        factsOf(world, rightOrder, () => {}),
      );
      if (inconclusive(fence)) throw new Error(fence.inconclusive);
      drain(world, chance);
      for (let steps = 0; steps <= world.stages.length; steps += 1) {
        const progress = advanceFence(
          fence,
          factsOf(world, rightOrder, () => {}),
        );
        if (progress.late.length === 0 && !progress.changed) {
          expect(missingAt(world, fence)).toEqual([]);
          return;
        }
        fence = progress.fence;
      }
      throw new Error('the fence never passed');
    }),
  );
});

test('a record that is held back in a worker holds back every fence taken after it was produced, while later ones pass it by', () => {
  fc.assert(
    fc.property(topology, fc.nat(), (definitions, seed) => {
      const chance = chanceFrom(seed);
      const world = worldFor(definitions, seed);
      for (let count = 0; count < 10; count += 1) produce(world, chance);
      drain(world, chance);
      const [sink] = [...world.documents.keys()];
      const stage = world.stages.find(({ revision }) => revision === sink);
      const topic = stage?.reads[0] ?? '';
      const positions = stage?.committed.get(topic) ?? [];
      const partition = (world.topics.get(topic) ?? []).findIndex((log) => log.length > 0);
      if (partition < 0) return;
      // The worker has the last record of this partition in its hands; all other partitions go on.
      positions[partition] = (positions[partition] ?? 1) - 1;
      stage?.batches.set(`${topic}/${partition}`, { to: 1_000_000, unwritten: [] });
      let fence = takeFence(
        1,
        'now',
        factsOf(world, rightOrder, () => {}),
      );
      if (inconclusive(fence)) throw new Error(fence.inconclusive);
      for (let turn = 0; turn < 10; turn += 1) {
        const progress = advanceFence(
          fence,
          factsOf(world, rightOrder, () => {}),
        );
        expect(progress.late.map(({ revision }) => revision)).toContain(sink);
        fence = progress.fence;
      }
    }),
  );
});

test('offsets survive their text, unknown ones included', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), { nil: undefined }), { minLength: 1 }), (offsets) => {
      expect(decodeOffsets(encodeOffsets(offsets))).toEqual(offsets);
    }),
  );
});
