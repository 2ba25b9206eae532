import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Kind } from '../../../src/api/kinds.ts';
import type { RequestResult } from '../../../src/api/stream-migration.ts';
import { openRealm, type Realm } from './realm.ts';

let realm: Realm;
beforeAll(async () => {
  realm = await openRealm();
  await realm.make('StreamMigration', 'delays');
  await realm.make('Platform', 'default');
});
afterAll(() => realm[Symbol.asyncDispose]());

const read = async (kind: Kind, name: string) =>
  JSON.parse(await realm.kubectl('root', ['get', kind, name, '-o', 'json'])) as { metadata: { annotations?: Record<string, string> } };

/** Answers the next request as the operator would. */
async function answer(kind: Kind, name: string): Promise<void> {
  const before = (await read(kind, name)).metadata.annotations?.['grue.dev/request-id'];
  let annotations: Record<string, string> = {};
  await expect
    .poll(
      async () => {
        annotations = (await read(kind, name)).metadata.annotations ?? {};
        return annotations['grue.dev/request-id'];
      },
      { timeout: 20_000 },
    )
    .not.toBe(before);
  const result: RequestResult = {
    ...{ id: annotations['grue.dev/request-id'] ?? '', verb: annotations['grue.dev/request-verb'] ?? '', result: 'accepted' },
    time: '2026-01-01T00:00:00Z',
  };
  await realm.writeStatus('operator', kind, name, { requests: [result] });
}

test.each(['promote', 'abort', 'rollback', 'pause', 'resume', 'retry'])(
  'grue %s: who may edit is told which verb is missing, and who has it is answered',
  async (verb) => {
    await expect(realm.grue('edith', verb, 'delays')).rejects.toMatchObject({
      code: 1,
      stderr: `GRUE-CLI-003: edith may not ${verb} StreamMigration ${realm.namespace}/delays: verb "${verb}" on streammigrations.grue.dev is missing (role grue-promoter has it); it is needed for grue.dev/request-verb\n`,
    });
    const [said] = await Promise.all([realm.grue('petra', verb, 'delays'), answer('StreamMigration', 'delays')]);
    expect(said).toBe(`${verb} delays: accepted`);
  },
);

test('grue takeover: who lacks it is told so, and who has it is answered', async () => {
  await expect(realm.grue('edith', 'takeover', '--yes')).rejects.toMatchObject({
    stderr: `GRUE-CLI-003: User "edith" cannot patch resource "platforms" in API group "grue.dev" in the namespace "${realm.namespace}"\n`,
  });
  const [said] = await Promise.all([realm.grue('ada', 'takeover', '--yes'), answer('Platform', 'default')]);
  expect(said).toBe('takeover of default: accepted');
});

test('who may only read sees all, and is told that it ends there', async () => {
  expect(await realm.grue('victor', 'status')).toContain('delays');
  await expect(realm.grue('victor', 'promote', 'delays')).rejects.toMatchObject({
    stderr: `GRUE-CLI-003: User "victor" cannot patch resource "streammigrations" in API group "grue.dev" in the namespace "${realm.namespace}"\n`,
  });
});

test('who has no role at all is told which right is missing', async () => {
  await expect(realm.grue('worker', 'status')).rejects.toMatchObject({
    stderr: expect.stringContaining('cannot list resource "streammigrations" in API group "grue.dev"'),
  });
});
