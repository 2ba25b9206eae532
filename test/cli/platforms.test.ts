import { expect, test } from 'vitest';
import { apiVersion } from '../../src/api/common.ts';
import { kinds } from '../../src/api/kinds.ts';
import { requestAnnotations } from '../../src/api/requests.ts';
import { orphansText, takeOver } from '../../src/cli/platforms.ts';
import { kubeStore, storeApi } from '../support/kube-store.ts';

const namespace = 'shop';
const ref = { namespace, name: 'default' };

function clusterWith(status: object) {
  const store = kubeStore();
  store.create(kinds.Platform, { apiVersion, kind: 'Platform', metadata: ref, spec: { prefix: 'grue' } });
  store.apply(kinds.Platform, { apiVersion, kind: 'Platform', metadata: ref, status }, 'status', 'grue-operator');
  return store;
}
const claimed = { conditions: [{ type: 'Ready', status: 'False', reason: 'GRUE_PLT_008', message: 'prefix grue belongs to installation grue/gone' }] };

test('orphans are listed with what they are, since when and why', async () => {
  const orphan = { kind: 'Index', name: 'grue.shop.found.1-abcdef', why: 'there is no Revision connection-found-1', since: '2026-01-01T00:00:00Z' };
  const text = await orphansText(storeApi(clusterWith({ orphans: [orphan], orphanCount: 3 })), namespace);
  expect(text.split('\n')[1]).toMatch(/^default +index +grue\.shop\.found\.1-abcdef +2026-01-01T00:00:00Z +there is no Revision connection-found-1$/);
  expect(text).toContain('and 2 more of Platform default');
  expect(text).toContain('Nothing of this is removed by itself');
});

test('where there are none, that is said', async () => {
  expect(await orphansText(storeApi(clusterWith({})), namespace)).toBe('no orphans\n');
});

test('a takeover asks first, and says whose the servers are', async () => {
  const store = clusterWith(claimed);
  let asked = '';
  const refusal = takeOver(storeApi(store), {
    ...{ namespace, platform: 'default' },
    confirm: async (question) => {
      asked = question;
      return false;
    },
  });
  await expect(refusal).rejects.toMatchObject({ code: 'GRUE-CLI-001' });
  expect(asked).toContain('belongs to installation grue/gone');
  expect(store.get(kinds.Platform, ref).metadata.annotations).toBeUndefined();
});

test('a confirmed takeover stands in the annotations, and the answer of the operator is shown', async () => {
  const store = clusterWith(claimed);
  store.follow(kinds.Platform, undefined, store.version(), () => {
    const { metadata, status } = store.get(kinds.Platform, ref);
    const id = metadata.annotations?.[requestAnnotations.id];
    if (id === undefined || (status as { requests?: unknown } | undefined)?.requests) return;
    const requests = [{ id, verb: 'takeover', result: 'accepted: 3 indices', time: '2026-01-01T00:00:00Z' }];
    store.apply(kinds.Platform, { apiVersion, kind: 'Platform', metadata: ref, status: { ...claimed, requests } }, 'status', 'grue-operator');
  });
  const answer = await takeOver(storeApi(store), { namespace, platform: 'default', reason: 'the old cluster burnt down', confirm: async () => true });
  expect(answer.result).toBe('accepted: 3 indices');
  expect(store.get(kinds.Platform, ref).metadata.annotations).toMatchObject({
    [requestAnnotations.verb]: 'takeover',
    [requestAnnotations.reason]: 'the old cluster burnt down',
  });
});

test('a Platform that does not exist is told as such', async () => {
  const ask = takeOver(storeApi(kubeStore()), { namespace, platform: 'default', confirm: async () => true });
  await expect(ask).rejects.toMatchObject({ code: 'GRUE-CLI-002' });
});
