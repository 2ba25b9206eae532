import { kinds } from '../../../src/api/kinds.ts';
import { digestOf } from '../../../src/topology/fingerprint.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds } from '../../support/workspace.ts';
import { applicationOf } from './argo-cd-apps.ts';
import { type Course, type Scene, sceneOf } from './argo-cd-scene.ts';

/** A topology and its migrations in two Applications, with self-heal and prune on. */
export async function runCourse(course: Course): Promise<void> {
  const scene = sceneOf(course);
  const before = await goLive(course, scene);
  await editByHand(course, scene, before);
  const live = await migrateInWave(course, scene, before);
  await rollBack(course, scene, live);
  await pruneMigration(course, scene, live);
  await pruneWhatIsLive(course, scene, live);
}

const resources = 'topology/resources.yaml';

async function goLive({ repository, workload, context }: Course, { topology, migrations, ...scene }: Scene): Promise<string> {
  const { kubectl, namespace, say } = context;
  await scene.commit('the topology', { [resources]: workload.manifests(), 'migrations/.gitkeep': '' });
  for (const [example, app] of [['topology', topology] as const, ['migrations', migrations] as const])
    await kubectl(['apply', '--filename', '-'], await applicationOf(example, { name: app.name, repository: repository.url, namespace }));
  await topology.until('is live', scene.isSyncedAndHealthy);
  await workload.goLive();
  await migrations.until('is synced without a migration', scene.isSynced);
  say('a topology from Git is live');
  return scene.liveIndex();
}

async function editByHand({ context: { kubectl, namespace, say } }: Course, { liveIndex }: Scene, before: string): Promise<void> {
  const pipeline = ['gpl', 'billed', '--namespace', namespace];
  const patch = JSON.stringify({ spec: { sql: 'INSERT INTO billed SELECT number, amount, 99 AS version FROM calls' } });
  await kubectl(['patch', ...pipeline, '--type=merge', '--patch', patch]);
  const isHealed = async () => ((await kubectl(['get', ...pipeline, '--output', 'jsonpath={.spec.sql}'])).includes('99') ? undefined : true);
  await eventually('an edit by hand is healed', isHealed, patienceSeconds);
  if ((await liveIndex()) !== before) throw new Error('an edit by hand has changed what is live');
  say('an edit by hand was healed');
}

/** The edit comes first, and waits for its migration; the sync must not wait for it there. */
async function migrateInWave({ workload, context: { namespace, say } }: Course, scene: Scene, before: string): Promise<string> {
  workload.edit();
  const migration = migrationOf({ name: 'in-a-wave', namespace, annotations: { 'argocd.argoproj.io/sync-wave': '1' } }, { soak: '2s' });
  await scene.commit('an edit, and its migration in the last wave', { [resources]: workload.manifests(), 'topology/migration.yaml': migration });
  await scene.topology.until('is synced', scene.isSynced);
  const healths = await scene.follow(scene.topology, 'in-a-wave');
  await workload.inPhase('in-a-wave', 'Completed');
  await scene.topology.until('is synced and Healthy', scene.isSyncedAndHealthy);
  const live = await scene.liveIndex();
  if (live === before || healths.join() !== 'Progressing,Healthy') throw new Error(`readers are on ${live}; the migration was ${healths.join(', ')}`);
  say(`migrated in a wave of the same sync: ${healths.join(', ')}`);
  return live;
}

/** The migration is in an Application of its own, which may be synced before the edit: its digests make it wait. */
async function rollBack({ workload, context: { kubectl, namespace, say } }: Course, scene: Scene, live: string): Promise<void> {
  const { topology, migrations } = scene;
  const name = 'rolled-back';
  const ask = () => migrations.act('rollback', 'StreamMigration', name);
  workload.edit();
  const migration = migrationOf({ name, namespace }, { soak: '1h' }, digestsOf(workload.manifests()));
  await scene.commit('another edit, and its migration', { [resources]: workload.manifests(), [`migrations/${name}.yaml`]: migration });
  await Promise.all([topology, migrations].map((app) => app.until('is synced', scene.isSynced)));
  await workload.inPhase(name, 'Soaking');
  await scene.expectHealth(migrations, ['StreamMigration', name], 'Progressing', /Soaking: readers are on green/);
  const refusal = await ask().then(
    () => 'it was not refused',
    ({ message }: Error) => message,
  );
  if (!/verb .*rollback.* on streammigrations.grue.dev is missing/.test(refusal))
    throw new Error(`the account of Argo CD has no right to roll back, and is told: ${refusal}`);
  await kubectl(['create', 'rolebinding', 'argo-cd', '--namespace', namespace, '--clusterrole=grue-promoter', '--serviceaccount=argocd:argocd-server']);
  await eventually('the account of Argo CD may roll back', () => ask().catch(() => undefined), patienceSeconds);
  await workload.inPhase(name, 'RolledBack');
  await scene.expectHealth(migrations, ['StreamMigration', name], 'Degraded', /RolledBack: rolled back: rollback requested/);
  await scene.expectHealth(topology, ['Pipeline', 'billed'], 'Healthy', /Rejected/);
  await scene.unharmed('rolled back by an action, once the account of Argo CD was let', live);
  say('the health of the migration tells it, and that of the topology is what is live');
}

