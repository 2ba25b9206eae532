import { beforeEach, expect, test } from 'vitest';
import { GrueError } from '../../src/api/errors.ts';
import { silentLogger } from '../../src/controller/logger.ts';
import { Stage } from '../../src/worker/stage.ts';
import { settle, virtualClock } from '../support/virtual-clock.ts';
import { batchOf, FakeWorld, gate, silentMetrics } from './fakes.ts';

const of = (...partitions: number[]) => partitions.map((partition) => ({ topic: 'in', partition }));

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
});

async function start(clock = virtualClock()) {
  const stop = new AbortController();
  const report = { assigned() {}, problem() {}, setAside() {} };
  const stage = new Stage({
    consumer: world.consumer,
    facts: world.readFacts,
    prepare: world.prepare,
    deadLetters: world.deadLetters,
    metrics: silentMetrics,
    clock,
    logger: silentLogger,
    report,
  });
  const running = stage.run(stop.signal);
  running.catch(() => {});
  await settle();
  return { running, stop, clock };
}

test('a record that is held back holds up its own partition and no other', async () => {
  world.onPrepare = (batch) => (batch.partition === 0 ? new Promise(() => {}) : Promise.resolve());
  await start();
  world.group?.assigned(of(0, 1));
  await world.group?.fetched(batchOf(0, 5, { partition: 0 }));
  await world.group?.fetched(batchOf(0, 5, { partition: 1 }));
  await settle();
  expect([...world.committed]).toEqual([['in/1', 5]]);
});

test('a partition that stays goes on through a rebalance, one that goes is given up', async () => {
  const delivery = gate();
  world.onDeliver = async () => {
    await delivery.passed;
    return { written: 5, bad: [] };
  };
  await start();
  world.group?.assigned(of(0, 1));
  await settle();
  for (const partition of [0, 1]) await world.group?.fetched(batchOf(0, 5, { partition }));
  await settle();
  world.group?.assigned(of(1));
  delivery.open();
  await settle();
  expect([...world.committed]).toEqual([['in/1', 5]]);
});

test('when the membership was lost everything is given up, and starts from the commits when it is back', async () => {
  await start();
  world.group?.assigned(of(0));
  await settle();
  await world.group?.fetched(batchOf(0, 5));
  await settle();
  world.group?.lost('no heartbeat');
  world.group?.assigned(of(0));
  await settle();
  expect(world.events.filter((event) => event.startsWith('read'))).toEqual(['read in/0 from 0', 'read in/0 from 5']);
});

test('a partition that comes back is not touched while its last delivery is still on its way', async () => {
  const delivery = gate();
  world.onDeliver = async () => {
    await delivery.passed;
    return { written: 5, bad: [] };
  };
  await start();
  world.group?.assigned(of(0));
  await settle();
  await world.group?.fetched(batchOf(0, 5));
  await settle();
  world.group?.lost('no heartbeat');
  world.group?.assigned(of(0));
  await settle();
  expect(world.events.filter((event) => event.startsWith('read'))).toEqual(['read in/0 from 0']);
  delivery.open();
  await settle();
  expect(world.events.filter((event) => event.startsWith('read'))).toEqual(['read in/0 from 0', 'read in/0 from 0']);
});

test('asked to stop it takes in nothing more, commits what it delivers, and leaves the group last', async () => {
  const delivery = gate();
  world.onDeliver = async () => {
    await delivery.passed;
    return { written: 5, bad: [] };
  };
  const { stop, running } = await start();
  world.group?.assigned(of(0));
  await settle();
  await world.group?.fetched(batchOf(0, 5));
  await settle();
  stop.abort();
  await settle();
  delivery.open();
  await running;
  expect(world.events.slice(2)).toEqual(['prepare 0', 'stop in/0', 'deliver 0', 'commit in/0 5', 'leave']);
});

test('what the group still assigns while it is left is not taken on: nobody would end it', async () => {
  const { running, stop } = await start();
  stop.abort();
  await running;
  world.group?.assigned(of(0));
  await settle();
  expect(world.events.filter((event) => event.startsWith('read'))).toEqual([]);
});

test('a delivery that takes too long is discarded when it is asked to stop', async () => {
  world.onDeliver = (_, signal) => new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const { stop, running, clock } = await start();
  world.group?.assigned(of(0));
  await settle();
  await world.group?.fetched(batchOf(0, 5));
  await settle();
  stop.abort();
  await clock.advance(8_000);
  await running;
  expect(world.committed.size).toBe(0);
  expect(world.events.at(-1)).toBe('leave');
});

test('a consumer that breaks down ends the stage with its error', async () => {
  const { running } = await start();
  world.group?.assigned(of(0));
  world.crash(new GrueError('GRUE-PLT-002', 'Kafka cannot be reached'));
  await expect(running).rejects.toMatchObject({ code: 'GRUE-PLT-002' });
  expect(world.events.at(-1)).toBe('leave');
});

test('asked to stop before it began it does not even join', async () => {
  const stop = new AbortController();
  stop.abort();
  const report = { assigned() {}, problem() {}, setAside() {} };
  const parts = { consumer: world.consumer, facts: world.readFacts, prepare: world.prepare, deadLetters: world.deadLetters, metrics: silentMetrics };
  await new Stage({ ...parts, clock: virtualClock(), logger: silentLogger, report }).run(stop.signal);
  expect(world.events).toEqual([]);
});
