import { describe, expect, test } from 'vitest';
import type { Pipeline } from '../../../src/api/pipeline.ts';
import type { RevisionStatus } from '../../../src/api/revision.ts';
import { plan } from '../../../src/reconcilers/revision/plan.ts';
import { readersOf } from '../../../src/reconcilers/revision/released.ts';
import { report } from '../../../src/reconcilers/revision/report.ts';
import type { Snapshot } from '../../../src/reconcilers/revision/snapshot.ts';
import { at, blue, green, snapshot as migration, now, revision, type Shape, thePlan } from '../migration/snapshots.ts';

const pipeline = (spec: Partial<Pipeline['spec']> = {}): Pipeline => ({
  apiVersion: 'grue.dev/v1alpha1',
  kind: 'Pipeline',
  metadata: { name: 'delays', namespace: 'flights', uid: 'uid', resourceVersion: '1', generation: 1, creationTimestamp: at(900) },
  spec: { platformRef: { name: 'default' }, engine: 'embedded', sql: '', ...spec },
});

const running: RevisionStatus = { state: 'Running', wanted: 'Running', role: 'live', uuids: { deadLettersId: 'id' } };
const releasedSince = (seconds: number): RevisionStatus => ({
  ...running,
  conditions: [{ type: 'Released', status: 'True', reason: 'Retained', message: '', lastTransitionTime: at(seconds) }],
});

const live = (status: RevisionStatus, facts: Partial<Snapshot> = {}): Snapshot => ({
  revision: { ...revision('Pipeline', 'delays', 1), status },
  now,
  role: 'live',
  unreachable: undefined,
  watched: false,
  otherServers: undefined,
  physical: { members: 1, missingInputs: [], aliasTargets: [], columns: undefined, replaced: undefined },
  resource: undefined,
  readers: [],
  goneMilliseconds: 3_600_000,
  namespaceEnds: false,
  blockedMilliseconds: 0,
  letGoMilliseconds: 600_000,
  ...facts,
});
const reported = (s: Snapshot) => report(s, plan(s), { kind: 'Done' });
const released = (s: Snapshot) => reported(s).conditions?.find(({ type }) => type === 'Released');

describe('a live Revision whose logical resource is gone', () => {
  test('is Released, keeps its role and goes on', () => {
    const status = reported(live(running));
    expect(status).toMatchObject({ role: 'live', state: 'Running', wanted: 'Running' });
    expect(released(live(running))).toMatchObject({ status: 'True', reason: 'Retained', message: expect.stringContaining('Pipeline/delays was deleted') });
  });
  test('is as it was as soon as a resource of that name is there again', () => {
    expect(released(live(releasedSince(60), { resource: pipeline() }))).toBeUndefined();
  });
  test('is shown as Released also while the servers cannot be asked', () => {
    expect(released(live(running, { role: undefined, physical: undefined }))).toMatchObject({ status: 'True' });
  });
  test('is not Released while a migration decides about it', () => {
    expect(released(live(running, { role: 'blue' }))).toBeUndefined();
  });
  test('stays for ever where nobody has said otherwise', () => {
    const decision = plan(live(releasedSince(1_000_000)));
    expect([decision.effect, decision.reclaims]).toEqual([undefined, undefined]);
  });
});

