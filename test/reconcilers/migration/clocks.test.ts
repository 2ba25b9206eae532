import { describe, expect, test } from 'vitest';
import type { MigrationStatus } from '../../../src/api/stream-migration.ts';
import { plan } from '../../../src/reconcilers/migration/plan.ts';
import { report } from '../../../src/reconcilers/migration/report.ts';
import { at, bothColours, flipped, gate, onGreen, running, snapshot, verified } from './snapshots.ts';

/** An operator begins with a clock that is an hour ahead of that of its predecessor, or an hour behind. What it has seen itself it has measured. */
const anHour = 3_600;
const soak = { unhealthy: [], openSearches: 0, members: 0 };

const movedAt = (secondsAgo: number): MigrationStatus => ({ ...flipped, flip: { ...flipped.flip!, movedAt: at(secondsAgo) } });

const soaking = (secondsAgo: number, seenSeconds: number, length: string): string =>
  plan(
    snapshot({
      spec: { soak: length },
      status: movedAt(secondsAgo),
      facts: { revisions: bothColours, aliases: onGreen, flippedMilliseconds: seenSeconds * 1_000 },
    }),
  ).phase;

describe('a soak', () => {
  test('does not end at once because a clock has jumped ahead: this process watches it for a minute, or as long as it is', () => {
    expect([soaking(anHour, 0, '30m'), soaking(anHour, 59, '30m'), soaking(anHour, 60, '30m')]).toEqual(['Soaking', 'Soaking', 'TearingDown']);
    expect([soaking(anHour, 2, '3s'), soaking(anHour, 3, '3s')]).toEqual(['Soaking', 'TearingDown']);
  });

  test('does not last longer than it is, as this process has seen it, because a clock was set back', () => {
    expect([soaking(-anHour, 1_790, '30m'), soaking(-anHour, 1_800, '30m')]).toEqual(['Soaking', 'TearingDown']);
  });

  test('goes on where it was when the operator is restarted and no clock has jumped', () => {
    expect([soaking(1_000, 0, '30m'), soaking(1_000, 600, '30m'), soaking(1_801, 601, '30m')]).toEqual(['Soaking', 'Soaking', 'TearingDown']);
  });
});

describe('a time that is still to come, because a clock was set back,', () => {
  test('is that of a verdict which nobody knows the age of: readers move on another one', () => {
    const status = { ...verified, gates: [gate('Pass', 1, -anHour)] };
    expect(plan(snapshot({ status, facts: running }))).toMatchObject({ phase: 'Verifying', record: { fencesPassed: 1 } });
  });

  test('does not hold up a rollback: what this process has proven it has proven since', () => {
    const status: MigrationStatus = { ...flipped, ending: { way: 'Rollback', reason: 'asked', time: at(-anHour) } };
    const facts = { revisions: bothColours, aliases: onGreen, soak: { ...soak, blueProvenSecondsAgo: 1 } };
    expect(plan(snapshot({ status, facts })).record?.flip).toMatchObject({ direction: 'Back' });
  });

  test('proves nothing of blue', () => {
    const seen = snapshot({
      spec: { soak: '2h' },
      status: { ...flipped, fence: { ...verified.fence!, time: at(-anHour) } },
      facts: { revisions: bothColours, aliases: onGreen },
    });
    const { status } = report(seen, plan(seen), { kind: 'Done' });
    expect(status.conditions?.find(({ type }) => type === 'RollbackPossible')).toMatchObject({ status: 'Unknown' });
  });

  test('is no deadline that was missed', () => {
    const seen = snapshot({ status: { ...verified, gates: [], phase: 'Verifying', phaseSince: at(-anHour) }, facts: running });
    const { status } = report(seen, { phase: 'Verifying', message: 'waiting' }, { kind: 'Done' });
    expect(status.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({ status: 'False' });
  });
});
