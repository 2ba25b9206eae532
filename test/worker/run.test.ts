import { beforeEach, describe, expect, test } from 'vitest';
import type { Revision } from '../../src/api/revision.ts';
import { silentLogger } from '../../src/controller/logger.ts';
import { Runner, type RunReport } from '../../src/worker/run.ts';
import { settle, virtualClock } from '../support/virtual-clock.ts';

let events: string[];
let revisions: Map<string, Revision>;
let failing: Error | undefined;
let outdated: AbortController;
beforeEach(() => {
  events = [];
  revisions = new Map();
  failing = undefined;
  outdated = new AbortController();
});

function put({ wanted = 'Running', uid = 'u1', engine = 'embedded', annotations = {}, deleted = false, kind = 'pipeline' } = {}): void {
  revisions.set('n/r', {
    metadata: { name: 'r', namespace: 'n', uid, annotations, ...(deleted ? { deletionTimestamp: 'now' } : {}) },
    spec: kind === 'pipeline' ? { pipeline: { engine } } : kind === 'connection' ? { connection: {} } : { stream: {} },
    status: { wanted },
  } as unknown as Revision);
}

function open(clock = virtualClock()) {
  const report: RunReport = {
    assigned() {},
    problem() {},
    setAside() {},
    failed: (error) => void events.push(`failed ${error instanceof Error ? error.message : ''}`),
    stopped: async () => void events.push('stopped'),
    close: async () => void events.push('closed'),
  };
  const runner = new Runner({
    revisions: { get: (key) => revisions.get(key) },
    report: () => report,
    clock,
    logger: silentLogger,
    open: async (revision) => {
      events.push(`open ${revision.metadata.uid}`);
      if (failing) throw failing;
      return {
        stage: {
          run: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
          poke: (forgive) => void events.push(`poke ${forgive}`),
        },
        outdated: outdated.signal,
        close: async () => void events.push('close'),
      };
    },
  });
  return { runner, clock };
}

describe('a Revision', () => {
  test.each([
    ['a pipeline of the embedded engine', { kind: 'pipeline' }, true],
    ['a connection', { kind: 'connection' }, true],
    ['a stream', { kind: 'stream' }, false],
    ['a pipeline of another engine', { kind: 'pipeline', engine: 'flink' }, false],
    ['one that is wanted to stop', { wanted: 'Stopped' }, false],
    ['one that is being deleted', { deleted: true }, false],
  ])('%s: %o runs: %s', async (_, shape, runs) => {
    put(shape);
    const { runner } = open();
    runner.changed('n/r');
    await settle();
    expect(events).toEqual(runs ? ['open u1'] : []);
  });

  test('runs once, however often it changes', async () => {
    put();
    const { runner } = open();
    for (let n = 0; n < 3; n++) {
      runner.changed('n/r');
      await settle();
    }
    expect(events).toEqual(['open u1']);
  });

  test('that is wanted to stop is stopped, told so, and runs again when that changes', async () => {
    put();
    const { runner } = open();
    runner.changed('n/r');
    await settle();
    put({ wanted: 'Stopped' });
    runner.changed('n/r');
    await settle();
    expect(events).toEqual(['open u1', 'close', 'stopped']);
    put();
    runner.changed('n/r');
    await settle();
    expect(events.at(-1)).toBe('open u1');
  });

  test('that goes is stopped, and nothing is written about it', async () => {
    put();
    const { runner } = open();
    runner.changed('n/r');
    await settle();
    revisions.clear();
    runner.changed('n/r');
    await settle();
    expect(events).toEqual(['open u1', 'close', 'closed']);
  });

  test('of another incarnation takes the place of the one before, after it has ended', async () => {
    put();
    const { runner } = open();
    runner.changed('n/r');
    await settle();
    put({ uid: 'u2' });
    runner.changed('n/r');
    await settle();
    expect(events).toEqual(['open u1', 'close', 'closed', 'open u2']);
  });

  test('that was opened with settings which no longer hold is opened anew, which is no failure', async () => {
    put();
    const { runner } = open();
    runner.changed('n/r');
    await settle();
    const before = outdated;
    outdated = new AbortController();
    before.abort();
    await settle();
    expect(events).toEqual(['open u1', 'close', 'open u1']);
  });

  test('that somebody resumes is poked once, other changes do nothing', async () => {
    put();
    const { runner } = open();
    runner.changed('n/r');
    await settle();
    put({ annotations: { 'grue.dev/resume': '1' } });
    runner.changed('n/r');
    put({ annotations: { 'grue.dev/resume': '1', other: 'x' } });
    runner.changed('n/r');
    expect(events).toEqual(['open u1', 'poke true']);
  });
});

test('a stage that fails is told of and starts again, later each time', async () => {
  put();
  failing = new Error('no Kafka');
  const { runner, clock } = open();
  runner.changed('n/r');
  await clock.advance(120_000);
  const failures = events.filter((event) => event === 'failed no Kafka').length;
  expect(failures).toBeGreaterThan(5);
  expect(failures).toBeLessThan(15);
  failing = undefined;
  await clock.advance(61_000);
  expect(events.at(-1)).toBe('open u1');
});

test('closing stops everything and starts nothing more', async () => {
  put();
  const { runner } = open();
  runner.changed('n/r');
  await settle();
  await runner.close();
  runner.changed('n/r');
  await settle();
  expect(events).toEqual(['open u1', 'close', 'closed']);
});
