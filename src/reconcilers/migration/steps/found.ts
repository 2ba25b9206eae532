import type { AliasMove, MigrationStatus } from '../../../api/stream-migration.ts';
import { deleting, note, type Step } from '../decision.ts';
import { flipDecided, isOnlyOn, ownGreen, timeOf } from '../status.ts';
import { isProtected, protect } from './protection.ts';
import { forwardMoves } from './verify.ts';

/** Readers are on green, and nothing is known of how they came there: the soak begins anew, and whether a rollback is possible has to be seen. */
const message = 'readers were found on green: the soak begins, and blue is followed again';

/**
 * The status was lost after readers had moved, is older than that (a restored backup), or a person has moved them. Where they are counts,
 * and not what is written.
 */
export const findReadersMoved: Step = (s) => {
  if (flipDecided(s)) return undefined;
  const time = timeOf(s);
  if (s.proposal && 'moved' in s.proposal && s.status.plan === undefined) {
    if (!isProtected(s)) return protect;
    const { hash, steps, moves } = s.proposal.moved;
    return note('Soaking', message, { plan: { hash, steps: [...steps], time }, flip: flipOf(moves, time) });
  }
  const moves = ownGreen(s).length === 0 ? [] : forwardMoves(s);
  if (moves.length === 0 || !moves.every(({ alias, to }) => isOnlyOn(s, alias, to))) return undefined;
  // A fence of before says nothing of blue since then.
  return note('Soaking', message, { flip: flipOf(moves, time), fence: undefined });
};

const flipOf = (moves: readonly AliasMove[], time: string): NonNullable<MigrationStatus['flip']> => ({
  direction: 'Forward',
  intent: [...moves],
  intendedAt: time,
  result: 'Moved',
  movedAt: time,
});

/** Green of an attempt that nobody remembers, because the status was lost before readers moved: this attempt has made its own. */
export const removeForgotten: Step = (s) => {
  const { status, migration, revisions } = s;
  if (status.plan === undefined || flipDecided(s)) return undefined;
  const planned = new Set(status.plan.steps.map(({ to }) => to));
  const left = [...revisions.values()].filter(
    ({ spec, metadata, status: of }) =>
      spec.migration === migration.metadata.name &&
      !planned.has(metadata.name) &&
      metadata.creationTimestamp >= migration.metadata.creationTimestamp &&
      metadata.deletionTimestamp === undefined &&
      of?.role === 'retired' &&
      of.bound !== true,
  );
  if (left.length === 0) return undefined;
  const names = left.map(({ metadata }) => metadata.name);
  return deleting(status.phase ?? 'Planning', `removing ${names.length} Revisions of an attempt whose status was lost`, names);
};
