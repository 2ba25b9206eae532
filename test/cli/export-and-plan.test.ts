import { beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { kinds } from '../../src/api/kinds.ts';
import { exportText } from '../../src/cli/export.ts';
import { planText } from '../../src/cli/plan.ts';
import type { KubeApi, KubeObject } from '../../src/controller/kube/api.ts';
import { digestOf } from '../../src/topology/fingerprint.ts';
import { kubeStore, storeApi } from '../support/kube-store.ts';

const namespace = 'flights';
const sql = 'INSERT INTO delays SELECT * FROM flights';
const spec = { platformRef: { name: 'default' }, engine: 'embedded', sql, reclaimPolicy: 'Retain' };
const changed = 'INSERT INTO delays SELECT * FROM flights WHERE delay > 15';

let kube: KubeApi;
beforeEach(() => {
  const store = kubeStore();
  kube = storeApi(store);
  const put = (kind: keyof typeof kinds, name: string, parts: object) =>
    store.create(kinds[kind], { apiVersion: 'grue.dev/v1alpha1', kind, metadata: { name, namespace }, ...parts } as KubeObject);
  put('Pipeline', 'delays', { spec, status: { live: 'pipeline-delays-2' } });
  put('Pipeline', 'new', { spec, status: {} });
  const frozen = { engine: 'embedded', sql: changed, reads: [], writes: {}, path: '' };
  put('Revision', 'pipeline-delays-2', {
    spec: { of: { kind: 'Pipeline', name: 'delays' }, fingerprint: 'v1:live', platform: { name: 'default' }, pipeline: frozen, physical: {} },
  });
});

describe('grue export', () => {
  test('prints the resource as it is live; what is no part of the definition stays as it is stored', async () => {
    for (const target of ['Pipeline/delays', 'pipeline/delays', 'gpl/delays', 'pipelines/delays'])
      expect(parse(await exportText(kube, namespace, target))).toEqual({
        apiVersion: 'grue.dev/v1alpha1',
        kind: 'Pipeline',
        metadata: { name: 'delays', namespace },
        spec: { ...spec, sql: changed },
      });
  });
  test('says when there is no such thing, when nothing of it is live, and when the words are not understood', async () => {
    await expect(exportText(kube, namespace, 'Pipeline/other')).rejects.toThrow('there is no Pipeline/other');
    await expect(exportText(kube, namespace, 'Pipeline/new')).rejects.toThrow('nothing of Pipeline/new is live');
    for (const target of ['delays', 'Topic/delays', 'Pipeline/', 'Pipeline/a/b']) await expect(exportText(kube, namespace, target)).rejects.toThrow(target);
  });
});

describe('grue plan', () => {
  const migration = (parts: object) => JSON.stringify({ apiVersion: 'grue.dev/v1alpha1', kind: 'StreamMigration', metadata: { name: 'm' }, spec: parts });
  test('pins what is named to the spec of now', async () => {
    const planned = parse(await planText(kube, namespace, migration({ resources: [{ kind: 'Pipeline', name: 'delays' }], soak: '1h' })));
    expect(planned.spec).toEqual({ resources: [{ kind: 'Pipeline', name: 'delays', digest: digestOf(spec) }], soak: '1h' });
  });
  test('fills in the base of each change', async () => {
    const set = { sql };
    const planned = parse(await planText(kube, namespace, migration({ changes: [{ kind: 'Pipeline', name: 'delays', set }] })));
    expect(planned.spec.changes).toEqual([{ kind: 'Pipeline', name: 'delays', base: 'v1:live', set }]);
  });
  test('refuses what is no migration, and says every field that is wrong in one', async () => {
    await expect(planText(kube, namespace, 'kind: Pipeline')).rejects.toThrow('no StreamMigration');
    await expect(planText(kube, namespace, migration({ resources: [], soak: 'long' }))).rejects.toThrow(/soak: .*name at least one/);
  });
});
