import { assembleOperator } from '../../src/assemble.ts';
import { steadyClock } from '../../src/controller/clock.ts';
import { leaderLease } from '../../src/controller/lease.ts';
import type { Logger } from '../../src/controller/logger.ts';
import { manager } from '../../src/controller/manager.ts';
import type { ControllerMetrics, ReflectorMetrics, RuntimeMetrics } from '../../src/controller/metrics.ts';
import type { SqlEngine } from '../../src/drivers/ports.ts';
import { serverPool } from '../../src/platform/servers.ts';
import { fieldManager } from '../../src/reconcilers/world.ts';
import type { KubeStore } from '../support/kube-store.ts';
import { chances } from './chance.ts';
import { type ChokePoint, guardedKafka, guardedRegistry, guardedSearch } from './effects.ts';
import { guardedKube, type KubeManners } from './kube.ts';
import type { Mutation } from './mutations.ts';
import type { Process } from './process.ts';
import type { MemoryKafka } from './world/kafka.ts';
import type { MemorySearch } from './world/search.ts';

export interface OperatorWorld {
  readonly store: KubeStore;
  readonly kafka: MemoryKafka;
  readonly search: MemorySearch;
  readonly sql: SqlEngine;
  readonly choke: ChokePoint;
  readonly manners: KubeManners;
  readonly logger: Logger;
  readonly seed: number;
  /** Whether it has to hold the lease to act. */
  readonly elected: boolean;
  readonly mutation: Mutation | undefined;
}

const nothing = (): void => {};
const controllerMetrics: ControllerMetrics = {
  passed: nothing,
  panicked: nothing,
  timedOut: nothing,
  active: nothing,
  queue: { added: nothing, retried: nothing, taken: nothing, done: nothing },
  observeQueue: nothing,
};
const reflectorMetrics: ReflectorMetrics = { listed: nothing, watched: nothing, failed: nothing, silent: nothing, observe: nothing };
/** Nobody scrapes, and a registry would keep every operator of every run alive. */
const metrics = {
  controller: () => controllerMetrics,
  reflector: () => reflectorMetrics,
  request: nothing,
  leading: nothing,
  event: nothing,
} as unknown as RuntimeMetrics;

/** The real operator, but for the vendors' clients: it knows nothing but what the stored objects and the servers tell it. */
export function runSimulatedOperator(world: OperatorWorld, process: Process): void {
  const { store, kafka, search, sql, choke, manners, seed } = world;
  const breakage = world.mutation?.breaks() ?? {};
  const broken = <Port>(port: Port, breaks: ((sound: Port) => Port) | undefined): Port => breaks?.(port) ?? port;
  const { name: identity } = process;
  const clock = steadyClock(process.clock);
  const random = chances(seed + identity.length + [...identity].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7));
  const logger = guardedLogger(world.logger, process);
  const kube = broken(guardedKube(store, process, choke, manners), breakage.kube);
  const installation = 'grue/simulated';
  const pool = serverPool({
    kube,
    clock,
    clientId: identity,
    installation,
    openKafka: (_settings, prefix) => ({
      kafka: broken(guardedKafka(kafka.cluster, process, choke), breakage.kafka),
      registry: guardedRegistry(kafka.registry(prefix), process, choke),
    }),
    openSearch: () => broken(guardedSearch(search.cluster, process, choke), breakage.search),
  });
  const lease = world.elected
    ? leaderLease({ api: kube, namespace: 'grue-system', name: 'grue-operator', identity, fieldManager, clock, logger, metrics, random })
    : undefined;
  let ids = 0;
  const parts = assembleOperator({
    kube,
    clock,
    logger,
    metrics,
    sql,
    pool,
    ...(lease ? { lease } : {}),
    selection: {},
    identity,
    installation,
    settleMilliseconds: 1_000,
    letGoMilliseconds: 600_000,
    newId: () => {
      ids += 1;
      return `${identity}-${ids}`;
    },
    random,
  });
  const running = manager({ clock, logger, ...parts, ...(lease ? { lease } : {}), exit: () => process.kill() }).run(new AbortController().signal);
  running.catch((error: unknown) => {
    logger.error('the operator ended', { error });
    process.kill();
  });
}

function guardedLogger(logger: Logger, process: Process): Logger {
  const say =
    (level: 'debug' | 'info' | 'warn' | 'error'): Logger['info'] =>
    (message, fields) => {
      if (!process.dead) logger[level](message, { process: process.name, ...fields });
    };
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error'), child: (fields) => guardedLogger(logger.child(fields), process) };
}
