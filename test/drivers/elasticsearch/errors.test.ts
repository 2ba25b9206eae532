import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { searchClient } from '../../../src/drivers/elasticsearch/client.ts';
import { allShards, noFailedShard, reasonOf, request } from '../../../src/drivers/elasticsearch/errors.ts';

const signal = new AbortController().signal;

/** What becomes of a request that is answered like this. */
async function errorOf(status: number, body: string, genuine = true): Promise<unknown> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...(genuine ? { 'x-elastic-product': 'Elasticsearch' } : {}) }).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const client = searchClient({ url: `http://user:secret@127.0.0.1:${(server.address() as AddressInfo).port}` });
  try {
    return await request('asking', signal, () => client.cluster.health()).catch((error: unknown) => error);
  } finally {
    await client.close();
    server.closeAllConnections();
    server.close();
  }
}

const said = (error: object, status = 400): string => JSON.stringify({ error, status });

describe('an answer that refuses', () => {
  test.each([
    [401, said({ type: 'security_exception', reason: 'no' }, 401), 'GRUE-PLT-005'],
    [403, said({ type: 'security_exception', reason: 'no' }, 403), 'GRUE-PLT-005'],
    [400, said({ type: 'illegal_argument_exception', reason: 'no' }), 'GRUE-ES-006'],
    [404, said({ type: 'index_not_found_exception', reason: 'no' }), 'GRUE-ES-006'],
    [429, said({ type: 'circuit_breaking_exception', reason: 'no' }), 'GRUE-ES-006'],
    [500, said({ type: 'illegal_state_exception', reason: 'no' }), 'GRUE-ES-006'],
    [503, said({ type: 'master_not_discovered_exception', reason: null }), 'GRUE-PLT-003'],
    [503, said({ type: 'process_cluster_event_timeout_exception', reason: 'no' }), 'GRUE-PLT-003'],
    [500, '', 'GRUE-PLT-003'],
    [502, '', 'GRUE-PLT-003'],
    [504, '{}', 'GRUE-PLT-003'],
  ])('with status %i and %s has the code %s', async (status, body, code) => {
    expect(await errorOf(status, body)).toMatchObject({ code, message: expect.stringMatching(/^asking: ./) });
  });

  test('names the shard that failed', async () => {
    const failed_shards = [{ shard: 3, index: 'delays', reason: { type: 'x', reason: 'the disk is gone' } }];
    const error = await errorOf(503, said({ type: 'search_phase_execution_exception', reason: 'all shards failed', failed_shards }, 503));
    expect(error).toMatchObject({ code: 'GRUE-ES-006', message: 'asking: shard 3 of delays failed: the disk is gone' });
  });

  test('by something that is not Elasticsearch is unreachable', async () => {
    expect(await errorOf(200, '{}', false)).toMatchObject({ code: 'GRUE-PLT-003', message: 'asking: what answers is not Elasticsearch' });
  });

  test('shows no credentials', async () => {
    const error = (await errorOf(400, said({ type: 'x', reason: 'no' }))) as Error;
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('secret');
  });
});

test('an answer that is no JSON is a refused request, not a crash', async () => {
  expect(await errorOf(200, '<html>')).toMatchObject({ code: 'GRUE-PLT-003' });
});

test('a mistake of ours stays what it is', async () => {
  const mistake = new TypeError('a bug');
  await expect(request('asking', signal, () => Promise.reject(mistake))).rejects.toBe(mistake);
});

describe('the reason', () => {
  test('is the outermost and the innermost, without repetition', () => {
    expect(reasonOf({ reason: 'failed', caused_by: { reason: 'in between', caused_by: { reason: 'the cause' } } })).toBe('failed: the cause');
    expect(reasonOf({ reason: 'failed: the cause', caused_by: { reason: 'the cause' } })).toBe('failed: the cause');
  });

  test('is the type when there is nothing else', () => {
    expect(reasonOf({ type: 'some_exception', reason: null })).toBe('some_exception');
  });
});

describe('shards', () => {
  test('a search from some of the shards is no answer', () => {
    expect(() => allShards('counting', { total: 2, successful: 1, failed: 0 })).toThrow('1 of 2 shards did not answer');
    expect(() => allShards('counting', { total: 2, successful: 1, failed: 1 })).toThrow('1 of 2 shards failed');
    expect(() => allShards('counting', { total: 2, successful: 2, failed: 0 })).not.toThrow();
  });

  test('a refresh need not reach replicas that are nowhere', () => {
    expect(() => noFailedShard('refreshing', { total: 2, successful: 1, failed: 0 })).not.toThrow();
    expect(() => noFailedShard('refreshing', { total: 2, successful: 0, failed: 0 })).toThrow('2 of 2 shards failed');
  });
});
