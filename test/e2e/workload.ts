import { startReaders } from '../../demo/readers.ts';
import type { Search } from '../../demo/search.ts';
import type { KubeClient } from '../../src/controller/kube/client.ts';
import { silentLogger } from '../../src/controller/logger.ts';
import { openKafkaCluster } from '../../src/drivers/kafka/cluster.ts';
import { kafkajs } from '../../src/drivers/kafka/kafkajs.ts';
import { kafkaRegistry } from '../../src/drivers/kafka/registry.ts';
import { eventually } from '../support/grue.ts';
import { account, isRight } from '../support/workload/audit.ts';
import { startProducing } from '../support/workload/ledger.ts';
import { findAll, leftBehind } from '../support/workload/leftovers.ts';
import { aliasOf, chainAt, givens, namedBy } from '../support/workload/topology.ts';
import { openWorkspace, patienceSeconds, type Written } from '../support/workspace.ts';
import type { Canaries } from './canaries.ts';
import { openGate } from './gate.ts';
import { writeKafkaUser } from './kafka-user.ts';
import type { Programs } from './programs.ts';
import type { Workload, WorkloadOptions } from './scenario.ts';

export interface Servers {
  readonly bootstrapServers: string;
  readonly saslBootstrapServers: string;
  readonly elasticsearchUrl: string;
  /** Of the host, as pods reach it. */
  readonly address: string;
  readonly search: Search;
}

export interface Surroundings {
  readonly namespace: string;
  /** Of all that Grue makes on the servers. */
  readonly prefix: string;
  readonly servers: Servers;
  readonly kube: KubeClient;
  readonly programs: Programs;
  readonly canaries: Canaries;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const chain = 'calls';
/** Small enough that several of them, with the servers and the cluster, leave two processors some air. */
const defaultHistory = 3_000;
const producingPause = 400;
const readsPerRequest = 2;
const readingPause = 120;

/** Makes a topic with a history, users with passwords for both servers, and begins to produce. */
export async function startWorkload(around: Surroundings, { history = defaultHistory, live = true }: WorkloadOptions): Promise<Workload & AsyncDisposable> {
  const { namespace, prefix, servers, kube, programs, canaries, say, signal } = around;
  await using starting = new AsyncDisposableStack();
  const workspace = starting.use(
    await openWorkspace({ kube, namespace, bootstrapServers: [servers.bootstrapServers], elasticsearchUrl: servers.elasticsearchUrl }),
  );
  const username = namespace;
  const gate = starting.use(await openGate({ elasticsearchUrl: servers.elasticsearchUrl, address: servers.address, username, newPassword: canaries.sing }));
  let kafkaPassword = canaries.sing();
  await writeKafkaUser(servers.bootstrapServers, username, kafkaPassword);
  const ledger = await startProducing(workspace, { which: [chain], calls: history, pauseMilliseconds: producingPause });
  starting.defer(() => ledger.stop().catch(() => {}));

  const settings = { bootstrapServers: [servers.bootstrapServers], clientId: 'e2e' };
  const kafka = kafkajs(settings, silentLogger);
  const cluster = openKafkaCluster(settings);
  starting.defer(() => cluster.close());
  const registry = kafkaRegistry(cluster, prefix);
  const alias = aliasOf(namespace, chain);
  let version = 0;
  let readers: ReturnType<typeof startReaders> | undefined;
  starting.defer(async () => readers?.stop());

  const platform: Written = {
    kind: 'Platform',
    name: 'default',
    spec: {
      prefix,
      kafka: { bootstrapServers: [servers.saslBootstrapServers], authentication: { mechanism: 'SCRAM-SHA-512', secretRef: { name: 'kafka' } } },
      elasticsearch: { url: gate.url, authentication: { secretRef: { name: 'search' } } },
    },
  };
  // nothing of blue is kept: its removal is shown too
  const given = givens(namespace, platform, [chain]).map((one) =>
    one.kind === 'Connection' ? { ...one, spec: { ...(one.spec as object), keepVersions: 0 } } : one,
  );
  const resources = (): readonly Written[] => [...given, ...chainAt(chain, version)];
  const secret = (name: string, password: string) => ({
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace } },
    stringData: { username, password },
  });

  const all = starting.move();
  const workload: Workload & AsyncDisposable = {
    workspace,
    alias,
    gate,
    async writeSecrets() {
      for (const one of [secret('kafka', kafkaPassword), secret('search', gate.password())])
        await programs.kubectl(['apply', '--server-side', '--filename', '-'], JSON.stringify(one));
    },
    async changeKafkaPassword() {
      kafkaPassword = canaries.sing();
      await writeKafkaUser(servers.bootstrapServers, username, kafkaPassword);
    },
    applyAll: () => workspace.apply(...resources()),
    manifests: () =>
      resources()
        .map(({ kind, name, spec }) => `${JSON.stringify({ apiVersion: 'grue.dev/v1alpha1', kind, metadata: { name, namespace }, spec }, null, 2)}\n`)
        .join('---\n'),
    async goLive() {
      const missing = async (): Promise<number> => {
        // by their numbers: while one partition still waits, others bring what was produced since
        const { status, text } = await servers.search.ask('GET', `/${alias}/_count?q=number:%3C${history}`);
        return status === 200 ? history - (JSON.parse(text) as { readonly count: number }).count : history;
      };
      await eventually(`${history} documents behind ${alias}`, async () => ((await missing()) <= 0 ? true : undefined), patienceSeconds, missing);
      readers ??= startReaders(
        servers.search,
        alias,
        () => history,
        (what) => say(`A READ THAT IS NOT AS IT SHOULD BE: ${what}`),
        signal,
        { readsPerRequest, paceMilliseconds: readingPause },
      );
    },
    edit: () => {
      version += 1;
    },
    async migrate(name, spec = {}) {
      version += 1;
      await workspace.apply(...chainAt(chain, version));
      await workspace.migrate(name, namedBy(chain), spec);
    },
    async inPhase(name, ...phases) {
      await workspace.inPhase(name, ...phases);
    },
    async nothingLeft() {
      const look = async () => leftBehind(await workspace.revisions(), await findAll(namespace, kafka, registry, servers.search, signal));
      await eventually('nothing stays without a reason', async () => ((await look()).length === 0 ? true : undefined), patienceSeconds, look);
    },
    async settle() {
      await ledger.stop();
      const look = async () => account(await workspace.documents(alias), ledger.amounts(chain));
      const found = await eventually(
        `every record is in one document behind ${alias}`,
        async () => {
          const one = await look();
          return isRight(one) ? one : undefined;
        },
        patienceSeconds,
      ).catch(look);
      await readers?.stop();
      const reads = readers?.log.counts() ?? { total: 0, failed: 0, empty: 0, mixed: 0 };
      const { lost, duplicated, wrong, versions, indices, examples } = found;
      say(`${ledger.records()} records, ${found.documents} documents, ${reads.total} reads`);
      if (!isRight(found)) say(`NOT RIGHT: versions ${versions}, indices ${indices}, ${examples.join('; ')}`);
      const strange = wrong + (versions.length > 1 || indices.length > 1 ? 1 : 0);
      return { lost, duplicated: duplicated + strange, failedReads: reads.failed + reads.empty + reads.mixed };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
  await workload.writeSecrets();
  if (live) {
    await workload.applyAll();
    await workload.goLive();
  }
  return workload;
}
