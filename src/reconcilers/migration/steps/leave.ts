import { doNow, note, poll, type Step, stall, waitFor } from '../decision.ts';
import { freshAttempt, ownGreen, readersOnGreen, secondsSince, timeOf, whereReadersAre } from '../status.ts';
import { removeGreen } from './requests.ts';

/** Before the flip: green is removed, and blue was never touched. A newer migration over the same resources has the same effect. */
export const abort: Step = (s) => {
  const { ending, flip } = s.status;
  const newer = s.rivals.find((rival) => rival.newer && rival.waitsForUs && !rival.flipped);
  if (newer && flip === undefined && (ending === undefined || ending.way === 'Hold'))
    return note('Aborting', `superseded by ${newer.name}`, { ending: { way: 'Abort', reason: `superseded by ${newer.name}`, time: timeOf(s) } });
  if (ending === undefined || ending.way === 'Rollback') return undefined;
  if (ending.way === 'Hold') return waitFor('Held', `${ending.reason}; green stays to look at. Retry, abort, or delete the migration`);
  const left = ownGreen(s);
  if (left.length > 0) return removeGreen(s, 'Aborting', left);
  if (ending.way === 'Retry') return note('Pending', `a new attempt: ${ending.reason}`, freshAttempt(s));
  return note('Aborted', `aborted: ${ending.reason}`, { outcome: 'Aborted' });
};

/** After the flip: readers go back to blue, which was fed all the time, once it is proven to be at a fence taken after the request. */
export const rollBack: Step = (s) => {
  const { ending, flip, pointOfNoReturn } = s.status;
  const back = s.rivals.find((rival) => rival.goesBack && rival.waitsForUs);
  if (back && readersOnGreen(s) && ending === undefined && pointOfNoReturn === undefined) {
    const reason = `superseded by ${back.name}, which goes back to what was live before`;
    return note('RollingBack', reason, { ending: { way: 'Rollback', reason, time: timeOf(s) } });
  }
  if (ending?.way !== 'Rollback' || flip === undefined) return undefined;
  if (flip.direction === 'Forward') {
    if (!readersOnGreen(s)) return undefined;
    const proven = s.soak?.blueProvenSecondsAgo;
    if (proven === undefined || proven > secondsSince(ending.time, s))
      return waitFor('RollingBack', 'waiting until blue has everything up to a fence taken now', poll);
    const intent = flip.intent.map(({ alias, from, to }) => ({ alias, from: to, to: from }));
    return note('RollingBack', 'blue is complete: moving readers back', { flip: { direction: 'Back', intent, intendedAt: timeOf(s) } });
  }
  if (flip.result === undefined) {
    switch (whereReadersAre(s)) {
      case 'to':
        return note('RollingBack', 'readers are on blue again', { flip: { ...flip, result: 'Moved', movedAt: timeOf(s) } });
      case 'from':
        return doNow('RollingBack', `moving ${flip.intent.length} aliases back`, { kind: 'Flip', moves: flip.intent });
      case 'elsewhere':
        return stall('RollingBack', 'AliasMoved', 'GRUE-ES-004: an alias is neither on green nor on blue; move it by hand to one of them', 5_000);
    }
  }
  const left = ownGreen(s);
  if (left.length > 0) return removeGreen(s, 'RollingBack', left);
  return note('RolledBack', `rolled back: ${ending.reason}`, { outcome: 'RolledBack' });
};
