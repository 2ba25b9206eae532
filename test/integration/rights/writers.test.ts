import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiVersion } from '../../../src/api/common.ts';
import { type Kind, kinds } from '../../../src/api/kinds.ts';
import { examples } from '../../api/examples.ts';
import { eventually } from '../../support/grue.ts';
import { accountName, openRealm, type Realm, type User } from './realm.ts';

let realm: Realm;
beforeAll(async () => {
  realm = await openRealm();
  for (const kind of Object.keys(kinds) as Kind[]) await realm.make(kind, 'delays', { status: { observedGeneration: 1 } });
  // What RBAC does not let people do is shown elsewhere: here they may do anything, and the policies alone are in the way.
  const almighty = ['ada', accountName(realm.namespace, 'argo'), accountName(realm.namespace, 'worker')].map((user) => `--user=${user}`);
  await realm.kubectl('root', ['create', 'rolebinding', 'anything', '--clusterrole=cluster-admin', ...almighty]);
  const may = () => realm.kubectl('worker', ['auth', 'can-i', 'update', 'revisions.grue.dev']).catch(String);
  await eventually('cluster-admin in force', async () => ((await may()) === 'yes' ? true : undefined), 10, may);
});
afterAll(() => realm[Symbol.asyncDispose]());

const patch = (user: User, value: object) => realm.kubectl(user, ['patch', 'revisions', 'delays', '--type=merge', '-p', JSON.stringify(value)]);
const status = (user: User, kind: Kind, value: object) => realm.writeStatus(user, kind, 'delays', value);
const condition = { type: 'Ready', status: 'True', reason: 'Fine', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
const onlyOperator = () => `only the account of the operator may (${accountName(realm.namespace, 'operator')})`;

test.each(Object.keys(kinds) as Kind[])('the status of a %s is written by the operator, and by nobody else', async (kind) => {
  await status('operator', kind, { conditions: [condition] });
  const refused = `may not write the status of ${kind} ${realm.namespace}/delays: ${onlyOperator()}`;
  for (const user of ['ada', 'argo', 'root'] as const) await expect(status(user, kind, { observedGeneration: 7 })).rejects.toThrow(refused);
  if (kind !== 'Revision') await expect(status('worker', kind, { conditions: [] })).rejects.toThrow(refused);
  for (const user of ['edith', 'petra'] as const) await expect(status(user, kind, { observedGeneration: 7 })).rejects.toThrow('cannot patch resource');
});

test('a worker says how its stage fares in the conditions of a Revision, and nothing else', async () => {
  await status('operator', 'Revision', { state: 'Running', bound: true });
  await status('worker', 'Revision', { conditions: [{ ...condition, type: 'WorkersReady' }] });
  const refused = `may write nothing but conditions into the status of Revision ${realm.namespace}/delays`;
  await expect(status('worker', 'Revision', { state: 'Stopped' })).rejects.toThrow(refused);
  await expect(status('worker', 'Revision', { target: 'topic other' })).rejects.toThrow(refused);
  await expect(status('worker', 'Revision', { bound: null })).rejects.toThrow(refused);
});

test('a Revision is made by the operator, and by nobody else', async () => {
  for (const user of ['ada', 'argo', 'worker', 'root'] as const) {
    const made = realm.kubectl(user, ['create', '-f', '-'], { apiVersion, kind: 'Revision', metadata: { name: 'by-hand' }, spec: examples.Revision });
    await expect(made).rejects.toThrow(`may not create Revision ${realm.namespace}/by-hand: ${onlyOperator()}`);
  }
  const made = realm.kubectl('edith', ['create', '-f', '-'], { apiVersion, kind: 'Revision', metadata: { name: 'by-hand' }, spec: examples.Revision });
  await expect(made).rejects.toThrow('cannot create resource "revisions"');
});

test.each([
  ['its labels', { metadata: { labels: { 'grue.dev/name': 'other' } } }],
  ['its annotations', { metadata: { annotations: { note: 'mine' } } }],
  ['its finalizers', { metadata: { finalizers: ['example.com/mine'] } }],
  ['its owner', { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: '1' }] } }],
] as const)('of a Revision nobody changes %s', async (_, change) => {
  for (const user of ['ada', 'worker', 'root'] as const)
    await expect(patch(user, change)).rejects.toThrow(`may not change Revision ${realm.namespace}/delays: ${onlyOperator()}`);
});

test('of a Revision nobody changes the spec, and the operator only its metadata', async () => {
  // The schema is asked before the policies, and so the message is that of the schema.
  for (const user of ['ada', 'root', 'operator'] as const) await expect(patch(user, { spec: { number: 2 } })).rejects.toThrow('a Revision is immutable');
  expect(await patch('operator', { metadata: { finalizers: ['grue.dev/revision'] } })).toContain('patched');
});

test('a key of a large mapping, which the schema lets pass, is not changed by hand either', async () => {
  const properties = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`field-${i}`, { type: 'long' }]));
  const { stream: _, ...spec } = examples.Revision;
  const reads = {
    stream: 'delays',
    revision: 'stream-delays-1',
    topic: 'delays',
    root: true,
    epoch: 0,
    type: 'Append',
    fields: [{ name: 'hours', type: 'DOUBLE' }],
  };
  const connection = { connector: 'elasticsearch', keepVersions: 1, reads };
  const written = { ...spec, of: { kind: 'Connection', name: 'index' }, physical: { index: 'grue.x.index.1-abcdef' } };
  await realm.make('Revision', 'connection-index-1', {
    spec: { ...written, connection: { ...connection, destination: { alias: 'delays', mappings: { properties, _meta: {} }, settings: {} } } },
  });
  const change = JSON.stringify({ spec: { connection: { destination: { mappings: { _meta: null, _source: {} } } } } });
  const changed = realm.kubectl('root', ['patch', 'revisions', 'connection-index-1', '--type=merge', '-p', change]);
  await expect(changed).rejects.toThrow('may not change Revision');
});

test('a Revision that is written back as it is, is no change', async () => {
  const revision = await realm.kubectl('ada', ['get', 'revisions', 'delays', '-o', 'json']);
  expect(await realm.kubectl('ada', ['replace', '-f', '-'], revision)).toContain('replaced');
});
