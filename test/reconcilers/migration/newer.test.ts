import { describe, expect, test } from 'vitest';
import { plan } from '../../../src/reconcilers/migration/plan.ts';
import { report } from '../../../src/reconcilers/migration/report.ts';
import { stateVersion } from '../../../src/reconcilers/migration/status.ts';
import { blue, green, named, progress, type Shape, snapshot, verified } from './snapshots.ts';

describe('a migration whose status a newer operator has written', () => {
  const newer: Shape = {
    status: { ...verified, phase: 'Verifying', message: 'as the newer one says', stateVersion: stateVersion + 1 },
    facts: { revisions: named([...blue, ...green]), progress: progress() },
  };
  const said = (shape: Shape) => {
    const seen = snapshot(shape);
    const decision = plan(seen);
    return { decision, ...report(seen, decision, { kind: 'Done' }) };
  };

  test('is held: no step is taken, and nothing of the status is changed but the condition that says so', () => {
    const { decision, status, happenings } = said(newer);
    expect([decision.effect, decision.record]).toEqual([undefined, undefined]);
    const { conditions, ...rest } = status;
    expect(rest).toEqual(newer.status);
    expect(conditions).toMatchObject([
      { type: 'Stalled', status: 'True', reason: 'NewerVersion', message: expect.stringContaining(`version ${stateVersion + 1}`) },
    ]);
    expect(happenings).toEqual([]);
  });

  test('says the same again, so that nothing is written a second time', () => {
    const { status } = said(newer);
    expect(said({ ...newer, status }).status).toEqual(status);
  });

  test('leaves a request to an operator that understands what it would do', () => {
    const ask = { id: 'first', verb: 'abort' as const };
    const { decision, status } = said({ ...newer, facts: { ...newer.facts, request: { ask } } });
    expect([decision.effect, decision.record, status.requests]).toEqual([undefined, undefined, undefined]);
  });

  test('is not touched at all once it has ended', () => {
    const ended = { ...newer.status, outcome: 'Completed' as const };
    expect(said({ ...newer, status: ended }).status).toEqual(ended);
  });

  test('is not removed when it is deleted, and not held for ever either', () => {
    const deleted = { ...newer, deleted: true };
    expect(said(deleted).decision).toMatchObject({ blocked: true, stalled: { reason: 'NewerVersion' } });
    const late = said({ ...deleted, facts: { ...newer.facts, blockedMilliseconds: 600_000 } });
    expect(late.decision).toMatchObject({ effect: { kind: 'Protect', hold: false }, stalled: { reason: 'LeftBehind' } });
    const gone = said({ ...deleted, facts: { ...newer.facts, namespaceEnds: true } });
    expect(gone.decision.effect).toEqual({ kind: 'Protect', hold: false });
  });
});
