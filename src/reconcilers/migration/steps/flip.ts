import { doNow, note, type Step, stall } from '../decision.ts';
import { leave, timeOf, whereReadersAre } from '../status.ts';
import { forwardMoves } from './verify.ts';

/** Moves the readers of all aliases in one call. The intent stands in the stored object before the call is made; after a crash the aliases tell. */
export const flip: Step = (s) => {
  const { flip } = s.status;
  if (flip === undefined) {
    if (s.progress && s.progress.unhealthy.length > 0) return stall('Verifying', 'StageUnhealthy', s.progress.unhealthy.join('; '), 1_000);
    const intent = forwardMoves(s);
    return note('Flipping', `about to move ${intent.length} aliases`, { flip: { direction: 'Forward', intent, intendedAt: timeOf(s) } });
  }
  if (flip.direction === 'Back' || flip.result === 'Moved') return undefined;
  if (flip.result === 'NotMoved') return leave(s, 'Held', 'Hold', 'GRUE-ES-004: the aliases could not be moved as planned');
  if (s.unreachable) return stall('Flipping', 'PlatformUnavailable', s.unreachable.line, 1_000);
  switch (whereReadersAre(s)) {
    case 'to':
      return note('Flipping', 'readers are on green', { flip: { ...flip, result: 'Moved', movedAt: timeOf(s) } });
    case 'from':
      return doNow('Flipping', `moving ${flip.intent.length} aliases`, { kind: 'Flip', moves: flip.intent });
    case 'elsewhere':
      return stall('Flipping', 'AliasMoved', 'GRUE-ES-004: an alias is neither on blue nor on green; move it back by hand, or delete the migration', 5_000);
  }
};
