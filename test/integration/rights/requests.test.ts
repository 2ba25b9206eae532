import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiVersion } from '../../../src/api/common.ts';
import { kinds } from '../../../src/api/kinds.ts';
import { requestAnnotations, verbs } from '../../../src/api/requests.ts';
import { examples } from '../../api/examples.ts';
import { accountName, openRealm, type Realm, type User } from './realm.ts';

let realm: Realm;
beforeAll(async () => {
  realm = await openRealm();
  await realm.make('StreamMigration', 'delays', { spec: { ...examples.StreamMigration, manual: ['Flip', 'Teardown'] } });
  await realm.make('StreamMigration', 'paused', { spec: { ...examples.StreamMigration, paused: true } });
  await realm.make('Platform', 'default');
});
afterAll(() => realm[Symbol.asyncDispose]());

const smig = 'streammigrations';
/** All of it is tried without effect, so that each test finds the same objects. */
const dryRun = '--dry-run=server';
const annotate = (user: User, name: string, request: Readonly<Record<string, string>>, kind = smig) => {
  const annotations = Object.fromEntries(Object.entries(request).map(([part, value]) => [`grue.dev/request-${part}`, value]));
  return realm.kubectl(user, ['patch', kind, name, dryRun, '--type=merge', '-p', JSON.stringify({ metadata: { annotations } })]);
};
const edit = (user: User, spec: object, name = 'delays') => realm.kubectl(user, ['patch', smig, name, dryRun, '--type=merge', '-p', JSON.stringify({ spec })]);
const create = (user: User, parts: { readonly spec?: object; readonly metadata?: object }) =>
  realm.kubectl(user, ['create', dryRun, '-f', '-'], {
    ...{ apiVersion, kind: 'StreamMigration' },
    metadata: { name: 'another', ...parts.metadata },
    spec: { ...examples.StreamMigration, ...parts.spec },
  });
const approvals = [{ step: 'Flip', plan: 'abc' }];

const missing = (user: string, verb: string, name = 'delays') =>
  `${user} may not ${verb} StreamMigration ${realm.namespace}/${name}: verb "${verb}" on streammigrations.grue.dev is missing (role grue-promoter has it)`;

test('the annotations that the policies look at are those of the schema', () => {
  expect(Object.values(requestAnnotations)).toEqual(['id', 'verb', 'step', 'attempt', 'plan', 'by', 'reason'].map((part) => `grue.dev/request-${part}`));
});

describe.each(verbs)('to %s a migration by annotation', (verb) => {
  const ask = (user: User) => annotate(user, 'delays', { id: '1', verb });

  test.each(['petra', 'ada'] as const)('%s has the verb', (user) => expect(ask(user)).resolves.toContain('patched'));
  test('who may edit is told that the verb is missing', () =>
    expect(ask('edith')).rejects.toThrow(`${missing('edith', verb)}; it is needed for grue.dev/request-verb`));
  test('who may only read may not even write the annotation', () =>
    expect(ask('victor')).rejects.toThrow('User "victor" cannot patch resource "streammigrations"'));
  test('the account of Argo CD needs the verb as anybody does', () => expect(ask('argo')).rejects.toThrow(missing(accountName(realm.namespace, 'argo'), verb)));
});

test('the account of Argo CD may promote once the verb is granted to it', async () => {
  const { namespace } = realm;
  await realm.kubectl('root', ['create', 'rolebinding', 'argo-promotes', '--clusterrole=grue-promoter', `--user=${accountName(namespace, 'argo')}`]);
  await expect.poll(() => annotate('argo', 'delays', { id: '1', verb: 'promote' }).catch(String), { timeout: 20_000 }).toContain('patched');
  expect(await edit('argo', { approvals })).toContain('patched');
  await realm.kubectl('root', ['delete', 'rolebinding', 'argo-promotes']);
});

test('a verb that is granted for one migration by its name says nothing about another', async () => {
  const rule = ['--verb=get,patch,promote', `--resource=${smig}.grue.dev`];
  await realm.kubectl('root', ['create', 'role', 'one', ...rule, '--resource-name=delays']);
  await realm.kubectl('root', ['create', 'rolebinding', 'one', '--role=one', '--user=edith']);
  await expect.poll(() => annotate('edith', 'delays', { id: '1', verb: 'promote' }).catch(String), { timeout: 20_000 }).toContain('patched');
  await expect(annotate('edith', 'paused', { id: '1', verb: 'promote' })).rejects.toThrow(missing('edith', 'promote', 'paused'));
  await realm.kubectl('root', ['delete', 'rolebinding', 'one']);
  await expect.poll(() => annotate('edith', 'delays', { id: '1', verb: 'promote' }).catch(String), { timeout: 20_000 }).toContain(missing('edith', 'promote'));
});