describe('reclaimPolicy: Delete', () => {
  const said = (seconds: number, more: RevisionStatus = {}): RevisionStatus => ({ ...releasedSince(seconds), reclaimAfter: '10m', ...more });

  test('is remembered in the Revision while the resource is there, and forgotten when it says so', () => {
    expect(reported(live(running, { resource: pipeline({ reclaimPolicy: 'Delete' }) })).reclaimAfter).toBe('1h');
    expect(reported(live(running, { resource: pipeline({ reclaimPolicy: 'Delete', reclaimAfter: '5m' }) })).reclaimAfter).toBe('5m');
    expect(reported(live({ ...running, reclaimAfter: '5m' }, { resource: pipeline() })).reclaimAfter).toBeUndefined();
    expect(reported(live({ ...running, reclaimAfter: '5m' })).reclaimAfter).toBe('5m');
  });
  test('waits for its time, and comes back for it', () => {
    const decision = plan(live(said(599)));
    expect([decision.effect, decision.again]).toEqual([undefined, 1_000]);
  });
  test('waits until this process has seen it gone for as long, because a clock may have jumped; at most an hour', () => {
    const jumped = plan(live(said(7_200), { goneMilliseconds: 60_000 }));
    expect([jumped.reclaims, jumped.again]).toEqual([undefined, 540_000]);
    expect(plan(live(said(1_000_000, { reclaimAfter: '48h' }), { goneMilliseconds: 3_600_000 })).reclaims).toBe(true);
  });
  test('writes the decision down before anything is deleted', () => {
    const decided = plan(live(said(600)));
    expect(decided).toMatchObject({ reclaims: true });
    expect(decided.effect).toBeUndefined();
    expect(reported(live(said(600))).reclaimedAt).toBeDefined();
    expect(plan(live(said(600, { reclaimedAt: at(1) }))).effect).toEqual({ kind: 'Reclaim' });
  });
  test('takes the decision back when somebody adopts it or begins to read it', () => {
    expect(reported(live(said(600, { reclaimedAt: at(1) }), { resource: pipeline() })).reclaimedAt).toBeUndefined();
    const read = live(said(600, { reclaimedAt: at(1) }), { readers: ['Revision stream-delays-1'] });
    expect(plan(read).effect).toBeUndefined();
    expect(reported(read).reclaimedAt).toBeUndefined();
    expect(released(read)).toMatchObject({ reason: 'InUse', message: expect.stringContaining('stream-delays-1') });
  });
  test('does not begin before the condition is stored: a first look at an incomplete cache removes nothing', () => {
    expect(plan(live({ ...running, reclaimAfter: '0s' })).reclaims).toBeUndefined();
  });
  test('removes a live Revision that was decided on, once it is deleted and its workers have left', () => {
    const deleted = live(said(700, { reclaimedAt: at(5) }), {
      physical: { members: 0, missingInputs: [], aliasTargets: [], columns: undefined, replaced: undefined },
    });
    const dying = { ...deleted, revision: { ...deleted.revision, metadata: { ...deleted.revision.metadata, deletionTimestamp: at(1) } } };
    expect(plan(dying).effect).toEqual({ kind: 'Remove', why: 'Pipeline/delays was deleted with reclaimPolicy Delete' });
    expect(plan({ ...dying, resource: pipeline() })).toMatchObject({ reason: 'InUse' });
  });
});

describe('what reads a Revision', () => {
  const facts = (roles: Readonly<Record<string, 'live' | 'green' | 'retired'>>, migrations = [] as Parameters<typeof readersOf>[1]['migrations']) => ({
    ...{ namespace: 'flights', platforms: new Map(), aliases: new Map(), live: new Map() },
    revisions: [...blue, ...green],
    migrations,
    roles: new Map(Object.entries(roles)),
  });
  const [, , stream = revision('Stream', 'delays', 1)] = blue;

  test('is a Revision that takes its records and is used, and not one that is retired', () => {
    expect(readersOf(stream, facts({ 'connection-delays-index-1': 'live' }))).toContain('Revision connection-delays-index-1');
    expect(readersOf(stream, facts({ 'connection-delays-index-1': 'retired' }))).toEqual([]);
  });
  test('is a migration that has it in its plan, or has none yet, and not one that has ended', () => {
    const none = { 'connection-delays-index-1': 'retired' } as const;
    const of = (shape: Shape) => [migration(shape).migration];
    expect(readersOf(stream, facts(none, of({ status: { plan: thePlan } })))).toEqual(['migration delays-in-hours']);
    expect(readersOf(stream, facts(none, of({})))).toEqual(['migration delays-in-hours']);
    expect(readersOf(stream, facts(none, of({ status: { plan: thePlan, outcome: 'Completed' } })))).toEqual([]);
  });
});
