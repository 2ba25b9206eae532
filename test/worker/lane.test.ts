import { beforeEach, expect, test } from 'vitest';
import { GrueError } from '../../src/api/errors.ts';
import { silentLogger } from '../../src/controller/logger.ts';
import { Lane } from '../../src/worker/lane.ts';
import { problemOf } from '../../src/worker/problem.ts';
import { settle, virtualClock } from '../support/virtual-clock.ts';
import { badOf, batchOf, FakeWorld, gate, silentMetrics } from './fakes.ts';

const where = { topic: 'in', partition: 0 };
let world: FakeWorld;
let said: string[];
beforeEach(() => {
  world = new FakeWorld();
  said = [];
});

function open(clock = virtualClock(), after = Promise.resolve()) {
  const report = {
    problem: (_: object, problem: unknown) => void said.push(problem === undefined ? 'well' : problemOf(problem).reason),
    setAside: (_: object, bad: number) => void said.push(`${bad} set aside`),
  };
  const lane = new Lane(
    where,
    {
      consumer: world.consumer,
      facts: world.readFacts,
      prepare: world.prepare,
      deadLetters: world.deadLetters,
      metrics: silentMetrics,
      clock,
      logger: silentLogger,
      report,
    },
    after,
  );
  return { lane, clock };
}

test('after a failure it starts again from its commit, not from where it was', async () => {
  const { lane, clock } = open();
  await lane.fetched(batchOf(0, 5));
  await settle();
  world.onDeliver = () => Promise.reject(new GrueError('GRUE-PLT-003', 'no answer'));
  await lane.fetched(batchOf(5, 5));
  await settle();
  world.onDeliver = async () => ({ written: 5, bad: [] });
  await clock.advance(200);
  expect(world.events).toEqual(['read in/0 from 0', 'prepare 0', 'deliver 0', 'commit in/0 5', 'prepare 5', 'stop in/0', 'read in/0 from 5']);
  expect(said).toEqual(['ElasticsearchUnavailable']);
});

test('it says that it is well again only after a batch went through', async () => {
  world.onDeliver = () => Promise.reject(new Error('no answer'));
  const { lane, clock } = open();
  await lane.fetched(batchOf(0, 5));
  await clock.advance(200);
  expect(said).toEqual(['Failing']);
  world.onDeliver = async () => ({ written: 5, bad: [] });
  await lane.fetched(batchOf(0, 5));
  await settle();
  expect(said).toEqual(['Failing', 'well']);
});

test('it waits longer after each failure in a row', async () => {
  world.onDeliver = () => Promise.reject(new Error('no answer'));
  const { lane, clock } = open();
  const restarts = () => world.events.filter((event) => event.startsWith('read')).length;
  for (let failure = 0; failure < 8; failure++) {
    await lane.fetched(batchOf(0, 5));
    await clock.advance(30_000);
  }
  const before = restarts();
  await lane.fetched(batchOf(0, 5));
  await clock.advance(5_000);
  expect(restarts()).toBe(before);
});

test('what does not pass by itself is looked at once a minute, or when somebody has changed something', async () => {
  world.facts.set('in/0', { committed: undefined, logStart: 0, logEnd: 9 });
  const { lane, clock } = open();
  await settle();
  expect(said).toEqual(['NoCommittedOffset']);
  await clock.advance(59_000);
  expect(said).toHaveLength(1);
  await clock.advance(1_000);
  expect(said).toHaveLength(2);
  lane.poke(false);
  await settle();
  expect(said).toHaveLength(3);
});

test('too many bad records hold it up until somebody says that they may pass', async () => {
  world.onDeliver = async (batch) => ({ written: 0, bad: badOf(batch, 1_000) });
  const { lane, clock } = open();
  await lane.fetched(batchOf(0, 1_000));
  await settle();
  expect(said).toEqual(['TooManyBadRecords']);
  await clock.advance(60_000);
  await lane.fetched(batchOf(0, 1_000));
  await settle();
  expect(said).toEqual(['TooManyBadRecords', 'TooManyBadRecords']);
  lane.poke(true);
  await settle();
  await lane.fetched(batchOf(0, 1_000));
  await settle();
  expect(said.slice(2)).toEqual(['1000 set aside', 'well']);
  expect(world.committed.get('in/0')).toBe(1_000);
});

test('it reads nothing before the one who had the partition is done with it', async () => {
  const before = gate();
  open(virtualClock(), before.passed);
  await settle();
  expect(world.events).toEqual([]);
  before.open();
  await settle();
  expect(world.events).toEqual(['read in/0 from 0']);
});

test('abandoned while it pauses, it is over at once', async () => {
  world.facts.set('in/0', { committed: undefined, logStart: 0, logEnd: 9 });
  const { lane } = open();
  await settle();
  await lane.abandon(new Error('lost'));
  expect(world.events).toEqual(['stop in/0']);
});
