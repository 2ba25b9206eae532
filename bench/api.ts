import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../scripts/processes.ts';
import { kinds } from '../src/api/kinds.ts';
import { request } from '../src/cli/requests.ts';
import { silentLogger } from '../src/controller/logger.ts';
import { openKafkaCluster } from '../src/drivers/kafka/cluster.ts';
import { openProducer } from '../src/drivers/kafka/producer.ts';
import { startStack } from '../test/stack/stack.ts';
import { eventually, phase } from '../test/support/grue.ts';
import { type ApiCall, startApiProxy } from './api-proxy.ts';
import { flight } from './flights.ts';
import { type GrueProcess, openScene, type Scene } from './grue.ts';
import { atMost, number, type Progress, type Section } from './section.ts';
import { applyChain, applyDelays, applyPlatform } from './topology.ts';

export interface ApiFigures {
  /** Requests of the operator for one pass over each kind of settled object, Lease renewals and watches apart. */
  readonly noopCalls: number;
  /** Writes of operator and worker from the apply of a StreamMigration to its end, Lease renewals apart. */
  readonly migrationWrites: number;
  readonly installationWrites: number;
  readonly migrationReads: number;
  readonly migrationConflicts: number;
  /** The writes of the migration by what they write, and how often. */
  readonly writesByKind: Readonly<Record<string, number>>;
}

const WRITES_GOAL = 40;
const TOPIC = 'flights';
const PARTITIONS = 3;
const RECORDS = 20_000;
const MIGRATION = 'delays-in-minutes';
/** Without a change for so long, things are settled. */
const QUIET_MILLISECONDS = 3_000;

/** What Grue asks of the API server, counted on the way between them: for a pass over what is settled, and for a whole migration. */
export async function benchApi(progress: Progress): Promise<Section<ApiFigures>> {
  await using stack = await startStack({ progress });
  await using scene = await openScene(stack, 'api');
  await using proxy = await startApiProxy(stack.kubernetes.kubeconfigPath, join(stack.directory, 'bench-proxy.kubeconfig'));
  await produce(stack.kafka.bootstrapServers);
  const operator = await scene.start('operator', proxy.kubeconfigPath);
  await scene.start('worker', proxy.kubeconfigPath);

  progress('first installation');
  await applyPlatform(scene, stack);
  await applyChain(scene, TOPIC);
  await eventually(
    'documents behind the alias',
    async () => {
      const answer = await fetch(`${stack.elasticsearch.url}/${scene.namespace}-delays/_count`);
      return answer.ok && ((await answer.json()) as { readonly count: number }).count > 0 ? true : undefined;
    },
    120,
  );
  await untilQuiet(proxy.calls);
  const installation = proxy.calls.filter(isWrite);
  await applyDelays(scene, 'duration');
  await untilQuiet(proxy.calls);
  const edit = proxy.calls.filter(isWrite).slice(installation.length);

  progress('one migration, from its apply to Completed, with a manual flip');
  const before = proxy.calls.length;
  await scene.apply('StreamMigration', MIGRATION, {
    resources: [
      { kind: 'Pipeline', name: 'delays' },
      { kind: 'Stream', name: 'delays' },
    ],
    manual: ['Flip'],
    soak: '5s',
  });
  await phase(scene.kube, scene.namespace, MIGRATION, ['AwaitingApproval'], 180);
  await request(scene.kube, { namespace: scene.namespace, name: MIGRATION, verb: 'promote' });
  await phase(scene.kube, scene.namespace, MIGRATION, ['Completed'], 180);
  await untilQuiet(proxy.calls);
  const migration = proxy.calls.slice(before);
  const writes = migration.filter(isWrite);
  keep(writes);

  progress('one pass over each settled object');
  const noopCalls = await callsOfSettledPasses(scene, operator, proxy.calls);
  const writesByKind = countBy(writes, kindOf);
  const figures: ApiFigures = {
    noopCalls,
    migrationWrites: writes.length,
    installationWrites: installation.length,
    migrationReads: migration.filter((call) => isRead(call) && !isWatch(call) && !isLease(call)).length,
    migrationConflicts: migration.filter(isConflict).length,
    writesByKind,
  };
  return {
    figures,
    rows: [
      { what: 'API calls of a pass over a settled object of each kind', observed: number(noopCalls), goal: atMost(noopCalls, 0, '0') },
      {
        what: 'API writes of a whole migration, operator and worker, without Leases',
        observed: number(writes.length),
        goal: atMost(writes.length, WRITES_GOAL, String(WRITES_GOAL)),
      },
      ...Object.entries(writesByKind).map(([kind, count]) => ({ what: `  ${kind}`, observed: number(count) })),
      { what: '  besides: conflicts / reads', observed: `${number(figures.migrationConflicts)} / ${number(figures.migrationReads)}` },
      { what: 'API writes of the first installation / of the edit before the migration', observed: `${number(installation.length)} / ${number(edit.length)}` },
    ],
  };
}