test.each([
  ['approvals', { approvals }, 'promote'],
  ['abort', { abort: true }, 'abort'],
  ['rollback', { rollback: true }, 'rollback'],
  ['retry', { retry: 1 }, 'retry'],
  ['paused', { paused: true }, 'pause'],
] as const)('spec.%s needs the verb, in an edit and from the beginning', async (field, spec, verb) => {
  await expect(edit('edith', spec)).rejects.toThrow(`${missing('edith', verb)}; it is needed for spec.${field}`);
  await expect(create('edith', { spec })).rejects.toThrow(`${missing('edith', verb, 'another')}; it is needed for spec.${field}`);
  expect(await edit('petra', spec)).toContain('patched');
  await expect(create('petra', { spec })).rejects.toThrow('cannot create resource');
  expect(await create('ada', { spec })).toContain('created');
});

test('a step that waits no more has been approved', async () => {
  await expect(edit('edith', { manual: ['Teardown'] })).rejects.toThrow(`${missing('edith', 'promote')}; it is needed for spec.manual`);
  await expect(edit('edith', { manual: null })).rejects.toThrow(missing('edith', 'promote'));
  expect(await edit('edith', { manual: ['Provision', 'Teardown', 'Flip'] })).toContain('patched');
});

test('to go on after a pause is a verb of its own', async () => {
  await expect(edit('edith', { paused: false }, 'paused')).rejects.toThrow(missing('edith', 'resume', 'paused'));
  expect(await edit('petra', { paused: false }, 'paused')).toContain('patched');
});

test('a migration whose name the server makes is known by that name', async () => {
  const generated = create('edith', { metadata: { name: undefined, generateName: 'delays-' }, spec: { abort: true } });
  await expect(generated).rejects.toThrow(new RegExp(`StreamMigration ${realm.namespace}/delays-[a-z0-9]+: verb "abort"`));
});

test('Argo CD syncs what Git says, and heals it, without any verb', async () => {
  const tracking = { 'argocd.argoproj.io/tracking-id': 'flights:grue.dev/Stream:flights/delays' };
  for (const kind of ['Stream', 'Pipeline', 'Connection', 'StreamMigration'] as const) {
    const object = { apiVersion, kind, metadata: { name: 'synced', annotations: tracking }, spec: examples[kind] };
    const apply = (user: User, ...more: readonly string[]) => realm.kubectl(user, ['apply', ...more, '-f', '-'], object);
    expect(await apply('argo')).toContain('created');
    await realm.writeStatus('operator', kind, 'synced', { observedGeneration: 1 });
    await realm.kubectl('edith', ['annotate', '--overwrite', kinds[kind].plural, 'synced', 'argocd.argoproj.io/tracking-id=lost']);
    expect(await apply('argo')).toContain('configured');
    expect(await apply('argo', '--server-side', '--force-conflicts', '--field-manager=argocd-controller')).toContain('serverside-applied');
    expect(await realm.kubectl('argo', ['delete', kinds[kind].plural, 'synced'])).toContain('deleted');
  }
});

test('what asks for nothing needs no verb', async () => {
  expect(await create('edith', {})).toContain('created');
  expect(await edit('edith', { soak: '2h', onFailure: 'Abort', manual: ['Flip', 'Teardown', 'Provision'] })).toContain('patched');
  expect(await annotate('edith', 'delays', { verb: 'promote', reason: 'no id, no request' })).toContain('patched');
  expect(await realm.kubectl('edith', ['label', smig, 'delays', dryRun, 'team=flights'])).toContain('labeled');
});

test('a request that was made before does not stand in the way of an edit, and whoever changes or repeats it needs the verb', async () => {
  await realm.make('StreamMigration', 'asked', { annotations: { 'grue.dev/request-id': '1', 'grue.dev/request-verb': 'pause' } });
  expect(await edit('edith', { soak: '2h' }, 'asked')).toContain('patched');
  expect(await realm.kubectl('edith', ['annotate', smig, 'asked', dryRun, 'team=flights'])).toContain('annotated');
  expect(await realm.kubectl('edith', ['annotate', smig, 'asked', dryRun, 'grue.dev/request-id-'])).toContain('annotated');
  await expect(annotate('edith', 'asked', { id: '2' })).rejects.toThrow(missing('edith', 'pause', 'asked'));
  await expect(annotate('edith', 'asked', { reason: 'other' })).rejects.toThrow(missing('edith', 'pause', 'asked'));
  const copy = { metadata: { annotations: { 'grue.dev/request-id': '1', 'grue.dev/request-verb': 'pause' } } };
  await expect(create('edith', copy)).rejects.toThrow(missing('edith', 'pause', 'another'));
});

