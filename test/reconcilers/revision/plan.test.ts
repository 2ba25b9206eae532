import { describe, expect, test } from 'vitest';
import { GrueError } from '../../../src/api/errors.ts';
import type { Revision, RevisionStatus } from '../../../src/api/revision.ts';
import type { LogicalResource } from '../../../src/reconcilers/facts.ts';
import { plan } from '../../../src/reconcilers/revision/plan.ts';
import type { PhysicalFacts, Snapshot } from '../../../src/reconcilers/revision/snapshot.ts';
import { at, now, revision } from '../migration/snapshots.ts';

const quiet: PhysicalFacts = { members: 0, missingInputs: [], aliasTargets: [], columns: undefined, replaced: undefined };

interface Shape {
  readonly of?: Revision;
  readonly status?: RevisionStatus;
  readonly deleted?: boolean;
  readonly facts?: Partial<Snapshot>;
  readonly physical?: Partial<PhysicalFacts>;
}

/** The logical resource of a Revision is there: nothing of it is looked at but what it says of its deletion. */
const logical = ({ spec: { of } }: Revision) => ({ kind: of.kind, metadata: { name: of.name }, spec: {} }) as unknown as LogicalResource;

const sink = revision('Connection', 'delays-index', 1);
const decide = ({ of = sink, status = {}, deleted, facts, physical }: Shape) =>
  plan({
    revision: { ...of, status, metadata: { ...of.metadata, ...(deleted ? { deletionTimestamp: at(1) } : {}) } },
    now,
    role: 'green',
    unreachable: undefined,
    watched: false,
    otherServers: undefined,
    physical: { ...quiet, ...physical },
    resource: logical(of),
    readers: [],
    goneMilliseconds: 0,
    namespaceEnds: false,
    blockedMilliseconds: 0,
    letGoMilliseconds: 600_000,
    ...facts,
  });

const made: RevisionStatus = { state: 'Pending', wanted: 'Stopped', uuids: { index: 'uuid' }, startOffsets: [{ topic: 'delays-1', offsets: '0,0,0' }] };
const running: RevisionStatus = { ...made, state: 'Running', wanted: 'Running' };

describe('a Revision that is wanted', () => {
  test('waits for the topics that it reads', () => {
    expect(decide({ physical: { missingInputs: ['delays-1'] } })).toMatchObject({
      state: 'Pending',
      reason: 'WaitingForInputs',
      message: expect.stringContaining('delays-1'),
    });
  });
  test('is made, and said to run together with its floor, so that no worker comes before it', () => {
    expect(decide({})).toMatchObject({ state: 'Running', wanted: 'Running', effect: { kind: 'Realise' } });
  });
  test('that was stopped gets back the positions that expired, and only then it runs', () => {
    expect(decide({ status: made })).toMatchObject({ state: 'Running', wanted: 'Running', effect: { kind: 'Restart' } });
  });
  test('of a first install gives a free alias to its index, once', () => {
    expect(decide({ status: running })).toMatchObject({ effect: { kind: 'BindAlias' } });
    expect(decide({ status: { ...running, bound: true } }).effect).toBeUndefined();
    expect(decide({ status: running, physical: { aliasTargets: ['other'] } }).effect).toBeUndefined();
  });
  test('of a migration never binds an alias: that is the flip', () => {
    expect(decide({ of: revision('Connection', 'delays-index', 2), status: running }).effect).toBeUndefined();
  });
  test('a stream runs as soon as its topic is there', () => {
    expect(decide({ of: revision('Stream', 'delays', 1) })).toMatchObject({ state: 'Running', wanted: 'Running', effect: { kind: 'Realise' } });
  });
  test('whose input was replaced stops', () => {
    expect(decide({ status: running, physical: { replaced: 'topic flights has another id' } })).toMatchObject({
      state: 'Failed',
      wanted: 'Stopped',
      reason: 'OriginChanged',
    });
  });
});

