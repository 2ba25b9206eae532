import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Kind, kinds } from '../../../src/api/kinds.ts';
import { accountName, openRealm, type Realm, type User } from './realm.ts';

let realm: Realm;
beforeAll(async () => {
  realm = await openRealm();
});
afterAll(() => realm[Symbol.asyncDispose]());

const remove = (user: User, kind: Kind, name: string) => realm.kubectl(user, ['delete', kinds[kind].plural, name, '--wait=false']);

test.each(['Stream', 'Pipeline', 'Connection'] as const)('a %s that is live is deleted only by who has said that it is meant', async (kind) => {
  await realm.make(kind, 'delays', { status: { live: 'revision-1' } });
  for (const user of ['edith', 'ada', 'root'] as const)
    await expect(remove(user, kind, 'delays')).rejects.toThrow(
      new RegExp(`may not delete ${kind} ${realm.namespace}/delays: it is live \\(revision-1\\) and annotation grue.dev/allow-delete=true is missing`),
    );
  await realm.kubectl('edith', ['annotate', kinds[kind].plural, 'delays', 'grue.dev/allow-delete=false']);
  await expect(remove('edith', kind, 'delays')).rejects.toThrow('allow-delete=true is missing');
  await realm.kubectl('edith', ['annotate', '--overwrite', kinds[kind].plural, 'delays', 'grue.dev/allow-delete=true']);
  expect(await remove('edith', kind, 'delays')).toContain('deleted');
});

test('what is not live is deleted without a word', async () => {
  await realm.make('Stream', 'idle', { status: { green: 'stream-idle-1' } });
  await realm.make('Stream', 'new');
  expect(await remove('edith', 'Stream', 'idle')).toContain('deleted');
  expect(await remove('argo', 'Stream', 'new')).toContain('deleted');
});

test('Argo CD does not prune what is live', async () => {
  await realm.make('Stream', 'pruned', { status: { live: 'stream-pruned-1' } });
  await expect(remove('argo', 'Stream', 'pruned')).rejects.toThrow(`${accountName(realm.namespace, 'argo')} may not delete Stream`);
});

test('all at once is one by one: what is live stays', async () => {
  await realm.make('Pipeline', 'stays', { status: { live: 'pipeline-stays-1' } });
  await expect(realm.kubectl('ada', ['delete', 'pipelines', '--all', '--wait=false'])).rejects.toThrow('it is live');
  const collection = `/apis/grue.dev/v1alpha1/namespaces/${realm.namespace}/pipelines`;
  await expect(realm.kubectl('root', ['delete', '--raw', collection])).rejects.toThrow('it is live');
  expect(await realm.kubectl('victor', ['get', 'pipelines', '-o', 'name'])).toContain('pipeline.grue.dev/stays');
});

test('a Revision is deleted by who has the right, and by nobody who only edits', async () => {
  await realm.make('Revision', 'stream-delays-1');
  await expect(remove('edith', 'Revision', 'stream-delays-1')).rejects.toThrow('User "edith" cannot delete resource "revisions"');
  await expect(remove('argo', 'Revision', 'stream-delays-1')).rejects.toThrow('cannot delete resource "revisions"');
  expect(await remove('ada', 'Revision', 'stream-delays-1')).toContain('deleted');
});

test('a deletion that waits for dependents is carried to its end by the garbage collector', async () => {
  await realm.make('Revision', 'stream-delays-2');
  expect(await realm.kubectl('ada', ['delete', 'revisions', 'stream-delays-2', '--cascade=foreground', '--timeout=60s'])).toContain('deleted');
});

test('a namespace takes what is live with it, and Revisions that nobody lets go can be let go by hand', async () => {
  await using own = await openRealm();
  await own.make('Stream', 'delays', { status: { live: 'stream-delays-1' } });
  await own.make('Revision', 'stream-delays-1');
  const hold = (finalizers: readonly string[]) => ['patch', 'revisions', 'stream-delays-1', '--type=merge', '-p', JSON.stringify({ metadata: { finalizers } })];
  await own.kubectl('operator', hold(['grue.dev/revision']));
  await expect(own.kubectl('root', hold([]))).rejects.toThrow('may not change Revision');
  await own.kubectl('root', ['delete', 'namespace', own.namespace, '--wait=false']);
  await expect.poll(() => own.kubectl('root', ['get', 'streams,revisions', '-o', 'name']), { timeout: 60_000 }).toBe('revision.grue.dev/stream-delays-1');
  await own.kubectl('root', hold([]));
  await own.kubectl('root', ['wait', '--for=delete', `namespace/${own.namespace}`, '--timeout=60s']);
});
