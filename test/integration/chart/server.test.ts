import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { stack } from '../../stack/for-tests.ts';
import { chart, helm, manifestsOf, type PodTemplate, render } from '../../support/helm.ts';
import { ask, installCrds, kubectl, makeNamespace, removeNamespace } from '../api/server.ts';

const directory = mkdtempSync(join(tmpdir(), 'chart-'));
// What one release of a cluster owns belongs to all tests here.
const shared = { crds: { install: false }, rights: { roles: false, admission: false } };
let namespace = '';

beforeAll(async () => {
  await installCrds();
  namespace = await makeNamespace();
  await kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
  const input = JSON.stringify(shared);
  await helm(['install', 'grue', chart, '--namespace', namespace, '--values', '-'], { kubeconfig: stack().kubernetes.kubeconfigPath, input });
});
afterAll(async () => {
  await helm(['uninstall', 'grue', '--namespace', namespace], { kubeconfig: stack().kubernetes.kubeconfigPath });
  await removeNamespace(namespace);
  rmSync(directory, { recursive: true });
});

const rendered = async (variant: string): Promise<string> =>
  render(parse(readFileSync(join(import.meta.dirname, `values/${variant}.yaml`), 'utf8')) as object, { namespace });

test.each(['default', 'cluster', 'everything'])('the API server takes every manifest of the values of %s, strictly read', async (variant) => {
  const file = join(directory, `${variant}.yaml`);
  const ours = manifestsOf(await rendered(variant)).filter(({ apiVersion }) => !apiVersion.startsWith('monitoring.coreos.com/'));
  writeFileSync(file, ours.map((manifest) => JSON.stringify(manifest)).join('\n---\n'));
  const said = await kubectl('apply', '--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict', '-f', file);
  expect(said.trim().split('\n')).toHaveLength(ours.length);
});

test.each(['default', 'everything'])('the pods of the values of %s may run under the restricted Pod Security Standard', async (variant) => {
  const templates = manifestsOf(await rendered(variant)).flatMap(({ spec }) => spec?.template ?? []);
  expect(templates).toHaveLength(2);
  for (const template of templates) {
    const { code, body } = await createPod(template);
    expect(code, JSON.stringify(body)).toBe(201);
  }
  const [{ metadata, spec } = {} as PodTemplate] = templates;
  const privileged = await createPod({ metadata, spec: { ...spec, securityContext: {} } });
  expect(JSON.stringify(privileged.body)).toContain('violates PodSecurity');
});

/** Checked and not stored; under an account that is there. */
const createPod = ({ metadata, spec }: PodTemplate) => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, generateName: 'pod-' }, spec: { ...spec, serviceAccountName: 'grue-operator' } };
  return ask('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
};

test('the accounts may do what they have to, and what is next to it they may not', async () => {
  const may = async (account: string, verb: string, resource: string, where: string, name?: string): Promise<boolean> => {
    const [path = '', subresource] = resource.split('/');
    const [plural, group = ''] = path.split(/\.(.*)/s);
    const attributes = { namespace: where, verb, group, resource: plural, ...(subresource && { subresource }), ...(name && { name }) };
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: `system:serviceaccount:${namespace}:grue-${account}`, resourceAttributes: attributes },
    };
    return ((await ask('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review)).body as { status: { allowed: boolean } }).status.allowed;
  };
  const rows: readonly (readonly [account: string, verb: string, resource: string, where: string, name: string, allowed: boolean])[] = [
    ['operator', 'get', 'namespaces', namespace, namespace, true],
    ['operator', 'get', 'namespaces', 'kube-system', 'kube-system', true],
    ['operator', 'get', 'namespaces', 'default', 'default', false],
    ['operator', 'patch', 'leases.coordination.k8s.io', namespace, 'grue-operator', true],
    ['operator', 'patch', 'leases.coordination.k8s.io', namespace, 'another', false],
    ['operator', 'get', 'secrets', namespace, 'search', true],
    ['operator', 'list', 'secrets', namespace, '', false],
    ['operator', 'watch', 'secrets', namespace, '', false],
    ['operator', 'get', 'secrets', 'default', 'search', false],
    ['operator', 'delete', 'revisions.grue.dev', namespace, 'x', true],
    ['operator', 'delete', 'streams.grue.dev', namespace, 'x', false],
    ['operator', 'patch', 'streams.grue.dev', namespace, 'x', false],
    ['operator', 'patch', 'streams.grue.dev/status', namespace, 'x', true],
    ['operator', 'patch', 'streams.grue.dev/status', 'default', 'x', false],
    ['operator', 'get', 'customresourcedefinitions.apiextensions.k8s.io', '', 'streams.grue.dev', true],
    ['worker', 'watch', 'revisions.grue.dev', namespace, '', true],
    ['worker', 'patch', 'revisions.grue.dev/status', namespace, 'x', true],
    ['worker', 'patch', 'revisions.grue.dev', namespace, 'x', false],
    ['worker', 'patch', 'platforms.grue.dev/status', namespace, 'x', false],
    ['worker', 'get', 'leases.coordination.k8s.io', namespace, 'grue-operator', false],
    ['worker', 'list', 'secrets', namespace, '', false],
    ['worker', 'get', 'secrets', namespace, 'search', true],
  ];
  const answers = await Promise.all(rows.map(async ([account, verb, resource, where, name]) => may(account, verb, resource, where, name || undefined)));
  expect(answers.map((allowed, row) => [...(rows[row] ?? []).slice(0, 5), allowed])).toEqual(rows);
});