describe('a Revision that nothing uses', () => {
  test('is stopped, and workers that do not leave are told of', () => {
    const retired = { role: 'retired' as const };
    expect(decide({ status: running, facts: retired, physical: { members: 2 } })).toMatchObject({ state: 'Stopped', wanted: 'Stopped', reason: 'Retired' });
    const told: RevisionStatus = { ...running, state: 'Stopped', wanted: 'Stopped' };
    expect(decide({ status: told, facts: retired, physical: { members: 2 } })).toMatchObject({ state: 'Running', reason: 'Stopping', passing: true });
    expect(decide({ status: told, facts: retired })).toMatchObject({ state: 'Stopped', wanted: 'Stopped' });
  });
  test('without an index only waits to be deleted, which is worth saying only if nobody does it', () => {
    expect(decide({ of: revision('Pipeline', 'delays', 1), status: running, facts: { role: 'retired' } })).toMatchObject({ state: 'Stopped', passing: true });
  });
  test('is removed when it is deleted, after its workers have left', () => {
    expect(decide({ deleted: true, facts: { role: 'retired' }, physical: { members: 1 } }).effect).toBeUndefined();
    expect(decide({ deleted: true, facts: { role: 'retired' } })).toMatchObject({ effect: { kind: 'Remove' } });
  });
});

describe('a Revision in use', () => {
  test.each(['live', 'green', 'blue'] as const)('that is %s is not removed, whoever deletes it: it is made again under its name', (role) => {
    const decision = decide({ status: running, deleted: true, facts: { role } });
    expect(decision).toMatchObject({ wanted: 'Running', reason: 'InUse' });
    expect(decision.effect).toBeUndefined();
    expect(decide({ status: running, deleted: true, facts: { role, blockedMilliseconds: 5_000 } }).effect).toEqual({ kind: 'Renew' });
    const held = { ...sink, metadata: { ...sink.metadata, finalizers: ['grue.dev/revision', 'foregroundDeletion'] } };
    expect(decide({ of: held, status: running, deleted: true, facts: { role, blockedMilliseconds: 5_000 } }).effect).toBeUndefined();
  });
  test('is left as it is while the servers cannot be asked, or are others than those it was made on', () => {
    const unreachable = new GrueError('GRUE-PLT-002', 'no broker answers');
    expect(decide({ status: running, facts: { role: undefined, unreachable, physical: undefined } })).toMatchObject({ state: 'Running', wanted: 'Running' });
    const decision = decide({ status: running, deleted: true, facts: { otherServers: 'GRUE-PLT-007: another cluster', physical: undefined } });
    expect(decision).toMatchObject({ state: 'Running', wanted: 'Running', reason: 'OtherServers' });
    expect(decision.effect).toBeUndefined();
  });
});

describe('a deletion that cannot be carried out', () => {
  const unreachable = new GrueError('GRUE-PLT-002', 'no broker answers');
  const gone = { role: undefined, physical: undefined, unreachable } as const;
  test('holds the object for a while, and says why', () => {
    expect(decide({ deleted: true, facts: gone })).toMatchObject({ reason: 'PlatformUnavailable', blocked: true, again: 5_000 });
    expect(decide({ deleted: true, facts: { physical: undefined, otherServers: 'GRUE-PLT-007' } })).toMatchObject({ blocked: true, again: 5_000 });
    expect(decide({ deleted: true, facts: { role: 'retired' }, physical: { members: 1 } })).toMatchObject({ blocked: true });
  });
  test('lets the object go in the end, and removes nothing by guessing', () => {
    expect(decide({ deleted: true, facts: { ...gone, blockedMilliseconds: 600_000 } }).effect).toMatchObject({ kind: 'LetGo' });
    expect(decide({ deleted: true, facts: { role: 'retired', blockedMilliseconds: 600_000 }, physical: { members: 1 } }).effect).toMatchObject({
      kind: 'LetGo',
      why: expect.stringContaining('10 minutes'),
    });
  });
  test('holds nothing where the whole namespace goes, and removes no data', () => {
    expect(decide({ deleted: true, facts: { ...gone, namespaceEnds: true } }).effect).toMatchObject({ kind: 'LetGo' });
    expect(decide({ deleted: true, facts: { role: 'retired', namespaceEnds: true } }).effect).toMatchObject({ kind: 'LetGo' });
  });
});