async function pruneMigration({ workload: { workspace } }: Course, scene: Scene, live: string): Promise<void> {
  await scene.commit('without that migration', { 'migrations/rolled-back.yaml': undefined });
  await scene.migrations.until('has pruned it', scene.isSynced);
  const isGone = async () => ((await workspace.object('StreamMigration', 'rolled-back')) === undefined ? true : undefined);
  await eventually('the migration is gone', isGone, patienceSeconds);
  await scene.topology.until('is Healthy', scene.isSyncedAndHealthy);
  await scene.unharmed('a migration was pruned', live);
}

/** It is refused, then allowed in Git; and it comes back. */
async function pruneWhatIsLive({ workload: { workspace, manifests } }: Course, scene: Scene, live: string): Promise<void> {
  const { topology } = scene;
  const whole = documentsOf(manifests());
  const without = manifestsOf(whole.filter(({ kind }) => kind !== 'Pipeline'));
  const allowed = whole.map((one) =>
    one.kind === 'Pipeline' ? { ...one, metadata: { ...one.metadata, annotations: { 'grue.dev/allow-delete': 'true' } } } : one,
  );

  await scene.commit('without the pipeline', { [resources]: without });
  const refused = await topology.until('is refused to prune what is live', ({ operationState }) => operationState?.phase === 'Failed');
  if (!/grue.dev\/allow-delete/.test(JSON.stringify(refused))) throw new Error(`it failed, and does not say why: ${JSON.stringify(refused)}`);
  await scene.rest('a prune was refused', live);

  await scene.commit('with the pipeline, and leave to remove it', { [resources]: manifestsOf(allowed) });
  await topology.until('is synced', scene.isSynced);
  await scene.commit('without the pipeline', { [resources]: without });
  await topology.until('has pruned it', scene.isSynced);
  const isReleased = async () => {
    const found = (await workspace.revisions()).filter(({ spec }) => spec.of.kind === 'Pipeline' && spec.of.name === 'billed');
    return found.some(({ status }) => status?.conditions?.some(({ type, status: truth }) => type === 'Released' && truth === 'True')) ? true : undefined;
  };
  await eventually('the Revision of the pipeline is released', isReleased, patienceSeconds);
  await scene.unharmed('a live pipeline was pruned', live);

  await scene.commit('with the pipeline again', { [resources]: manifestsOf(whole) });
  await topology.until('is synced and Healthy', scene.isSyncedAndHealthy);
  await scene.rest('the pipeline is back', live);
}

interface Document {
  readonly kind: keyof typeof kinds;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

const documentsOf = (manifests: string): readonly Document[] => manifests.split('---\n').map((document) => JSON.parse(document) as Document);
const manifestsOf = (documents: readonly Document[]): string => documents.map((document) => `${JSON.stringify(document, null, 2)}\n`).join('---\n');

function migrationOf(metadata: object, spec: object, digests: Readonly<Record<string, string>> = {}): string {
  const named = ['Pipeline', 'Stream'].map((kind) => ({ kind, name: 'billed', ...(digests[kind] === undefined ? {} : { digest: digests[kind] }) }));
  return JSON.stringify({ apiVersion: 'grue.dev/v1alpha1', kind: 'StreamMigration', metadata, spec: { resources: named, ...spec } });
}

/** Of the resources called billed, as the API server will have them. */
const digestsOf = (manifests: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    documentsOf(manifests)
      .filter(({ metadata }) => metadata.name === 'billed')
      .map(({ kind, spec }) => [kind, digestOf(kinds[kind].spec.parse(spec))]),
  );
