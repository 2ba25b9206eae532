import { expect, test, vi } from 'vitest';
import { courseOf } from '../../demo/course.ts';
import type { MigrationStatus, Phase } from '../../src/api/stream-migration.ts';

function setUp() {
  let tell: (status: MigrationStatus | undefined) => void = () => {};
  let now = 0;
  const seen: Phase[] = [];
  const abort = new AbortController();
  const course = courseOf(
    'm',
    (told) => {
      tell = told;
    },
    (phase) => seen.push(phase),
    abort.signal,
    () => now,
  );
  const enter = (phase: Phase, seconds: number, more: Partial<MigrationStatus> = {}): void => {
    tell({ phase, message: `in ${phase}`, ...more } as MigrationStatus);
    now += seconds * 1_000;
  };
  return { course, enter, seen, abort };
}

test('phases are told in the order of their first appearance, with the sum of their times', () => {
  const { course, enter, seen } = setUp();
  enter('Pending', 1);
  enter('CatchingUp', 5);
  enter('CatchingUp', 2);
  enter('Verifying', 1);
  enter('CatchingUp', 1);
  enter('Completed', 60);
  expect(course.phases()).toEqual([
    { name: 'Pending', seconds: 1 },
    { name: 'CatchingUp', seconds: 8 },
    { name: 'Verifying', seconds: 1 },
    { name: 'Completed', seconds: 0 },
  ]);
  expect(seen).toEqual(['Pending', 'CatchingUp', 'Verifying', 'CatchingUp', 'Completed']);
});

test('waiting ends with the phase that was waited for, also when it is there already', async () => {
  const { course, enter } = setUp();
  const soaking = course.until('Soaking', 10);
  enter('Soaking', 1);
  expect((await soaking).phase).toBe('Soaking');
  expect((await course.until('Soaking', 10)).phase).toBe('Soaking');
});

test('another ending is an error that says what the migration says, with the gates that did not pass', async () => {
  const { course, enter } = setUp();
  const waiting = course.until('Soaking', 10);
  const time = '2026-01-01T00:00:00Z';
  enter('Held', 0, {
    gates: [
      { name: 'Parity', outcome: 'Fail', observed: '9 in green, 10 in blue', bound: 'equal', time },
      { name: 'DeadLetters', outcome: 'Pass', observed: 'none', bound: 'none', time },
    ],
  });
  await expect(waiting).rejects.toThrow('migration m ended in Held, not in Soaking\n  Held: in Held\n  gate Parity is Fail: 9 in green, 10 in blue');
});

test('a migration that does not come in time, or is stalled for long, is an error', async () => {
  vi.useFakeTimers();
  try {
    const { course, enter } = setUp();
    const late = expect(course.until('Soaking', 5)).rejects.toThrow('migration m was not in Soaking within 5 s\n  it has no status');
    await vi.advanceTimersByTimeAsync(5_000);
    await late;
    const stalled = expect(course.until('Soaking', 500)).rejects.toThrow('has been stalled for 30 s');
    const lastTransitionTime = new Date(Date.now()).toISOString();
    enter('CatchingUp', 0, { conditions: [{ type: 'Stalled', status: 'True', reason: 'StageUnhealthy', message: '', lastTransitionTime }] });
    await vi.advanceTimersByTimeAsync(40_000);
    await stalled;
  } finally {
    vi.useRealTimers();
  }
});

test('an abort ends the waiting with its reason', async () => {
  const { course, abort } = setUp();
  const waiting = course.until('Soaking', 10);
  abort.abort(new Error('interrupted'));
  await expect(waiting).rejects.toThrow('interrupted');
});
