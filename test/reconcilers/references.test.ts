import { describe, expect, test } from 'vitest';
import type { Revision } from '../../src/api/revision.ts';
import type { MigrationStatus } from '../../src/api/stream-migration.ts';
import { references } from '../../src/reconcilers/references.ts';
import { at, flipped, green, intent, revision, snapshot, thePlan, verified } from './migration/snapshots.ts';

const held = (status: MigrationStatus, deleted = false) => references([snapshot({ status, deleted }).migration], []);
const names = (status: MigrationStatus, as: 'green' | 'blue', deleted = false) =>
  held(status, deleted)
    .filter((reference) => reference.as === as)
    .map((reference) => reference.revision);

const clones = ['pipeline-delays-2', 'stream-delays-2', 'connection-delays-index-2'];
const originals = ['pipeline-delays-1', 'stream-delays-1', 'connection-delays-index-1'];

describe('what a migration holds', () => {
  test('before the plan nothing', () => expect(held({})).toEqual([]));
  test('from the plan to the flip green, and blue is held by its readers', () => {
    expect(names({ plan: thePlan }, 'green')).toEqual(clones);
    expect(names(verified, 'blue')).toEqual([]);
  });
  test('from the intent of the flip both sides, because either may be the one that readers see', () => {
    const decided: MigrationStatus = { ...verified, flip: { direction: 'Forward', intent, intendedAt: at(1) } };
    expect(names(decided, 'green')).toEqual(clones);
    expect(names(decided, 'blue')).toEqual(originals);
  });
  test('blue through the soak, and no longer from the point of no return', () => {
    expect(names(flipped, 'blue')).toEqual(originals);
    expect(names({ ...flipped, pointOfNoReturn: at(1) }, 'blue')).toEqual([]);
  });
  test('no Revision of that name that another migration was first to make', () => {
    const [first, ...others] = green;
    const theirs = { ...first, spec: { ...first?.spec, migration: 'a-rival' } } as Revision;
    const found = references([snapshot({ status: { plan: thePlan } }).migration], [theirs, ...others]);
    expect(found.map((reference) => reference.revision)).toEqual(clones.filter((name) => name !== theirs.metadata.name));
  });
  test('what is shared is never held twice', () => expect(held(flipped).map((reference) => reference.revision)).not.toContain('stream-flights-1'));
  test('green is given up by an abort and by a retry, but not while it is held to look at', () => {
    const ending = (way: 'Abort' | 'Retry' | 'Hold') => ({ ...verified, ending: { way, reason: 'for the test', time: at(1) } });
    expect(names(ending('Abort'), 'green')).toEqual([]);
    expect(names(ending('Retry'), 'green')).toEqual([]);
    expect(names(ending('Hold'), 'green')).toEqual(clones);
  });
  test('nothing after readers are back on blue, for their alias holds it', () => {
    expect(held({ ...flipped, flip: { direction: 'Back', intent, intendedAt: at(2), result: 'Moved', movedAt: at(1) } })).toEqual([]);
  });
  test('nothing after the end, and nothing when it is deleted', () => {
    expect(held({ ...flipped, outcome: 'Completed' })).toEqual([]);
    expect(held(flipped, true)).toEqual([]);
  });
});

describe('what a first install holds', () => {
  test('its sink until the alias is bound', () => {
    const sink = revision('Connection', 'delays-index', 1);
    expect(references([], [sink])).toEqual([{ revision: 'connection-delays-index-1', as: 'green' }]);
    expect(references([], [{ ...sink, status: { ...sink.status, bound: true } }])).toEqual([]);
  });
});
