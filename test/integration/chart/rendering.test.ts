import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { generateCrds } from '../../../scripts/gen-crds.ts';
import { chart, fromFolders, helm, type Manifest, manifestsOf, type PodTemplate, render } from '../../support/helm.ts';

const variants = ['default', 'cluster', 'everything'] as const;
const valuesOf = (variant: (typeof variants)[number]): object => parse(readFileSync(join(import.meta.dirname, `values/${variant}.yaml`), 'utf8'));
const rendered = new Map<string, string>();
/** Neither Helm nor Argo CD removes it when it is no longer among what they render. */
const kept = { 'helm.sh/resource-policy': 'keep', 'argocd.argoproj.io/sync-options': 'Prune=false' };

beforeAll(async () => {
  for (const variant of variants) rendered.set(variant, await render(valuesOf(variant)));
});

test('helm lint has nothing to say', async () => {
  expect(await helm(['lint', '--strict', chart])).toContain('0 chart(s) failed');
});

describe.each(variants)('with the values of %s', (variant) => {
  const manifests = (): readonly Manifest[] => manifestsOf(rendered.get(variant) ?? '');
  const ofKind = (...kinds: readonly string[]) => manifests().filter(({ kind }) => kinds.includes(kind));
  const pods = (): readonly PodTemplate[] => ofKind('Deployment').flatMap(({ spec }) => spec?.template ?? []);

  // CRDs and the rights of people have tests of their own, which say more than a copy would
  test('the manifests are the golden ones', async () => {
    await expect(fromFolders(rendered.get(variant) ?? '', ['crds', 'rights'], false)).toMatchFileSnapshot(`golden/${variant}.yaml`);
  });

  test('the CRDs are those of the source, and stay when the chart goes', () => {
    const crds = ofKind('CustomResourceDefinition');
    const sources = generateCrds().map(({ content }) => parse(content) as Manifest);
    expect(crds.map(({ spec }) => spec)).toEqual([...sources].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).map(({ spec }) => spec));
    for (const { metadata } of crds) expect(metadata.annotations).toEqual({ 'grue.dev/crd-version': '1', ...kept });
  });

  test('no right has a wildcard, and nobody lists or watches Secrets', () => {
    for (const { metadata, rules = [] } of ofKind('Role', 'ClusterRole'))
      for (const rule of rules) {
        expect(JSON.stringify(rule), metadata.name).not.toContain('*');
        if (rule.resources?.includes('secrets')) expect(rule.verbs, metadata.name).toEqual(['get']);
      }
  });

  test('operator and worker write no spec, and no Secret', () => {
    const own = ofKind('Role', 'ClusterRole').filter(({ metadata }) => /-(operator|worker)(-lease)?$/.test(metadata.name));
    const isWrite = (verb: string) => !['get', 'list', 'watch'].includes(verb);
    const written = own.flatMap(({ rules = [] }) => rules.flatMap(({ resources = [], verbs }) => (verbs.some(isWrite) ? resources : [])));
    // the spec of a migration is not written either: its finalizer is, and there is no right that tells the two apart
    const allowed = /^(revisions|streammigrations|events|leases|tokenreviews|subjectaccessreviews|[a-z]+\/status)$/;
    expect(written.filter((resource) => !allowed.test(resource))).toEqual([]);
  });

  test('every container is as restricted as can be', () => {
    expect(pods()).toHaveLength(2);
    for (const { spec } of pods()) {
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } });
      for (const container of spec.containers)
        expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
      expect(spec.volumes?.filter(({ emptyDir }) => emptyDir) ?? []).toEqual([]);
    }
  });

  test('every selector finds the pods of its component, and of no other', () => {
    const selecting = ofKind('Deployment', 'PodDisruptionBudget', 'Service', 'NetworkPolicy');
    expect(selecting.length).toBeGreaterThanOrEqual(4);
    for (const { metadata, spec } of selecting) {
      const selector = spec?.podSelector ?? spec?.selector ?? {};
      const labels = Object.entries('matchLabels' in selector ? (selector.matchLabels as object) : selector);
      const found = ofKind('Deployment').filter((one) => labels.every(([label, value]) => one.spec?.template?.metadata.labels[label] === value));
      expect(found.map((one) => one.metadata.name)).toEqual([metadata.name]);
    }
  });

  test('every binding names a role and an account that are there', () => {
    const names = (...kinds: readonly string[]) => ofKind(...kinds).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    const accounts = pods().map(({ spec }) => spec.serviceAccountName);
    for (const { roleRef, subjects = [], metadata } of ofKind('RoleBinding', 'ClusterRoleBinding')) {
      expect(names('Role', 'ClusterRole')).toContain(`${roleRef?.kind}/${roleRef?.name}`);
      if (metadata.name.endsWith('metrics-reader')) continue;
      expect(accounts).toContain(subjects[0]?.name);
      expect(subjects[0]?.namespace).toBe('flights');
    }
  });
});

