import { describe, expect, test } from 'vitest';
import { parseStreamMigration } from '../../src/api/kinds.ts';
import { parseRequest, requestAnnotations, verbs } from '../../src/api/requests.ts';
import type { StreamMigration } from '../../src/api/stream-migration.ts';
import { plan } from '../../src/reconcilers/migration/plan.ts';
import { at, blue, flipped, green, named, onGreen, progress, type Shape, snapshot, thePlan, verified } from '../reconcilers/migration/snapshots.ts';
import { customisation } from './argo-cd.ts';

const argoCd = await customisation();
const bothColours = named([...blue, ...green]);
const held = { ...verified, phase: 'Held' as const, ending: { way: 'Hold' as const, reason: 'gate Parity failed', time: at(1) } };

const scenes: Readonly<Record<string, { readonly shape: Shape; readonly offered: readonly string[] }>> = {
  'a new one': { shape: {}, offered: ['abort', 'pause'] },
  'one that catches up': { shape: { status: { plan: thePlan, phase: 'CatchingUp', attempt: 1 } }, offered: ['abort', 'pause'] },
  'one that waits for approval': {
    shape: { spec: { manual: ['Flip'] }, status: { ...verified, phase: 'AwaitingApproval', attempt: 2 } },
    offered: ['promote', 'abort', 'pause'],
  },
  'one that was paused by request': { shape: { status: { ...verified, phase: 'Verifying', pausedByRequest: true } }, offered: ['abort', 'resume'] },
  'one that is paused in its spec': { shape: { spec: { paused: true }, status: { ...verified, phase: 'Verifying' } }, offered: ['abort'] },
  'one that soaks': { shape: { spec: { soak: '10m' }, status: { ...flipped, phase: 'Soaking' } }, offered: ['rollback', 'pause'] },
  'one that waits for the approval of its teardown': {
    shape: { spec: { manual: ['Teardown'] }, status: { ...flipped, phase: 'AwaitingApproval' } },
    offered: ['promote', 'rollback', 'pause'],
  },
  'one that is held': { shape: { status: held }, offered: ['abort', 'pause', 'retry'] },
  'one that tears down': { shape: { status: { ...flipped, phase: 'TearingDown', pointOfNoReturn: at(1) } }, offered: ['pause'] },
  'one that was aborted': { shape: { status: { ...verified, phase: 'Aborted', outcome: 'Aborted' } }, offered: ['retry'] },
  'one that is completed': { shape: { status: { ...flipped, phase: 'Completed', outcome: 'Completed' } }, offered: [] },
};

const migrationOf = (shape: Shape): StreamMigration => snapshot(shape).migration;

describe('the actions of', () => {
  test.each(Object.entries(scenes))('%s', (_, { shape, offered }) => {
    const actions = argoCd.actions(migrationOf(shape));
    expect(Object.keys(actions).sort()).toEqual([...verbs].sort());
    expect(verbs.filter((verb) => !actions[verb]?.disabled)).toEqual(offered);
  });

  test.each(Object.entries(scenes))('%s are answered by the operator as they are offered', (_, { shape, offered }) => {
    for (const verb of verbs) {
      const migration = migrationOf(shape);
      const ask = parseRequest(argoCd.run(migration, verb).metadata.annotations);
      if (ask === undefined) throw new Error('there is no request');
      const facts = { revisions: bothColours, aliases: onGreen, progress: progress(), request: { ask } };
      const answer = plan(snapshot({ ...shape, facts })).record?.requests?.at(-1)?.result ?? 'nothing';
      if (offered.includes(verb)) expect(`${verb}: ${answer}`).toMatch(/: accepted/);
    }
  });
});

describe('a request', () => {
  const { migration } = snapshot(scenes['one that waits for approval']?.shape);
  test('asks for the attempt and the plan that are shown, and leaves out who asks', () => {
    expect(parseRequest(argoCd.run(migration, 'promote').metadata.annotations)).toEqual({
      id: expect.stringMatching(/^argo-cd-promote-7-[0-9]+$/),
      verb: 'promote',
      attempt: 2,
      plan: thePlan.hash,
    });
  });
  test('of a migration without plan and attempt has neither', () => {
    expect(parseRequest(argoCd.run(migrationOf({}), 'abort').metadata.annotations)).toEqual({ id: expect.any(String), verb: 'abort' });
  });
  test('has a new id whenever the object has changed, if only by the request before', () => {
    const id = (resourceVersion: string, verb = 'pause') =>
      argoCd.run({ ...migration, metadata: { ...migration.metadata, resourceVersion } }, verb).metadata.annotations?.[requestAnnotations.id];
    expect(new Set([id('7'), id('8'), id('7', 'resume')]).size).toBe(3);
  });
  test('takes the place of the whole request before it, and leaves all else as it is', () => {
    const before = {
      'team.example/owner': 'flights',
      ...Object.fromEntries(Object.values(requestAnnotations).map((annotation) => [annotation, 'of the one before'])),
    };
    const asked = argoCd.run({ ...migration, metadata: { ...migration.metadata, annotations: before } }, 'retry');
    expect(asked.metadata.annotations).toEqual({
      'team.example/owner': 'flights',
      'grue.dev/request-id': expect.stringMatching(/^argo-cd-retry-/),
      'grue.dev/request-verb': 'retry',
      'grue.dev/request-attempt': '2',
      'grue.dev/request-plan': thePlan.hash,
    });
    expect({ ...asked, metadata: { ...asked.metadata, annotations: undefined } }).toEqual({
      ...withoutEmpty(migration),
      metadata: { ...migration.metadata, annotations: undefined },
    });
    expect(() => parseStreamMigration(asked)).not.toThrow();
  });
});

/** Lua has one kind of table, so what is empty comes back as an empty map; Argo CD puts lists right by the object as it was. */
function withoutEmpty<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_, member: unknown) => (Array.isArray(member) && member.length === 0 ? {} : member)) as T;
}
