import { describe, expect, test } from 'vitest';
import { GrueError } from '../../../src/api/errors.ts';
import type { Revision } from '../../../src/api/revision.ts';
import type { MigrationStatus } from '../../../src/api/stream-migration.ts';
import { plan } from '../../../src/reconcilers/migration/plan.ts';
import { at, blue, bothColours, flipped, green, intent, named, onGreen, type Shape, snapshot, thePlan, verified } from './snapshots.ts';

const unreachable = new GrueError('GRUE-PLT-003', 'Elasticsearch does not answer');
const deleted = (status: MigrationStatus, facts: Shape['facts'] = {}) => plan(snapshot({ deleted: true, status, facts: { revisions: bothColours, ...facts } }));

const released = { effect: { kind: 'Protect', hold: false } };
const removes = { effect: { kind: 'DeleteRevisions', names: green.map(({ metadata }) => metadata.name) } };
const back = intent.map(({ alias, from, to }) => ({ alias, from: to, to: from }));
const rollback = { way: 'Rollback', reason: 'for the test', time: at(20) } as const;

describe('a migration that is deleted', () => {
  test('while its Revisions are being made takes those with it that are there', () => {
    const [first = blue[0]] = green;
    expect(deleted({ plan: thePlan }, { revisions: named([...blue, ...(first ? [first] : [])]) }).effect).toEqual({
      kind: 'DeleteRevisions',
      names: ['pipeline-delays-2'],
    });
  });
  test.each(['Abort', 'Hold', 'Retry'] as const)('on the way out (%s) takes green with it', (way) => {
    expect(deleted({ ...verified, ending: { way, reason: 'for the test', time: at(5) } })).toMatchObject(removes);
  });
  test('between the intent of the flip and its confirmation leaves the choice to the aliases', () => {
    const decided: MigrationStatus = { ...verified, flip: { direction: 'Forward', intent, intendedAt: at(1) } };
    expect(deleted(decided)).toMatchObject(removes);
    expect(deleted(decided, { aliases: onGreen })).toMatchObject(released);
  });
  test('in a rollback that has not moved readers yet leaves them on green, which is not removed', () => {
    const decided: MigrationStatus = { ...flipped, ending: rollback, flip: { direction: 'Back', intent: back, intendedAt: at(1) } };
    expect(deleted(decided, { aliases: onGreen })).toMatchObject(released);
  });
  test('in a rollback that has moved readers takes green with it', () => {
    const done: MigrationStatus = {
      ...flipped,
      ending: rollback,
      flip: { direction: 'Back', intent: back, intendedAt: at(9), result: 'Moved', movedAt: at(8) },
    };
    expect(deleted(done)).toMatchObject(removes);
  });
  test('whose alias somebody has moved elsewhere removes nothing, and says so', () => {
    const elsewhere = new Map([['delays', [{ index: 'another', uuid: 'another' }]]]);
    expect(deleted(flipped, { aliases: elsewhere })).toMatchObject({ ...released, stalled: { reason: 'LeftBehind' } });
  });
  test('waits for servers only where nothing else can tell where readers are', () => {
    const gone = { unreachable, aliases: new Map() };
    const decided: MigrationStatus = { ...verified, flip: { direction: 'Forward', intent, intendedAt: at(1) } };
    expect(deleted(decided, gone)).toMatchObject({ stalled: { reason: 'PlatformUnavailable' }, blocked: true });
    expect(deleted(decided, gone).effect).toBeUndefined();
    expect(deleted(flipped, gone)).toMatchObject(released);
    expect(deleted(verified, gone)).toMatchObject(removes);
  });
  test('waits until its resources say what it gave up, but not for long', () => {
    const aborted: MigrationStatus = { ...verified, ending: { way: 'Abort', reason: 'for the test', time: at(5) } };
    const alone = { unremembered: true, revisions: named(blue) };
    expect(deleted(aborted, alone)).toMatchObject({ blocked: true });
    expect(deleted(aborted, alone).effect).toBeUndefined();
    expect(deleted(aborted, { ...alone, blockedMilliseconds: 30_000 })).toMatchObject(released);
  });
  test('is let go in the end, with what it could not remove named', () => {
    const decided: MigrationStatus = { ...verified, flip: { direction: 'Forward', intent, intendedAt: at(1) } };
    const decision = deleted(decided, { unreachable, aliases: new Map(), blockedMilliseconds: 600_000 });
    expect(decision).toMatchObject({ ...released, stalled: { reason: 'LeftBehind' }, message: expect.stringContaining('connection-delays-index-2') });
  });
  test('together with its namespace is let go at once, and asks for no deletion', () => {
    expect(deleted(verified, { namespaceEnds: true })).toMatchObject(released);
    expect(deleted(verified, { namespaceEnds: true, unreachable })).toMatchObject(released);
  });
});

test('a pipeline that was deleted before the migration, and has no counterpart in green, is torn down with the stream that it wrote', () => {
  const stopped: MigrationStatus = { ...flipped, pointOfNoReturn: at(5) };
  const old = { ...blue[1], metadata: { ...blue[1]?.metadata, name: 'pipeline-forgotten-1' } } as Revision;
  const retired = blue.map((one) => ({ ...one, status: { ...one.status, state: 'Stopped', role: 'retired' } }) as Revision);
  const decision = plan(snapshot({ status: stopped, facts: { revisions: named([...retired, old, ...green]), aliases: onGreen } }));
  expect(decision.effect).toEqual({ kind: 'DeleteRevisions', names: ['pipeline-delays-1', 'pipeline-forgotten-1'] });
});
