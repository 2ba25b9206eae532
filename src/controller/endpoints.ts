import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import type { KubeApi } from './kube/api.ts';
import type { Logger } from './logger.ts';
import type { RuntimeChecks } from './manager.ts';
import { admitScrapers } from './scrapers.ts';
import { checkRoutes, type HttpServer, httpServer, metricsRoute } from './server.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where a process answers the kubelet and scrapers. */
export interface EndpointOptions {
  /** Of health; and of metrics, if it is on loopback and they have no address of their own. */
  readonly listen: Address;
  readonly metricsListen?: Address | undefined;
  /** Holds `tls.crt` and `tls.key`, as a mounted Secret of type kubernetes.io/tls does: metrics are served over HTTPS then. */
  readonly metricsTlsDirectory?: string | undefined;
}

interface EndpointParts {
  readonly checks: RuntimeChecks;
  readonly registry: Registry;
  readonly kube: Pick<KubeApi, 'create'>;
  readonly fieldManager: string;
  readonly logger: Logger;
}

/** The servers of one process. Metrics say more than strangers need to know: beyond loopback only who may read them gets them. */
export function endpoints(options: EndpointOptions, { checks, registry, kube, fieldManager, logger }: EndpointParts): readonly HttpServer[] {
  const { listen, metricsListen, metricsTlsDirectory: directory } = options;
  const routes = checkRoutes(checks);
  if (metricsListen === undefined) return [httpServer({ ...listen, routes: isLoopback(listen) ? { ...routes, ...metricsRoute(registry) } : routes })];
  const admit = isLoopback(metricsListen) ? undefined : admitScrapers(kube, fieldManager, logger);
  const certificate =
    directory === undefined
      ? undefined
      : () => ({ cert: readFileSync(join(directory, 'tls.crt'), 'utf8'), key: readFileSync(join(directory, 'tls.key'), 'utf8') });
  return [httpServer({ ...listen, routes }), httpServer({ ...metricsListen, routes: metricsRoute(registry, admit), certificate })];
}

const isLoopback = ({ host }: Address): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');