async function produce(bootstrapServers: string): Promise<void> {
  const { signal } = new AbortController();
  const settings = { bootstrapServers: [bootstrapServers], clientId: 'bench' };
  const kafka = openKafkaCluster(settings);
  const producer = openProducer(settings, silentLogger);
  await kafka.createTopic({ name: TOPIC, partitions: PARTITIONS, config: {} }, signal);
  await producer.send(
    TOPIC,
    Array.from({ length: RECORDS }, (_, n) => ({ partition: n % PARTITIONS, key: null, value: JSON.stringify(flight(n)) })),
  );
  await Promise.all([producer.close(), kafka.close()]);
}

const isLease = ({ path }: ApiCall): boolean => path.includes('/leases');
const isRead = ({ method }: ApiCall): boolean => method === 'GET';
const isWrite = (call: ApiCall): boolean => !isRead(call) && !isLease(call) && call.code < 300;
/** Nothing was written, and the writer looks again. */
const isConflict = (call: ApiCall): boolean => !isRead(call) && call.code === 409;
const isWatch = ({ path }: ApiCall): boolean => path.includes('watch=');

/** Who writes what: `grue: status of revisions`. */
function kindOf({ agent, method, path }: ApiCall): string {
  const [, plural = '', , subresource = ''] = /\/namespaces\/[^/]+\/([^/?]+)(\/[^/?]+)?(?:\/([^/?]+))?/.exec(path) ?? [];
  const verb = { POST: 'create', PATCH: 'patch', PUT: 'replace', DELETE: 'delete' }[method] ?? method;
  return `${agent.split('/')[0]}: ${verb} ${plural}${subresource === '' ? '' : `/${subresource}`}`;
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Readonly<Record<string, number>> {
  const counts = [...Map.groupBy(items, keyOf)].map(([key, group]): [string, number] => [key, group.length]);
  return Object.fromEntries(counts.sort(([, a], [, b]) => b - a));
}

/** What each write said, to look at. */
function keep(writes: readonly ApiCall[]): void {
  mkdirSync(join(root, 'out'), { recursive: true });
  const start = writes[0]?.time ?? 0;
  const lines = writes.map((call) => JSON.stringify({ milliseconds: Math.round(call.time - start), what: kindOf(call), path: call.path, body: call.body }));
  writeFileSync(join(root, 'out/bench-api-writes.jsonl'), `${lines.join('\n')}\n`);
}

async function untilQuiet(calls: readonly ApiCall[]): Promise<void> {
  const began = performance.now();
  const last = (): number => Math.max(began, calls.filter((call) => !isLease(call) && !isWatch(call)).at(-1)?.time ?? 0);
  await eventually('nothing more is asked of the API server', async () => (performance.now() - last() > QUIET_MILLISECONDS ? true : undefined), 120);
}

/** Pokes an object of each kind, so that it is looked at again, and waits for the passes. @returns how often the operator called the API server meanwhile */
async function callsOfSettledPasses(scene: Scene, operator: GrueProcess, calls: readonly ApiCall[]): Promise<number> {
  const targets = [
    [kinds.Platform, 'default', 'platform'],
    [kinds.Stream, 'flights', 'topology'],
    [kinds.Pipeline, 'delays', 'topology'],
    [kinds.Connection, 'delays-index', 'topology'],
    [kinds.Revision, 'connection-delays-index-2', 'revision'],
    [kinds.StreamMigration, MIGRATION, 'migration'],
  ] as const;
  const before = calls.length;
  for (const [type, name, controller] of targets) {
    const passes = () => operator.metric('controller_runtime_reconcile_total', { controller });
    const known = await passes();
    await scene.kube.mergePatch(
      type,
      { namespace: scene.namespace, name },
      { metadata: { annotations: { 'bench/poke': `${known}` } } },
      { fieldManager: 'bench' },
    );
    await eventually(`a pass of ${controller} over ${name}`, async () => ((await passes()) > known ? true : undefined), 60);
  }
  await sleep(1_000);
  return calls.slice(before).filter((call) => call.agent.startsWith('grue/') && !isLease(call) && !isWatch(call)).length;
}
