import { describe, expect, test } from 'vitest';
import { phase as phases } from '../../src/api/stream-migration.ts';
import { at, blue, named, progress, verified } from '../reconcilers/migration/snapshots.ts';
import { customisation } from './argo-cd.ts';
import { scenes, stored } from './migration-scenes.ts';

const argoCd = await customisation();
const asked = { way: 'Abort' as const, reason: 'abort requested', time: at(1) };
const running = { revisions: named(blue), progress: progress() };

describe('the health of a migration with', () => {
  test.each(Object.entries(scenes))('%s', (_, scene) => {
    const migration = stored(scene);
    expect(migration.status?.phase).toBe(scene.phase);
    expect(argoCd.health(migration)).toEqual({ status: scene.health, message: expect.stringContaining(scene.says) });
  });
});

test('there is a scene for every phase that an operator writes', () => {
  const shown = new Set(Object.values(scenes).map(({ phase }) => phase));
  expect(phases.options.filter((phase) => !shown.has(phase))).toEqual(['Failed']);
});

test('a migration that the operator has not seen yet, or not since it was edited, is Progressing, also when it had ended', () => {
  const { metadata, ...migration } = stored({ shape: { status: { ...verified, ending: asked }, facts: { revisions: named(blue) } } });
  expect(argoCd.health({ ...migration, metadata: { ...metadata, generation: 2 } }).status).toBe('Progressing');
  expect(argoCd.health({ ...migration, metadata, status: undefined }).status).toBe('Progressing');
});

test('a migration that is being deleted is Progressing', () => {
  expect(argoCd.health(stored({ shape: { deleted: true, status: { ...verified }, facts: running } })).status).toBe('Progressing');
});

test.each(['Aborted', 'RolledBack', 'Failed'] as const)(
  'one that ended as %s is Healthy once a newer one has taken its place, with the outcome in its message',
  (outcome) => {
    const { status, ...migration } = stored({ shape: { status: { ...verified, ending: asked }, facts: { revisions: named(blue) } } });
    const ended = { ...migration, status: { ...status, outcome } };
    expect(argoCd.health(ended)).toMatchObject({ status: 'Degraded', message: expect.stringContaining(outcome) });
    const message = expect.stringMatching(new RegExp(`${outcome}, and delays-in-days is newer: .*abort requested`));
    expect(argoCd.health({ ...ended, status: { ...ended.status, supersededBy: 'delays-in-days' } })).toEqual({ status: 'Healthy', message });
  },
);
