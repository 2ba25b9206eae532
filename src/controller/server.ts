/**
 * `/healthz`, `/readyz` and `/metrics` over HTTP.
 *
 * Invariants:
 * 1. Loopback unless told otherwise: metrics say more than strangers need to know.
 * 2. 200 only if every check is fine; else 503 with one line per failing check.
 * 3. A check that throws is a failing check.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** What is wrong, in a few words; undefined when nothing is. */
export type Check = () => string | undefined;
export type Checks = Readonly<Record<string, Check>>;

export interface HttpServerOptions {
  readonly host?: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly healthz: Checks;
  readonly readyz: Checks;
  readonly registry: Registry;
}

export interface HttpServer {
  /** @returns the port it listens on. @throws Error when the port is taken */
  start(): Promise<number>;
  stop(): Promise<void>;
}

export function httpServer(options: HttpServerOptions): HttpServer {
  const server = createServer((request, response) => {
    switch (request.url?.split('?')[0]) {
      case '/healthz':
        return answerChecks(response, options.healthz);
      case '/readyz':
        return answerChecks(response, options.readyz);
      case '/metrics':
        return void answerMetrics(response, options.registry);
      default:
        return answer(response, 404, 'not found\n');
    }
  });
  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, options.host ?? '127.0.0.1', () => {
          server.off('error', reject);
          resolve((server.address() as AddressInfo).port);
        });
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

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