test('nobody asks in the name of another', async () => {
  const verb = 'promote';
  expect(await annotate('petra', 'delays', { id: '1', verb, by: 'petra' })).toContain('patched');
  await expect(annotate('petra', 'delays', { id: '1', verb, by: 'ada' })).rejects.toThrow(
    `petra may not ask anything of StreamMigration ${realm.namespace}/delays in the name of ada: annotation grue.dev/request-by must be petra, or be left out`,
  );
  await expect(annotate('root', 'delays', { id: '1', verb, by: 'ada' })).rejects.toThrow('in the name of ada');
});

test('a verb that does not exist is named, with those that do', async () => {
  await expect(annotate('root', 'delays', { id: '1', verb: 'promot' })).rejects.toThrow(
    `nobody can ask for "promot" of StreamMigration ${realm.namespace}/delays: annotation grue.dev/request-verb must be promote, abort, rollback, pause, resume or retry`,
  );
  await expect(annotate('root', 'delays', { id: '1' })).rejects.toThrow('nobody can ask for ""');
});

test('servers are taken over by who has the verb, in his own name', async () => {
  const takeover = { id: '1', verb: 'takeover' };
  expect(await annotate('ada', 'default', takeover, 'platforms')).toContain('patched');
  await expect(annotate('ada', 'default', { ...takeover, by: 'petra' }, 'platforms')).rejects.toThrow('in the name of petra');
  await expect(annotate('ada', 'default', { ...takeover, verb: 'promote' }, 'platforms')).rejects.toThrow('must be takeover');
  for (const user of ['edith', 'petra'] as const)
    await expect(annotate(user, 'default', takeover, 'platforms')).rejects.toThrow(`User "${user}" cannot patch resource "platforms"`);
  await realm.kubectl('root', ['create', 'role', 'platforms', '--verb=get,patch', '--resource=platforms.grue.dev']);
  await realm.kubectl('root', ['create', 'rolebinding', 'platforms', '--role=platforms', '--user=edith']);
  const refused = `edith may not take over the servers of Platform ${realm.namespace}/default: verb "takeover" on platforms.grue.dev is missing (role grue-admin has it)`;
  await expect.poll(() => annotate('edith', 'default', takeover, 'platforms').catch(String), { timeout: 20_000 }).toContain(refused);
});

test.each([
  ['view', ['get revisions'], ['create streams', 'promote streammigrations']],
  ['edit', ['create streams', 'delete streammigrations'], ['promote streammigrations', 'create platforms', 'delete revisions']],
  ['admin', ['rollback streammigrations', 'create platforms', 'takeover platforms', 'delete revisions'], ['create revisions', 'patch streams/status']],
] as const)('whoever has the role %s of Kubernetes has what belongs to it of ours', async (role, has, lacks) => {
  const user = `${role}-${realm.namespace}`;
  await realm.kubectl('root', ['create', 'rolebinding', role, `--clusterrole=${role}`, `--user=${user}`]);
  const may = async (right: string) => {
    const [verb = '', resource = ''] = right.split(' ');
    const [plural = '', subresource = ''] = resource.split('/');
    const answer = realm.kubectl('root', ['auth', 'can-i', verb, `${plural}.grue.dev`, `--subresource=${subresource}`, '--as', user]);
    return `${right}: ${await answer.catch(({ stdout }: { stdout: string }) => stdout.trim())}`;
  };
  const answers = () => Promise.all([...has, ...lacks].map(may));
  await expect.poll(answers, { timeout: 30_000 }).toEqual([...has.map((right) => `${right}: yes`), ...lacks.map((right) => `${right}: no`)]);
});

test('each policy is understood by the API server without a doubt', async () => {
  const checked = async () => {
    const { items } = JSON.parse(await realm.kubectl('root', ['get', 'validatingadmissionpolicies', '-o', 'json'])) as { items: Policy[] };
    const ours = items.filter(({ metadata }) => metadata.name.startsWith(`${realm.namespace}-grue-`));
    return ours.map(({ metadata, status }) => [metadata.name.replace(`${realm.namespace}-grue-`, ''), status?.typeChecking]);
  };
  await expect.poll(checked, { timeout: 30_000 }).toEqual(['deletion', 'requests', 'revisions', 'status', 'takeover'].map((name) => [name, {}]));
});

interface Policy {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly typeChecking?: object };
}
