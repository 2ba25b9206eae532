import { type Decision, type Step, stall, waitFor } from '../decision.ts';
import type { Snapshot } from '../snapshot.ts';
import { ownGreen, whereReadersAre } from '../status.ts';
import { isProtected, release } from './protection.ts';
import { mustBeSaidFirst, untilSaid } from './remember.ts';
import { removeGreen } from './requests.ts';

/**
 * A deleted migration never moves readers. Where they are on blue green is removed, where they are on green blue is let go without being
 * deleted. It is not held for ever: what cannot be removed for long is left behind.
 */
export const honourDeletion: Step = (s) => {
  if (s.migration.metadata.deletionTimestamp === undefined) return undefined;
  if (!isProtected(s)) return waitFor('Aborted', 'deleted');
  if (s.namespaceEnds) return release('its namespace is being deleted');
  const left = ownGreen(s);
  if (mustBeSaidFirst(s)) return untilSaid('Aborting');
  if (left.length === 0) return release('the migration is deleted');
  if (s.blockedMilliseconds >= s.letGoMilliseconds)
    return leaveBehind(s, `its removal was not possible for ${Math.round(s.blockedMilliseconds / 60_000)} minutes`);
  switch (colourOfReaders(s)) {
    case 'green':
      return release('the migration is deleted: readers stay on green');
    case 'blue':
      return { ...removeGreen(s, 'Aborting', left), blocked: true };
    case 'elsewhere':
      return leaveBehind(s, 'somebody has moved an alias to an index that is neither blue nor green');
    case 'unknown':
      return { ...stall('Aborting', 'PlatformUnavailable', s.unreachable?.line ?? '', 5_000), blocked: true };
  }
};

/** Green goes on as what it is to the aliases: live, or retired. */
export const leaveBehind = (s: Snapshot, why: string): Decision => ({
  ...release(`the migration is let go, and nothing is removed: ${why}; ${ownGreen(s).join(', ')}`),
  stalled: { reason: 'LeftBehind' },
});

/** The aliases tell; while nobody can ask them, a result that was read back before. */
function colourOfReaders(s: Snapshot): 'green' | 'blue' | 'elsewhere' | 'unknown' {
  const { flip } = s.status;
  if (flip === undefined) return 'blue';
  const [from, to] = flip.direction === 'Forward' ? (['blue', 'green'] as const) : (['green', 'blue'] as const);
  if (s.unreachable) return flip.result === undefined ? 'unknown' : flip.result === 'Moved' ? to : from;
  const where = whereReadersAre(s);
  return where === 'elsewhere' ? where : where === 'to' ? to : from;
}
