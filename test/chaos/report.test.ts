import { expect, test } from 'vitest';
import { type ChaosReport, leastKills, verdict } from './report.ts';

const good: ChaosReport = {
  seed: 'one',
  seconds: 600,
  kills: 60,
  killsOf: { operator: 30, worker: 30 },
  leaderKills: 12,
  pauses: 8,
  selfEnded: [{ name: 'operator-2', code: 1, wasPaused: true }],
  migrations: 12,
  outcomes: { Completed: 6, Aborted: 3, RolledBack: 3 },
  plans: { Complete: 3 },
  flips: 12,
  records: 90_000,
  lost: 0,
  duplicated: 0,
  wrong: 0,
  deadLetters: 0,
  reads: { total: 200_000, failed: 0, empty: 0, mixed: 0 },
  aliasLooks: 9_000,
  longestStandstillSeconds: 22,
  leftBehind: [],
  problems: [],
  story: [],
};

test('ten minutes need fifty kills', () => {
  expect(leastKills(600)).toBe(50);
});

test('a run in which all is right has no reason to fail', () => {
  expect(verdict(good)).toEqual([]);
});

test('a short run need not have seen every way to end', () => {
  expect(verdict({ ...good, seconds: 45, kills: 3, outcomes: { RolledBack: 1 } })).toEqual([]);
});

const flaws: readonly (readonly [flaw: Partial<ChaosReport>, reason: string])[] = [
  [{ kills: 49 }, 'only 49 processes were killed in 600 s'],
  [{ migrations: 0 }, 'no migration has ended'],
  [{ outcomes: { Completed: 9 } }, 'no migration was Aborted, none RolledBack'],
  [{ records: 0 }, 'nothing was produced'],
  [{ lost: 1 }, '1 records are lost'],
  [{ duplicated: 2 }, '2 records are duplicated'],
  [{ wrong: 3 }, '3 documents do not hold what their record says'],
  [{ deadLetters: 4 }, '4 good records are among the dead letters'],
  [{ reads: { ...good.reads, total: 0 } }, 'nobody has read'],
  [{ reads: { ...good.reads, failed: 5 } }, '5 reads failed'],
  [{ reads: { ...good.reads, empty: 6 } }, '6 reads missed documents'],
  [{ reads: { ...good.reads, mixed: 7 } }, '7 reads mixed two versions'],
  [{ leftBehind: ['topic t'] }, 'left behind: topic t'],
  [{ selfEnded: [{ name: 'worker-1', code: 1, wasPaused: true }] }, 'ended by themselves: worker-1 (1)'],
  [{ selfEnded: [{ name: 'operator', code: 1, wasPaused: false }] }, 'ended by themselves: operator (1)'],
  [{ problems: ['m3 is held'] }, 'm3 is held'],
];

test.each(flaws)('%o is a reason to fail', (flaw, reason) => {
  expect(verdict({ ...good, ...flaw })).toEqual([reason]);
});