test('in its own namespace the operator has no right elsewhere but to know the cluster and the versions of the CRDs', () => {
  const [role, ...others] = manifestsOf(rendered.get('default') ?? '').filter(
    ({ kind, metadata }) => kind === 'ClusterRole' && !/^grue-(view|editor|promoter|admin)$/.test(metadata.name),
  );
  expect(others).toEqual([]);
  expect(role?.rules).toMatchObject([
    { resources: ['namespaces'], resourceNames: ['kube-system'], verbs: ['get'] },
    { resources: ['customresourcedefinitions'], resourceNames: expect.arrayContaining(['revisions.grue.dev']), verbs: ['get'] },
  ]);
});

test('a Platform is a hook where its kind is still to come, and part of the release from then on', async () => {
  const platformOf = (text: string) => manifestsOf(text).find(({ kind }) => kind === 'Platform')?.metadata.annotations ?? {};
  expect(platformOf(rendered.get('everything') ?? '')).toMatchObject({ 'helm.sh/hook': 'post-install,post-upgrade', ...kept });
  const known = platformOf(await render(valuesOf('everything'), { apiVersions: ['grue.dev/v1alpha1/Platform'] }));
  expect(known).toEqual({ ...kept, 'meta.helm.sh/release-name': 'grue', 'meta.helm.sh/release-namespace': 'flights' });
});

test('the processes know every flag that they are given', async () => {
  for (const variant of variants)
    for (const { spec } of manifestsOf(rendered.get(variant) ?? '').filter(({ kind }) => kind === 'Deployment')) {
      const [command = '', ...flags] = spec?.template?.spec.containers[0]?.args ?? [];
      const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../../src/main.ts'), command, '--help']);
      expect(flags.length).toBeGreaterThan(2);
      for (const flag of flags) expect(stdout).toContain(`${flag.split('=')[0]} <`);
    }
});

test('without crds.install there are none', async () => {
  expect(manifestsOf(await render({ crds: { install: false } })).filter(({ kind }) => kind === 'CustomResourceDefinition')).toEqual([]);
});

describe('values that cannot be meant are refused with their path', () => {
  const cases: readonly (readonly [what: string, values: object, said: readonly string[]])[] = [
    ['a misspelt value', { operator: { replica: 2 } }, ["'/operator'", "'replica'"]],
    ['a value of another type', { operator: { replicas: 'two' } }, ["'/operator/replicas'", 'want integer']],
    ['one that is none of the choices', { scope: 'cluster' }, ["'/scope'", "'Namespace', 'Cluster'"]],
    ['a wrong member of a list', { worker: { extraEnv: [{ nme: 'x' }] } }, ["'/worker/extraEnv/0'", "'name'"]],
    [
      'an address of Kafka without a port',
      { platform: { spec: { kafka: { bootstrapServers: ['kafka'] }, elasticsearch: { url: 'http://e' } } } },
      ["'/platform/spec/kafka/bootstrapServers/0'"],
    ],
    [
      'a Platform that says nothing of Elasticsearch',
      { platform: { spec: { kafka: { bootstrapServers: ['k:1'] } } } },
      ["'/platform/spec'", "'elasticsearch'"],
    ],
    [
      'a misspelt field of a Platform',
      { platform: { spec: { kafka: { bootstrapServer: ['k:1'] }, elasticsearch: { url: 'http://e' } } } },
      ["'/platform/spec/kafka'", "'bootstrapServer'"],
    ],
    ['a Platform of nothing', { platform: { create: true } }, ['platform.spec is missing']],
    ['a scraper of metrics on loopback', { serviceMonitor: { enabled: true } }, ['serviceMonitor.enabled needs metrics.expose']],
    [
      'fewer workers than the fewest',
      { worker: { autoscaling: { minReplicas: 9 } } },
      ['worker.autoscaling.minReplicas is more than worker.autoscaling.maxReplicas'],
    ],
    ['a group that there is not', { metric: {} }, ["'metric' not allowed"]],
  ];
  test.each(cases)('%s', async (_, values, said) => {
    const message = await render(values).then(() => 'accepted', String);
    for (const part of said) expect(message).toContain(part);
  });
});

test('what Helm hands to subcharts is nobody’s mistake', async () => {
  await expect(render({ global: { region: 'north' } })).resolves.toContain('kind: Deployment');
});
