import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Kafka } from 'kafkajs';
import { root } from '../scripts/processes.ts';
import type { KubeClient } from '../src/controller/kube/client.ts';
import { silentLogger } from '../src/controller/logger.ts';
import { openKafkaCluster } from '../src/drivers/kafka/cluster.ts';
import { kafkajs } from '../src/drivers/kafka/kafkajs.ts';
import type { KafkaCluster } from '../src/drivers/ports.ts';
import { type Stack, startLastingStack, startStack } from '../test/stack/stack.ts';
import { apply, type Grue, startGrue } from '../test/support/grue.ts';
import { orAborted } from './abort.ts';
import { keptName, noteKept } from './keep.ts';
import { connectSearch, type Search } from './search.ts';
import { demoNames, givens, type Names, partitions } from './topology.ts';

/** Where the logs of operator and worker go, and on failure those of the servers. */
export const logDirectory: string = join(root, 'out', 'demo');

/** The servers, Grue on them, and clients of our own. */
export interface World extends AsyncDisposable {
  readonly names: Names;
  readonly stack: Stack;
  readonly kube: KubeClient;
  readonly kafka: Kafka;
  readonly cluster: KafkaCluster;
  readonly search: Search;
  /** Closes our own connections and leaves everything running. */
  leave(): Promise<void>;
}

export interface WorldOptions {
  /** Servers that run already, and are left running; without them a stack of our own is started. */
  readonly servers?: Stack;
  readonly names?: Names;
  readonly keep: boolean;
  /** Told what is done, once it is done. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Called when operator or worker ends by itself. */
  readonly onLoss: (error: Error) => void;
}

/** Brings up Kafka, Elasticsearch, a Kubernetes API server, the operator and a worker. What was started is ended when a later part fails. */
export async function startWorld({ servers, names = demoNames, keep, say, signal, onLoss }: WorldOptions): Promise<World> {
  mkdirSync(logDirectory, { recursive: true });
  for (const name of ['operator', 'worker-1']) rmSync(join(logDirectory, `${name}.log`), { force: true });
  await using cleanup = new AsyncDisposableStack();

  const ours = keep ? () => startLastingStack({ name: keptName, progress: say }) : () => startStack({ progress: say });
  // While it comes up it cannot be called off; but when this process ends, so does it.
  const stack = servers ?? (await orAborted(ours(), signal));
  if (servers === undefined) cleanup.defer(() => stack.stop());
  cleanup.defer(() => copyLogs(stack));
  say('Kafka, Elasticsearch and the Kubernetes API server are up');
  const { kubectl, kubeconfigPath } = stack.kubernetes;
  const crds = join(root, 'crds');
  const run = (...args: readonly string[]) => promisify(execFile)(kubectl, ['--kubeconfig', kubeconfigPath, ...args], { signal });
  await run('apply', '--server-side', '--force-conflicts', '-f', crds);
  await run('wait', '--for=condition=Established', '--timeout=60s', '-f', crds);
  await run('create', 'namespace', names.namespace);

  const grue = await startGrue({ kubeconfigPath, namespace: names.namespace, logDirectory, settle: '1s', lasting: keep });
  cleanup.use(grue);
  watchOver(grue, onLoss);
  if (keep) noteKept([grue.operator, ...grue.workers]);
  say('the resource definitions of Grue are installed, operator and worker run');

  const settings = { bootstrapServers: [stack.kafka.bootstrapServers], clientId: 'demo' };
  const kafka = kafkajs(settings, silentLogger);
  const cluster = openKafkaCluster(settings);
  const search = connectSearch(stack.elasticsearch.url);
  const hangUp = async (): Promise<void> => {
    search.close();
    await cluster.close();
  };
  cleanup.defer(hangUp);
  await cluster.createTopic({ name: names.topic, partitions, config: {} }, signal);
  for (const object of givens(names, { bootstrapServers: stack.kafka.bootstrapServers, elasticsearch: stack.elasticsearch.url }))
    await apply(grue.kube, object);

  const all = cleanup.move();
  return {
    names,
    stack,
    kube: grue.kube,
    kafka,
    cluster,
    search,
    leave: async () => {
      await hangUp();
      grue.kube.close();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function watchOver({ operator, workers }: Grue, onLoss: (error: Error) => void): void {
  for (const [name, child] of [['operator', operator] as const, ...workers.map((worker) => ['worker', worker] as const)]) {
    child.once('exit', (code, killed) => onLoss(new Error(`the ${name} ended by itself (${killed ?? `exit code ${code}`})`)));
  }
}

/** The logs of the servers go away with the stack; after a failure somebody wants to read them. */
function copyLogs(stack: Stack): void {
  for (const { name } of stack.servers()) {
    try {
      copyFileSync(stack.log(name), join(logDirectory, `${name}.log`));
    } catch {
      // a server that has written nothing has no log
    }
  }
}
