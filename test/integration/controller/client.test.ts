import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/controller/kube/client.ts';
import type { KubeErrorKind } from '../../../src/controller/kube/errors.ts';
import { stack } from '../../stack/for-tests.ts';
import { clientFor, freshNamespace, type Gadget, gadget, gadgetType } from './world.ts';

let api: KubeClient;
let namespace: string;
const manager = { fieldManager: 'grue-test' };

beforeAll(async () => {
  api = clientFor(stack().kubernetes.kubeconfigPath);
  namespace = await freshNamespace(api);
});

afterAll(() => api.close());

const failing = (kind: KubeErrorKind, status: number): object => ({ name: 'KubeError', kind, status });

test('the server says its version', async () => {
  expect((await api.serverVersion()).gitVersion).toMatch(/^v1\./);
});

test('what is listed in pages is complete, carries its kind, and has dates as strings', async () => {
  for (let i = 0; i < 7; i++) await api.create(gadgetType, gadget(namespace, `page-${i}`), manager);
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page = await api.list(gadgetType, { namespace, limit: 3, continue: token });
    names.push(...page.items.map(({ kind, metadata }) => `${kind} ${metadata.name} ${typeof metadata.creationTimestamp}`));
    token = page.continue;
  } while (token);
  expect(names).toEqual(Array.from({ length: 7 }, (_, i) => `Gadget page-${i} string`));
  const system = await api.list({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false }, {});
  expect(system.items[0]).toMatchObject({ apiVersion: 'v1', kind: 'Namespace' });
});

test('errors of the real server have the kinds that we expect', async () => {
  const made = await api.create(gadgetType, gadget(namespace, 'errors'), manager);
  const ref = { namespace, name: 'errors' };
  const { uid = '', resourceVersion = '' } = made.metadata;
  await expect(api.get(gadgetType, { namespace, name: 'nobody' })).rejects.toMatchObject(failing('NotFound', 404));
  await expect(api.create(gadgetType, gadget(namespace, 'errors'), manager)).rejects.toMatchObject(failing('AlreadyExists', 409));
  await expect(api.create(gadgetType, gadget(namespace, 'big', 100), manager)).rejects.toMatchObject({
    ...failing('Invalid', 422),
    message: expect.stringContaining('size must be below 100'),
  });
  const unknown = { ...gadget(namespace, 'odd'), spec: { sise: 1 } };
  await expect(api.create(gadgetType, unknown, manager)).rejects.toMatchObject({ ...failing('BadRequest', 400), message: expect.stringContaining('sise') });
  await api.mergePatch(gadgetType, ref, { spec: { size: 2 } }, manager);
  await expect(api.mergePatch(gadgetType, ref, { metadata: { resourceVersion }, spec: { size: 3 } }, manager)).rejects.toMatchObject(failing('Conflict', 409));
  const apply = { ...gadget(namespace, 'errors', 5), metadata: { ...ref } };
  await expect(api.apply(gadgetType, apply, { fieldManager: 'somebody-else', force: false })).rejects.toMatchObject(failing('Conflict', 409));
  await expect(api.delete(gadgetType, ref, { uid: 'another-uid' })).rejects.toMatchObject(failing('Conflict', 409));
  await api.delete(gadgetType, ref, { uid });
  await expect(api.get(gadgetType, ref)).rejects.toMatchObject(failing('NotFound', 404));
});

test('uid and version are preconditions of an apply; in an apply of /status only the version is', async () => {
  const { uid, resourceVersion } = (await api.create(gadgetType, gadget(namespace, 'conditional'), manager)).metadata;
  const ref = { namespace, name: 'conditional' };
  const options = { ...manager, force: true };
  const applied = (metadata: object, status?: object): Gadget => ({
    ...gadget(namespace, 'conditional', 2),
    metadata: { ...ref, ...metadata },
    ...(status ? { status: { phase: 'Ready' } } : {}),
  });
  await expect(api.apply(gadgetType, applied({ uid: 'another-uid' }), options)).rejects.toMatchObject(failing('Invalid', 422));
  await expect(api.apply(gadgetType, applied({ resourceVersion: '1' }), options)).rejects.toMatchObject(failing('Conflict', 409));
  await expect(api.applyStatus(gadgetType, applied({ resourceVersion: '1' }, {}), options)).rejects.toMatchObject(failing('Conflict', 409));
  await api.applyStatus(gadgetType, applied({ uid: 'another-uid', resourceVersion }, {}), options);
  await api.apply(gadgetType, applied({ uid }), options);
  expect(await api.get<Gadget>(gadgetType, ref)).toMatchObject({ spec: { size: 2 }, status: { phase: 'Ready' } });
});

test('a dry run is checked and not stored', async () => {
  await api.create(gadgetType, gadget(namespace, 'dry'), { ...manager, dryRun: true });
  await expect(api.get(gadgetType, { namespace, name: 'dry' })).rejects.toMatchObject(failing('NotFound', 404));
});

test('a user without rights is Forbidden, and so is a watch', async () => {
  const jane = clientFor(await stack().kubernetes.makeUser('jane'));
  await expect(jane.list(gadgetType, { namespace })).rejects.toMatchObject(failing('Forbidden', 403));
  const watch = jane.watch(gadgetType, { namespace, resourceVersion: '1', timeoutSeconds: 5, bookmarks: true });
  await expect(watch[Symbol.asyncIterator]().next()).rejects.toMatchObject(failing('Forbidden', 403));
  jane.close();
});

test('a watch delivers events and a bookmark before its end, and ends quietly', async () => {
  const { resourceVersion } = await api.list(gadgetType, { namespace });
  const seen: string[] = [];
  const onOpen = (): void => void api.create(gadgetType, gadget(namespace, 'seen'), manager);
  for await (const event of api.watch(gadgetType, { namespace, resourceVersion, timeoutSeconds: 6, bookmarks: true, onOpen })) {
    seen.push(event.type === 'BOOKMARK' ? event.type : `${event.type} ${event.object.metadata.name}`);
  }
  expect(seen.slice(0, 2)).toEqual(['ADDED seen', 'BOOKMARK']);
});

test('a watch from a version that is long gone is Gone', async () => {
  const watch = api.watch(gadgetType, { namespace, resourceVersion: '1', timeoutSeconds: 5, bookmarks: true });
  await expect(watch[Symbol.asyncIterator]().next()).rejects.toMatchObject({ kind: 'Gone' });
});
