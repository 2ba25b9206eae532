import { mkdtempSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EndpointOptions, endpoints } from '../../src/controller/endpoints.ts';
import type { KubeObject, ResourceType } from '../../src/controller/kube/api.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import type { HttpServer } from '../../src/controller/server.ts';
import { issueServer, makeAuthority } from '../stack/kubernetes/certificates.ts';
import { recordingLogger } from '../support/recording-logger.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const EVERYWHERE = { host: '0.0.0.0', port: 0 };

let servers: readonly HttpServer[] = [];
let asked: KubeObject[];
let logger: ReturnType<typeof recordingLogger>;
beforeEach(() => {
  asked = [];
  logger = recordingLogger();
});
afterEach(() => Promise.all(servers.map((server) => server.stop())));

/** Knows the token of prometheus, who may read metrics, and that of mallory, who may not. */
async function create<T extends KubeObject>({ kind }: ResourceType, object: T): Promise<T> {
  asked.push(object);
  const { token, user } = object.spec as { token: string; user: string };
  if (token === 'breaks') throw new KubeError('Forbidden', 'create tokenreviews: the account grue may not');
  const username = { p: 'prometheus', m: 'mallory' }[token];
  const status = kind === 'TokenReview' ? { authenticated: username !== undefined, user: { username, groups: ['g'] } } : { allowed: user === 'prometheus' };
  return { ...object, status };
}

async function start(options: EndpointOptions): Promise<readonly number[]> {
  const checks = { healthz: {}, readyz: {} };
  servers = endpoints(options, { checks, registry: new Registry(), kube: { create }, fieldManager: 'test', logger });
  return Promise.all(servers.map((server) => server.start()));
}

async function status(port: number | undefined, path: string, token?: string): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  await response.text();
  return response.status;
}

describe('metrics', () => {
  test('are beside health while that is on loopback', async () => {
    const [port] = await start({ listen: LOOPBACK });
    expect([await status(port, '/healthz'), await status(port, '/metrics')]).toEqual([200, 200]);
  });

  test('are not beside health beyond loopback, where anybody could read them', async () => {
    const [port] = await start({ listen: EVERYWHERE });
    expect([await status(port, '/healthz'), await status(port, '/metrics')]).toEqual([200, 404]);
  });

  test('on a loopback address of their own are for everybody there', async () => {
    const [health, metrics] = await start({ listen: EVERYWHERE, metricsListen: LOOPBACK });
    expect([await status(health, '/metrics'), await status(metrics, '/metrics'), await status(metrics, '/healthz')]).toEqual([404, 200, 404]);
    expect(asked).toEqual([]);
  });

  test('beyond loopback are for those whom the API server knows and lets', async () => {
    const [, port] = await start({ listen: LOOPBACK, metricsListen: EVERYWHERE });
    expect(await status(port, '/metrics')).toBe(401);
    expect(await status(port, '/metrics', 'unknown')).toBe(401);
    expect(await status(port, '/metrics', 'm')).toBe(403);
    expect(await status(port, '/metrics', 'p')).toBe(200);
    expect(asked.at(-1)?.spec).toEqual({ user: 'prometheus', groups: ['g'], nonResourceAttributes: { path: '/metrics', verb: 'get' } });
  });

  test('are refused while nobody can say who asks; the log says why, and has no token', async () => {
    const [, port] = await start({ listen: LOOPBACK, metricsListen: EVERYWHERE });
    expect(await status(port, '/metrics', 'breaks')).toBe(503);
    expect(JSON.stringify(logger.lines)).toContain('a scraper could not be looked up');
    expect(JSON.stringify(logger.lines)).not.toContain('breaks');
  });

  test('are served over HTTPS with the certificate of the directory', async () => {
    const authority = makeAuthority('test');
    const { certificate, key } = issueServer(authority, ['localhost'], ['127.0.0.1']);
    const directory = mkdtempSync(join(tmpdir(), 'grue-tls-'));
    writeFileSync(join(directory, 'tls.crt'), certificate);
    writeFileSync(join(directory, 'tls.key'), key);
    const [, port] = await start({ listen: LOOPBACK, metricsListen: LOOPBACK, metricsTlsDirectory: directory });
    const ca = authority.certificate;
    const answer = await new Promise((resolve, reject) =>
      request({ host: '127.0.0.1', port, path: '/metrics', ca }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end(),
    );
    expect(answer).toBe(200);
  });

  test('cannot be served with a certificate that is not there, and the process says so', async () => {
    await expect(start({ listen: LOOPBACK, metricsListen: LOOPBACK, metricsTlsDirectory: '/nowhere' })).rejects.toThrow('/nowhere/tls.crt');
  });
});
