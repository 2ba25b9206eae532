import { setTimeout as sleep } from 'node:timers/promises';
import { kinds } from '../../../src/api/kinds.ts';
import type { Revision } from '../../../src/api/revision.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { digestOf } from '../../../src/topology/fingerprint.ts';
import type { ArgoCd } from '../../cluster/argo-cd.ts';
import type { Repository } from '../../cluster/argo-cd-repository.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds } from '../../support/workspace.ts';
import type { Context, Workload } from '../scenario.ts';
import { type App, applicationOf, appOf, type Health, isSyncedTo } from './argo-cd-apps.ts';

export interface Course {
  readonly argoCd: ArgoCd;
  readonly repository: Repository;
  readonly workload: Workload;
  readonly context: Pick<Context, 'kube' | 'kubectl' | 'namespace' | 'say' | 'signal'>;
}

/** Two of its looks, and some air. */
const restMilliseconds = 21_000;

/**
 * A topology and its migrations in two Applications, with self-heal and prune: edited by hand, migrated in a wave, migrated by the other
 * Application and rolled back by an action, and removed from Git, the migration first and then what is live.
 */
export async function runCourse({ argoCd, repository, workload, context }: Course): Promise<void> {
  const { kube, kubectl, namespace, say, signal } = context;
  const { workspace, alias } = workload;
  const topology = appOf(argoCd, `${namespace}-topology`);
  const migrations = appOf(argoCd, `${namespace}-migrations`);
  const here = ['--namespace', namespace];
  const file = 'topology/resources.yaml';

  const indices = async (): Promise<readonly string[]> => Object.keys((await workspace.search(`_alias/${alias}`)) as object);
  const liveIndex = async (): Promise<string> => {
    const [index, ...more] = await indices();
    if (index === undefined || more.length > 0) throw new Error(`the alias ${alias} is on ${[index, ...more].join(', ') || 'nothing'}`);
    return index;
  };
  const all = async (): Promise<readonly KubeObject[]> =>
    (await Promise.all(Object.values(kinds).map((kind) => kube.list<KubeObject>(kind, { namespace })))).flatMap(({ items }) => items);

  let head = await repository.commit('the topology', { [file]: workload.manifests(), 'migrations/.gitkeep': '' });
  for (const [example, app] of [['topology', topology] as const, ['migrations', migrations] as const])
    await kubectl(['apply', '--filename', '-'], await applicationOf(example, { name: app.name, repository: repository.url, namespace }));
  await topology.until('is live', (status) => isSyncedTo(head)(status) && status.health.status === 'Healthy');
  await workload.goLive();
  await migrations.until('is synced without a migration', isSyncedTo(head));
  say('a topology from Git is live');

  const before = await liveIndex();
  await kubectl([
    'patch',
    'gpl',
    'billed',
    ...here,
    '--type=merge',
    '--patch',
    '{"spec":{"sql":"INSERT INTO billed SELECT number, amount, 99 AS version FROM calls"}}',
  ]);
  const isHealed = async () => ((await kubectl(['get', 'gpl', 'billed', ...here, '--output', 'jsonpath={.spec.sql}'])).includes('99') ? undefined : true);
  await eventually('an edit by hand is healed', isHealed, patienceSeconds);
  if ((await liveIndex()) !== before) throw new Error('an edit by hand has changed what is live');
  say('an edit by hand was healed');

  workload.edit();
  const inWave = migrationOf('in-a-wave', { soak: '2s' }, { 'argocd.argoproj.io/sync-wave': '1' });
  head = await repository.commit('an edit, and its migration in the last wave', { [file]: workload.manifests(), 'topology/migration.yaml': inWave });
  const followed = await follow(topology, 'in-a-wave', ['Healthy']);
  if (!followed.includes('Progressing')) throw new Error(`the migration was never Progressing, but ${followed.join(', ')}`);
  await workload.inPhase('in-a-wave', 'Completed');
  await topology.until('is synced with the edit and Healthy', (status) => isSyncedTo(head)(status) && status.health.status === 'Healthy');
  const migrated = await liveIndex();
  if (migrated === before) throw new Error('the migration has moved no reader');
  say(`migrated in a wave of the same sync: ${followed.join(', ')}`);

  workload.edit();
  const pinned = migrationOf('rolled-back', { soak: '1h' }, {}, digestsOf(workload.manifests()));
  head = await repository.commit('another edit, and its migration', { [file]: workload.manifests(), 'migrations/rolled-back.yaml': pinned });
  await Promise.all([topology.until('is synced', isSyncedTo(head)), migrations.until('is synced', isSyncedTo(head))]);
  await workload.inPhase('rolled-back', 'Soaking');
  await expectHealth(migrations, 'rolled-back', 'Progressing', /Soaking: readers are on green/);
  const refusal = await migrations.act('rollback', 'StreamMigration', 'rolled-back').then(
    (output) => {
      throw new Error(`the account of Argo CD has no right, and is let: ${output}`);
    },
    ({ message }: Error) => message,
  );
  if (!/verb .*rollback.* on streammigrations.grue.dev is missing/.test(refusal)) throw new Error(`refused, but without saying what is missing: ${refusal}`);
  await kubectl(['create', 'rolebinding', 'argo-cd', ...here, '--clusterrole=grue-promoter', '--serviceaccount=argocd:argocd-server']);
  await eventually('the account of Argo CD may roll back', () => migrations.act('rollback', 'StreamMigration', 'rolled-back').catch(() => undefined), 30);
  await workload.inPhase('rolled-back', 'RolledBack');
  await expectHealth(migrations, 'rolled-back', 'Degraded', /RolledBack: rolled back: rollback requested/);
  await expectHealth(topology, 'billed', 'Healthy', /Rejected/, 'Pipeline');
  if ((await liveIndex()) !== migrated) throw new Error('the rollback has not brought the readers back');
  say('rolled back by an action, once the account of Argo CD was let');

  head = await repository.commit('without that migration', { 'migrations/rolled-back.yaml': undefined });
  await migrations.until('has pruned it', isSyncedTo(head));
  const isGone = async () => ((await workspace.object('StreamMigration', 'rolled-back')) === undefined ? true : undefined);
  await eventually('the migration is gone', isGone, patienceSeconds);
  await topology.until('is Healthy', ({ health }) => health.status === 'Healthy');
  if ((await liveIndex()) !== migrated) throw new Error('a migration that was removed has moved readers');
  say('the migration was pruned, and nothing moved');

  const whole = workload.manifests();
  head = await repository.commit('without the pipeline', { [file]: without(whole, 'Pipeline') });
  const refused = await topology.until(
    'is refused to prune what is live',
    ({ sync, operationState }) => sync.revision === head && operationState?.phase === 'Failed',
  );
  if (!/grue.dev\/allow-delete/.test(JSON.stringify(refused))) throw new Error(`it failed, and does not say why: ${JSON.stringify(refused)}`);
  await rest('a prune was refused');

  head = await repository.commit('with the pipeline, and leave to remove it', { [file]: annotated(whole, 'Pipeline', { 'grue.dev/allow-delete': 'true' }) });
  await topology.until('is synced', isSyncedTo(head));
  head = await repository.commit('without the pipeline', { [file]: without(whole, 'Pipeline') });
  await topology.until('has pruned it', isSyncedTo(head));
  const released = async () => {
    const found = (await workspace.revisions()).filter(({ spec }) => spec.of.kind === 'Pipeline' && spec.of.name === 'billed');
    return found.some(({ status }) => status?.conditions?.some(({ type, status: truth }) => type === 'Released' && truth === 'True')) ? true : undefined;
  };
  await eventually('the Revision of the pipeline is released', released, patienceSeconds);
  await unharmed('a live pipeline was pruned');

  head = await repository.commit('with the pipeline again', { [file]: whole });
  await topology.until('is synced and Healthy', (status) => isSyncedTo(head)(status) && status.health.status === 'Healthy');
  await rest('the pipeline is back, and what it had left behind is its own again');

  /** The healths that a migration goes through until it has one of the wanted ones for good. */
  async function follow(app: App, name: string, wanted: readonly string[]): Promise<readonly string[]> {
    await app.status();
    const seen: string[] = [];
    const look = async () => {
      const health = await app.health('StreamMigration', name);
      if (health !== undefined && seen.at(-1) !== health.status) seen.push(health.status);
      return health !== undefined && wanted.includes(health.status) && seen.length > 1 ? true : undefined;
    };
    await app.until('is synced', isSyncedTo(head));
    await eventually(`migration ${name} is ${wanted.join(' or ')} to Argo CD`, look, patienceSeconds, async () => seen);
    return seen;
  }

  async function expectHealth(app: App, name: string, wanted: string, says: RegExp, kind = 'StreamMigration'): Promise<void> {
    let health: Health | undefined;
    const look = async () => {
      health = await app.health(kind, name);
      return health?.status === wanted && says.test(health.message ?? '') ? true : undefined;
    };
    await eventually(`${kind} ${name} is ${wanted} to Argo CD`, look, patienceSeconds, async () => health);
  }

  /** Argo CD looks twice, and neither it nor the operator writes anything. */
  async function rest(when: string): Promise<void> {
    const look = async (): Promise<string> => {
      const apps = await Promise.all([topology.status(), migrations.status()]);
      const syncs = apps.map(({ history, operationState }) => `${history?.length} ${operationState?.startedAt} ${operationState?.retryCount}`);
      return [...syncs, ...(await all()).map(({ kind, metadata: { name, resourceVersion } }) => `${kind}/${name} ${resourceVersion}`)].join('\n');
    };
    let last = '';
    const isQuiet = async () => {
      const now = await look();
      const same = now === last;
      last = now;
      if (!same) await sleep(restMilliseconds, undefined, { signal });
      return same ? true : undefined;
    };
    await eventually('nothing is written any more', isQuiet, patienceSeconds);
    await unharmed(`${when}, and nothing fights`);
  }

  /** What is live is where it was; and no mark of Argo CD has spread to what the operator has made. */
  async function unharmed(when: string): Promise<void> {
    if ((await liveIndex()) !== migrated) throw new Error(`${when}, and the readers are elsewhere`);
    const revisions = await workspace.revisions();
    if (revisions.length === 0 || !revisions.every(isUnmarked))
      throw new Error(`Argo CD has marked Revisions: ${JSON.stringify(revisions.map(({ metadata }) => metadata))}`);
    say(`${when}: nothing that is live is harmed`);
  }

  function migrationOf(name: string, spec: object, annotations: object = {}, digests: Readonly<Record<string, string>> = {}): string {
    const resources = ['Pipeline', 'Stream'].map((kind) => ({ kind, name: 'billed', ...(digests[kind] === undefined ? {} : { digest: digests[kind] }) }));
    const metadata = { name, namespace, annotations };
    return JSON.stringify({ apiVersion: 'grue.dev/v1alpha1', kind: 'StreamMigration', metadata, spec: { resources, ...spec } });
  }
}

