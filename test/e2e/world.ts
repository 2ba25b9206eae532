import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { orAborted } from '../../demo/abort.ts';
import { connectSearch } from '../../demo/search.ts';
import { type Cluster, type Flavour, startCluster } from '../cluster/cluster.ts';
import { buildImage } from '../cluster/image/build.ts';
import { startStack } from '../stack/stack.ts';
import { connectKube } from '../support/grue.ts';
import { canaries } from './canaries.ts';
import { programsOn } from './programs.ts';
import { startReaper } from './reaper.ts';
import { startRecorder } from './recorder.ts';
import { releaseOf } from './release.ts';
import { restrictedNamespace, testValues, type World } from './run.ts';
import type { Release } from './scenario.ts';

export interface WorldOptions {
  readonly flavour: Flavour | undefined;
  /** Where all is written down. */
  readonly record: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface WholeWorld extends World, AsyncDisposable {
  readonly kubernetes: string;
  /** A release for all namespaces with the defaults of the chart, not yet installed. */
  readonly shared: Release;
  /** Stops writing down, and ends everything but the record. */
  endRecord(): Promise<void>;
}

/** Where the release for all namespaces is, and what belongs to no scenario. */
const systemNamespace = 'grue-system';

/** Brings up the cluster and the servers beside it, and gives it the image. What was started is ended when a later part fails. */
export async function startWorld({ flavour, record, say, signal }: WorldOptions): Promise<WholeWorld> {
  await using starting = new AsyncDisposableStack();
  // While these come up they cannot be called off; but when this process ends, so do they.
  const cluster: Cluster = await orAborted(startCluster({ audit: true, progress: say, ...(flavour === undefined ? {} : { flavour }) }), signal);
  starting.defer(() => cluster.stop());
  say(`the cluster is up (${cluster.flavour})`);
  const stack = await orAborted(startStack({ only: ['kafka', 'elasticsearch'], listen: cluster.nodeAddress, progress: say }), signal);
  starting.defer(() => stack.stop());
  say(`Kafka and Elasticsearch listen on ${cluster.nodeAddress}`);
  const built = await buildImage({ progress: say, signal });
  await cluster.loadImage(built);
  const image = { repository: built.slice(0, built.lastIndexOf(':')), tag: built.slice(built.lastIndexOf(':') + 1) };
  say(`the node has the image ${built}`);

  const kube = connectKube(cluster.kubeconfig);
  starting.defer(async () => kube.close());
  const note = (file: string, text: string): void => appendFileSync(join(record, file), `${text}\n`);
  const programs = programsOn({ cluster, note: (text) => note('programs.log', text), signal });
  const search = connectSearch(stack.elasticsearch.url);
  starting.defer(async () => search.close());
  const { gitVersion } = await kube.serverVersion();
  await programs.kubectl(['apply', '--filename', '-'], JSON.stringify(restrictedNamespace(systemNamespace)));
  const tools = `tools-${randomBytes(2).toString('hex')}`;
  await programs.kubectl(['create', 'namespace', tools]);
  const reaper = await startReaper(programs, tools, built);
  const values = { ...testValues(image), scope: 'Cluster' };
  const shared = releaseOf({ name: 'grue', namespace: systemNamespace, values, programs, kube, reaper });
  // the CRDs come with the first release, and before that there is nothing of ours to watch
  await shared.install();
  say('the release for all namespaces is installed');
  const recorder = starting.use(await startRecorder(kube, cluster.kubeconfig, record));

  const { elasticsearch, kafka } = stack;
  const all = starting.move();
  return {
    cluster,
    kubernetes: gitVersion,
    image,
    kube,
    programs,
    servers: {
      bootstrapServers: kafka.bootstrapServers,
      saslBootstrapServers: kafka.saslBootstrapServers,
      elasticsearchUrl: elasticsearch.url,
      address: cluster.nodeAddress,
      search,
    },
    canaries: canaries(),
    reaper,
    note,
    shared,
    say,
    signal,
    endRecord: async () => recorder[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
