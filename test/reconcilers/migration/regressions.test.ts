import { describe, expect, test } from 'vitest';
import { migrationStatus } from '../../../src/api/stream-migration.ts';
import { plan } from '../../../src/reconcilers/migration/plan.ts';
import { freshAttempt } from '../../../src/reconcilers/migration/status.ts';
import { physicalSuffix } from '../../../src/reconcilers/suffix.ts';
import { planRevisions } from '../../../src/topology/plan.ts';
import { emptyNamespace, flights, planInput } from '../../topology/builders.ts';
import { at, blue, flipped, gate, green, named, onGreen, progress, revision, snapshot, thePlan, uuid, verified } from './snapshots.ts';

/**
 * Faults that others had, each of one family: a timer, an approval, a result or a latch that outlives the attempt or the generation that it
 * belongs to; or a deletion and its record that can be torn apart. The numbers are those of the Flink Kubernetes operator.
 */
const bothColours = named([...blue, ...green]);
const notReady = { state: 'Pending' as const, wanted: 'Stopped' as const };

describe('what belongs to an attempt', () => {
  // What stays on purpose: who the migration is, what people asked of it, and what is written anew by every pass.
  const stays = ['observedGeneration', 'stateVersion', 'phase', 'message', 'phaseSince', 'requests', 'pausedByRequest', 'conditions'];

  test('is cleared or written anew in one place, so that nothing of a given-up attempt poisons the next (PR #1071)', () => {
    const patch = freshAttempt(
      snapshot({ status: { ...flipped, attempt: 3, startedAt: at(900), waitingFor: 'x', approved: [{ step: 'Flip', plan: thePlan.hash }] } }),
    );
    expect(new Set([...Object.keys(patch), ...stays])).toEqual(new Set(Object.keys(migrationStatus.shape)));
    const { attempt, startedAt, retrySeen, ...cleared } = patch;
    expect([attempt, startedAt, retrySeen]).toEqual([4, at(0), 0]);
    expect(Object.values(cleared).filter((value) => value !== undefined)).toEqual([]);
  });

  test('is also an approval in Git: it names a plan, and the same plan of the next attempt has another hash (PR #1071)', () => {
    const hashOf = (attempt: number) => {
      const planned = planRevisions({ ...planInput(emptyNamespace, new Map(), flights), attempt });
      return 'hash' in planned ? planned.hash : undefined;
    };
    expect(hashOf(1)).toBe(hashOf(1));
    expect(hashOf(2)).not.toBe(hashOf(1));
  });

  test('are the names of what it makes, so that no child of a given-up attempt goes on from its old state (FLINK-41404, PR #1254)', () => {
    expect(physicalSuffix('uid/1/Pipeline/delays')).not.toBe(physicalSuffix('uid/2/Pipeline/delays'));
    const ending = { way: 'Retry' as const, reason: 'asked', time: at(1) };
    const withGreen = plan(snapshot({ status: { ...verified, ending }, facts: { revisions: bothColours } }));
    expect([withGreen.effect?.kind, withGreen.record?.attempt]).toEqual(['DeleteRevisions', undefined]);
    expect(plan(snapshot({ status: { ...verified, ending }, facts: { revisions: named(blue) } })).record?.attempt).toBe(2);
  });
});

describe('readiness', () => {
  test('is that of the Revisions of this plan: what an older one had proven moves no reader and retires no blue (FLINK-41074)', () => {
    const status = { plan: thePlan, fence: verified.fence!, gates: [gate('Pass')], fencesPassed: 2 };
    const remade = named([...blue, ...green.map(({ spec }) => revision(spec.of.kind, spec.of.name, spec.number, notReady))]);
    const decision = plan(snapshot({ status, facts: { revisions: remade } }));
    expect(decision).toMatchObject({ phase: 'Provisioning' });
    expect([decision.effect, decision.record]).toEqual([undefined, undefined]);
  });

  test('of a Revision that another migration has made under the same name counts for nothing (FLINK-41074)', () => {
    const others = named([...blue, ...green.map((one) => ({ ...one, spec: { ...one.spec, migration: 'another' } }))]);
    expect(plan(snapshot({ status: verified, facts: { revisions: others, progress: progress() } })).record?.flip).toBeUndefined();
  });
});

describe('the soak', () => {
  test('counts from the flip of this attempt, however long ago an earlier one began (FLINK-40119, PR #1159)', () => {
    const again = { ...flipped, attempt: 2, startedAt: at(86_400), flip: { ...flipped.flip!, movedAt: at(1) } };
    const decision = plan(snapshot({ spec: { soak: '1h' }, status: again, facts: { revisions: bothColours, aliases: onGreen } }));
    expect(decision).toMatchObject({ phase: 'Soaking' });
    expect(decision.record).toBeUndefined();
    expect(freshAttempt(snapshot({ status: flipped }))).toMatchObject({ flip: undefined, pointOfNoReturn: undefined });
  });
});

describe('the point of no return', () => {
  const over = { ...flipped, flip: { ...flipped.flip!, movedAt: at(7_200) } };
  const soak = { blueProvenSecondsAgo: 1, unhealthy: [], openSearches: 0, members: 0 };

  test('is stored by a pass of its own before the first deletion, so that a crash between them leaves either both or neither (PR #1161)', () => {
    const decision = plan(snapshot({ status: over, facts: { revisions: bothColours, aliases: onGreen, soak } }));
    expect(decision.record?.pointOfNoReturn).toBeDefined();
    expect(decision.effect).toBeUndefined();
  });

  test.each(['abort', 'rollback'] as const)(
    'closes the way of %s, also when green is unready afterwards: there is nothing to go back to (FLINK-40092, PR #1154)',
    (verb) => {
      const status = { ...over, pointOfNoReturn: at(1) };
      const unready = named([...blue, ...green.map((one) => ({ ...one, status: { ...one.status, state: 'Pending' as const, uuids: { index: uuid.green } } }))]);
      const facts = { revisions: unready, aliases: onGreen, soak };
      const asked = plan(snapshot({ status, facts: { ...facts, request: { ask: { id: 'r', verb } } } }));
      expect(asked.record?.requests?.[0]?.result).toMatch(/^refused/);
      expect(asked.record?.ending).toBeUndefined();
      expect(plan(snapshot({ status, facts }))).toMatchObject({ phase: 'TearingDown' });
    },
  );
});