const documentsOf = (manifests: string): readonly Document[] => manifests.split('---\n').map((document) => JSON.parse(document) as Document);
const manifestsOf = (documents: readonly Document[]): string => documents.map((document) => `${JSON.stringify(document, null, 2)}\n`).join('---\n');

interface Document {
  readonly kind: keyof typeof kinds;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

const without = (manifests: string, kind: string): string => manifestsOf(documentsOf(manifests).filter((document) => document.kind !== kind));

const annotated = (manifests: string, kind: string, annotations: object): string =>
  manifestsOf(documentsOf(manifests).map((document) => (document.kind === kind ? { ...document, metadata: { ...document.metadata, annotations } } : document)));

/** Of the resources called billed, as the API server will have them: two Applications are synced in any order, and the migration waits for these. */
const digestsOf = (manifests: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    documentsOf(manifests)
      .filter(({ metadata }) => metadata.name === 'billed')
      .map(({ kind, spec }) => [kind, digestOf(kinds[kind].spec.parse(spec))]),
  );

const isUnmarked = ({ metadata: { labels = {}, annotations = {} } }: Revision): boolean =>
  Object.keys({ ...labels, ...annotations }).every((name) => name !== 'app.kubernetes.io/instance' && !name.startsWith('argocd.argoproj.io/'));
