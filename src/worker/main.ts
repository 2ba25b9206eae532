import { hostname } from 'node:os';
import { Registry } from 'prom-client';
import { kinds } from '../api/kinds.ts';
import type { Revision } from '../api/revision.ts';
import { systemClock } from '../controller/clock.ts';
import { type EndpointOptions, endpoints } from '../controller/endpoints.ts';
import { type KubeObject, keyOf } from '../controller/kube/api.ts';
import { kubeClient } from '../controller/kube/client.ts';
import { loadKubeConfig } from '../controller/kube/config.ts';
import { type Reflector, reflector } from '../controller/kube/reflector.ts';
import type { Logger } from '../controller/logger.ts';
import { manager, runtimeChecks } from '../controller/manager.ts';
import { runtimeMetrics } from '../controller/metrics.ts';
import { elasticsearchWriter } from '../drivers/elasticsearch/bulk.ts';
import { elasticsearchCluster } from '../drivers/elasticsearch/cluster.ts';
import { openKafkaCluster } from '../drivers/kafka/cluster.ts';
import { groupConsumer } from '../drivers/kafka/consumer.ts';
import { openProducer } from '../drivers/kafka/producer.ts';
import { workerMetrics } from './metrics.ts';
import { type Openers, openStage } from './open.ts';
import { Platforms } from './platforms.ts';
import { Reporter } from './report.ts';
import { Runner } from './run.ts';
import { openTransformEngine } from './transform/engine.ts';

export interface WorkerOptions {
  readonly kubeconfig?: string | undefined;
  /** Watched namespace; all of them when absent. */
  readonly namespace?: string | undefined;
  /** Names this worker in conditions, logs and brokers; the name of the machine when absent, which in a pod is the pod's. */
  readonly id?: string | undefined;
  readonly endpoints: EndpointOptions;
  readonly logger: Logger;
  /** After so long without a heartbeat a worker's partitions go to others. */
  readonly sessionTimeoutMilliseconds?: number | undefined;
  /** Other ways to get at systems, for tests and benchmarks. */
  readonly open?: Partial<Openers> | undefined;
}

export const SESSION_TIMEOUT_MS = 15_000;
/** What one fetch of a stage brings at most. About four times that is held while its batches are worked on. */
export const FETCH_BYTES = 8 * 1024 * 1024;

const realOpeners: Openers = {
  kafka: (settings) => openKafkaCluster(settings),
  consumer: groupConsumer,
  producer: openProducer,
  search: elasticsearchCluster,
  writer: elasticsearchWriter,
};

/**
 * Runs the stages of all Revisions that are wanted to run, until `signal` aborts; then finishes what it is at, commits and leaves its
 * groups, within ten seconds. Any number of workers share the stages.
 */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { logger } = options;
  const clock = systemClock;
  const registry = new Registry();
  const metrics = runtimeMetrics(registry);
  const stages = workerMetrics(registry);
  const kube = kubeClient({ config: loadKubeConfig(options.kubeconfig), clock, metrics, userAgent: 'grue-worker' });
  const selection = options.namespace === undefined ? {} : { namespace: options.namespace };
  const revisions = reflector<Revision & KubeObject>({ api: kube, type: kinds.Revision, clock, logger, metrics, selection });
  const engine = await openTransformEngine();
  const worker = options.id ?? hostname();
  const platforms = new Platforms({ kube, clientId: worker, clock, logger });
  const runner = new Runner({
    revisions: revisions.cache,
    clock,
    logger,
    report: (key) => new Reporter({ kube, type: kinds.Revision, revision: key, worker, clock, logger, onProblem: (problem) => platforms.heard(problem) }),
    open: async (revision, report, stop) => {
      const { name, namespace } = revision.metadata;
      const { settings, outdated } = await platforms.settingsOf(revision, stop);
      const open = await openStage(
        revision,
        {
          open: { ...realOpeners, ...options.open },
          engine,
          settings,
          topicId: (other) => revisions.cache.get(`${namespace}/${other}`)?.status?.uuids?.topicId,
          sessionTimeoutMilliseconds: options.sessionTimeoutMilliseconds ?? SESSION_TIMEOUT_MS,
          fetchBytes: FETCH_BYTES,
          metrics: stages.stage(namespace, name),
          report,
          clock,
          logger: logger.child({ revision: `${namespace}/${name}` }),
        },
        stop,
      );
      return { ...open, outdated };
    },
  });
  const reflectors = [revisions];
  const checks = runtimeChecks(reflectors, []);
  const servers = endpoints(options.endpoints, { checks, registry, kube, fieldManager: 'grue-worker', logger });
  const runnables = [
    { name: 'the stages', run: (stop: AbortSignal) => runStages(runner, revisions, stop) },
    { name: 'the look at Platforms', run: (stop: AbortSignal) => platforms.watch(stop) },
  ];
  try {
    await manager({ clock, logger, reflectors, controllers: [], servers, runnables, exit: () => {} }).run(signal);
  } finally {
    // the manager does not wait as long as a batch that is being delivered may take
    await runner.close();
    engine.close();
    kube.close();
  }
}

async function runStages(runner: Runner, revisions: Reflector<Revision & KubeObject>, signal: AbortSignal): Promise<void> {
  revisions.subscribe({ enqueue: (key) => runner.changed(key) });
  for (const revision of revisions.cache.list()) runner.changed(keyOf(revision.metadata));
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await runner.close();
}
