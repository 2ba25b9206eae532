import { expect, test } from 'vitest';
import type { KubeApi } from '../src/controller/kube/api.ts';
import { KubeError, type KubeErrorKind } from '../src/controller/kube/errors.ts';
import { tellingRefusals } from '../src/refusals.ts';
import { widget, widgetType } from './support/kube-kinds.ts';

const message = 'User "system:serviceaccount:grue:grue-operator" cannot do this to resource "widgets"';
const signal = new AbortController().signal;
const ref = { namespace: 'shop', name: 'a' };
const write = { fieldManager: 'test', signal };

const failing = (kind: KubeErrorKind): KubeApi => {
  const fail = () => Promise.reject(new KubeError(kind, message));
  return tellingRefusals({
    get: fail,
    list: fail,
    create: fail,
    apply: fail,
    applyStatus: fail,
    mergePatch: fail,
    delete: fail,
  } as Partial<KubeApi> as KubeApi);
};

test.each<readonly [string, (api: KubeApi) => Promise<unknown>]>([
  ['get', (api) => api.get(widgetType, ref)],
  ['list', (api) => api.list(widgetType)],
  ['create', (api) => api.create(widgetType, widget('a'), write)],
  ['apply', (api) => api.apply(widgetType, widget('a'), { ...write, force: true })],
  ['apply of a status', (api) => api.applyStatus(widgetType, widget('a'), { ...write, force: true })],
  ['patch', (api) => api.mergePatch(widgetType, ref, {}, write)],
  ['delete', (api) => api.delete(widgetType, ref, { uid: 'u' })],
])('a %s that is refused says which right is missing, by its code', async (_, call) => {
  await expect(call(failing('Forbidden'))).rejects.toMatchObject({ code: 'GRUE-API-008', message });
});

test('any other failure stays what it is: reconcilers tell them apart', async () => {
  await expect(failing('NotFound').get(widgetType, ref)).rejects.toMatchObject({ kind: 'NotFound' });
});
