import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Registry } from 'prom-client';
import { assembleOperator } from './assemble.ts';
import { type Clock, steadyClock, systemClock } from './controller/clock.ts';
import { type EndpointOptions, endpoints } from './controller/endpoints.ts';
import type { KubeApi } from './controller/kube/api.ts';
import { kubeClient } from './controller/kube/client.ts';
import { currentNamespace, loadKubeConfig } from './controller/kube/config.ts';
import { isKubeError } from './controller/kube/errors.ts';
import { leaderLease } from './controller/lease.ts';
import type { Logger } from './controller/logger.ts';
import { manager, runtimeChecks } from './controller/manager.ts';
import { runtimeMetrics } from './controller/metrics.ts';
import { checkDefinitions } from './definitions.ts';
import { elasticsearchCluster } from './drivers/elasticsearch/cluster.ts';
import { createSqlEngine } from './drivers/embedded/engine.ts';
import { openKafkaCluster } from './drivers/kafka/cluster.ts';
import { kafkaRegistry } from './drivers/kafka/registry.ts';
import { serverPool } from './platform/servers.ts';
import { namespaces } from './reconcilers/namespace.ts';
import { fieldManager } from './reconcilers/world.ts';
import { tellingRefusals } from './refusals.ts';

export interface OperatorOptions {
  readonly kubeconfig?: string | undefined;
  /** Watched namespace; all of them when absent. */
  readonly namespace?: string | undefined;
  /** Where the Lease lies; the namespace of the pod when absent. */
  readonly leaseNamespace?: string | undefined;
  /** Names this installation in markers, together with the uid of kube-system. */
  readonly installation: string;
  readonly settleMilliseconds: number;
  readonly letGoMilliseconds: number;
  readonly endpoints: EndpointOptions;
  readonly logger: Logger;
  readonly exit: (code: number) => void;
}

const version = '0.1.0';

/** Runs the operator until `stop` aborts: caches, election, controllers. @throws when a part of it fails */
export async function runOperator(options: OperatorOptions, stop: AbortSignal): Promise<void> {
  const { logger } = options;
  const clock = steadyClock(systemClock);
  const registry = new Registry();
  const metrics = runtimeMetrics(registry);
  const config = loadKubeConfig(options.kubeconfig);
  const kube = kubeClient({ config, clock, metrics, userAgent: `grue/${version}` });
  const identity = `${hostname()}-${randomUUID().slice(0, 8)}`;
  const lease = leaderLease({
    api: kube,
    namespace: options.leaseNamespace ?? currentNamespace(config),
    name: 'grue-operator',
    identity,
    fieldManager,
    clock,
    logger,
    metrics,
  });
  const patience = { clock, logger, stop };
  await patiently(() => checkDefinitions(kube, logger, stop), patience);
  const installation = `${options.installation}/${await patiently(() => clusterUid(tellingRefusals(kube), stop), patience)}`;
  const pool = serverPool({
    kube: tellingRefusals(kube),
    clock,
    clientId: 'grue-operator',
    installation,
    openKafka: (settings, prefix) => {
      const kafka = openKafkaCluster(settings);
      return { kafka, registry: kafkaRegistry(kafka, prefix) };
    },
    openSearch: elasticsearchCluster,
  });
  const sql = createSqlEngine();
  const { reflectors, controllers, runnables, events } = assembleOperator({
    kube,
    clock,
    logger,
    metrics,
    sql,
    pool,
    lease,
    selection: options.namespace === undefined ? {} : { namespace: options.namespace },
    identity,
    installation,
    settleMilliseconds: options.settleMilliseconds,
    letGoMilliseconds: options.letGoMilliseconds,
    newId: () => randomUUID().slice(0, 12),
  });
  const checks = runtimeChecks(reflectors, controllers);
  const servers = endpoints(options.endpoints, { checks, registry, kube, fieldManager, logger });
  try {
    await manager({ clock, logger, reflectors, controllers, runnables, servers, lease, events, exit: options.exit }).run(stop);
  } finally {
    await Promise.allSettled([pool.close(), sql.close()]);
    kube.close();
  }
}

/**
 * The uid of kube-system stands for the cluster. Without it two clusters that work on the same servers would be taken for one installation, and
 * each would remove what the other has made.
 */
const clusterUid = async (kube: KubeApi, signal: AbortSignal): Promise<string | undefined> =>
  (await kube.get(namespaces, { name: 'kube-system' }, { signal })).metadata.uid;

interface Patience {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stop: AbortSignal;
}

const askAgainMilliseconds = 2_000;

/** Asks until the API server answers, which may come up after us. @throws the reason of `stop`, and what the server refuses */
async function patiently<T>(ask: () => Promise<T>, { clock, logger, stop }: Patience): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isKubeError(error, 'Unavailable', 'TooManyRequests')) {
        logger.error('the operator cannot start', { error });
        throw error;
      }
      logger.warn('the API server does not answer, asking again', { error });
    }
    await clock.sleep(askAgainMilliseconds, stop);
  }
}
