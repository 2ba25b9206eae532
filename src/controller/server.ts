/**
 * Small HTTP servers for machines: health for the kubelet, metrics for a scraper.
 *
 * Invariants:
 * 1. Loopback unless told otherwise.
 * 2. A check route is 200 only if every check is fine; else 503 with one line per failing check. A check that throws is a failing check.
 * 3. Metrics are collected only for who is admitted.
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** What is wrong, in a few words; undefined when nothing is. */
export type Check = () => string | undefined;
export type Checks = Readonly<Record<string, Check>>;

/** Who may not: 401 says that nobody knows the caller, 403 that the caller lacks the right, 503 that it cannot be found out now. */
export interface Refusal {
  readonly status: 401 | 403 | 503;
  readonly message: string;
}
/** Undefined when the request may pass. */
export type Admit = (request: IncomingMessage) => Promise<Refusal | undefined>;

export type Route = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface HttpServerOptions {
  readonly host?: string;
  /** 0 for any free port. */
  readonly port: number;
  /** By path. */
  readonly routes: Readonly<Record<string, Route>>;
  /** With it the server speaks HTTPS. It is asked again every minute: certificates are renewed while a process runs. */
  readonly certificate?: (() => Certificate) | undefined;
}

export interface HttpServer {
  /** @returns the port it listens on. @throws Error when the port is taken, or the certificate is none */
  start(): Promise<number>;
  stop(): Promise<void>;
}

const RENEW_EVERY_MS = 60_000;

export function httpServer({ host = '127.0.0.1', port, routes, certificate }: HttpServerOptions): HttpServer {
  const listener: RequestListener = (request, response) => {
    const route = routes[request.url?.split('?')[0] ?? ''];
    if (route === undefined) answer(response, 404, 'not found\n');
    else void route(request, response);
  };
  const secure = certificate && createSecureServer(listener);
  const server = secure ?? createServer(listener);
  const renew = () => certificate && secure?.setSecureContext(certificate());
  let renewing: NodeJS.Timeout | undefined;
  return {
    start: () =>
      new Promise((resolve, reject) => {
        renew();
        renewing = setInterval(() => {
          try {
            renew();
          } catch {
            // half of it is written yet: the one that we have is good until the next look
          }
        }, RENEW_EVERY_MS).unref();
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          resolve((server.address() as AddressInfo).port);
        });
      }),
    stop: () =>
      new Promise((resolve) => {
        clearInterval(renewing);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** `/healthz` and `/readyz`. */
export const checkRoutes = ({ healthz, readyz }: { readonly healthz: Checks; readonly readyz: Checks }): Readonly<Record<string, Route>> => ({
  '/healthz': (_, response) => answerChecks(response, healthz),
  '/readyz': (_, response) => answerChecks(response, readyz),
});

/** `/metrics` for everybody, or for those whom `admit` lets pass. */
export const metricsRoute = (registry: Registry, admit?: Admit): Readonly<Record<string, Route>> => ({
  '/metrics': async (request, response) => {
    const refusal = await admit?.(request);
    if (refusal !== undefined) answer(response, refusal.status, `${refusal.message}\n`);
    else await answerMetrics(response, registry);
  },
});

function answerChecks(response: ServerResponse, checks: Checks): void {
  const failing = Object.entries(checks).flatMap(([name, check]) => {
    const wrong = outcome(check);
    return wrong === undefined ? [] : [`${name}: ${wrong}\n`];
  });
  answer(response, failing.length === 0 ? 200 : 503, failing.length === 0 ? 'ok\n' : failing.join(''));
}

function outcome(check: Check): string | undefined {
  try {
    return check();
  } catch (error) {
    return `the check failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function answerMetrics(response: ServerResponse, registry: Registry): Promise<void> {
  try {
    answer(response, 200, await registry.metrics(), registry.contentType);
  } catch {
    answer(response, 500, 'the metrics could not be collected\n');
  }
}

function answer(response: ServerResponse, code: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}
