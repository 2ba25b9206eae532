import { networkInterfaces } from 'node:os';
import { Registry } from 'prom-client';
import { afterEach, expect, test } from 'vitest';
import { type Checks, checkRoutes, type HttpServer, httpServer, metricsRoute } from '../../src/controller/server.ts';

let server: HttpServer;

afterEach(() => server.stop());

const serve = (where: { readonly host?: string; readonly port?: number } = {}, checks = { healthz: {}, readyz: {} }): HttpServer =>
  httpServer({ port: 0, ...where, routes: { ...checkRoutes(checks), ...metricsRoute(new Registry()) } });

async function get(path: string, healthz: Checks = {}, readyz: Checks = {}): Promise<[number, string]> {
  server = serve({}, { healthz, readyz });
  const response = await fetch(`http://127.0.0.1:${await server.start()}${path}`);
  return [response.status, await response.text()];
}

test('200 if every check is fine', async () => {
  expect(await get('/healthz?verbose', { watch: () => undefined })).toEqual([200, 'ok\n']);
});

test('503 with one line per failing check; a check that throws is a failing check', async () => {
  const broken = (): never => {
    throw new Error('a bug');
  };
  const checks = { watch: () => 'nothing heard for 700 s', fine: () => undefined, broken };
  expect(await get('/readyz', {}, checks)).toEqual([503, 'watch: nothing heard for 700 s\nbroken: the check failed: a bug\n']);
});

test('metrics are served, everything else is not found', async () => {
  expect((await get('/metrics'))[0]).toBe(200);
  await server.stop();
  expect((await get('/secrets'))[0]).toBe(404);
});

const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4');

test.skipIf(!outside)('it listens on loopback only, unless told otherwise', async () => {
  server = serve();
  await expect(fetch(`http://${outside?.address}:${await server.start()}/healthz`)).rejects.toThrow();
  await server.stop();
  server = serve({ host: '0.0.0.0' });
  expect((await fetch(`http://${outside?.address}:${await server.start()}/healthz`)).status).toBe(200);
});

test('a port that is taken is an error', async () => {
  server = serve();
  const second = serve({ port: await server.start() });
  await expect(second.start()).rejects.toThrow('EADDRINUSE');
  await second.stop();
});
