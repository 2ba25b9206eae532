import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { searchClient } from '../../../src/drivers/elasticsearch/client.ts';

/** A server that answers as told, and a client for it. */
async function connected(listener: RequestListener, timeoutMilliseconds: number) {
  const server = createServer((request, response) => {
    response.setHeader('x-elastic-product', 'Elasticsearch');
    response.setHeader('content-type', 'application/json');
    listener(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = searchClient({ url, timeoutMilliseconds });
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Headers and the beginning of a body, and then nothing. */
const stall: RequestListener = (_request, response) => {
  response.writeHead(200);
  response.write('{"never":');
};

describe('a connection', () => {
  test('reads an answer whole, in whatever pieces it comes', async () => {
    const pieces: RequestListener = (_request, response) => {
      const bytes = Buffer.from('{"word":"größe"}');
      response.write(bytes.subarray(0, 12));
      setTimeout(() => response.end(bytes.subarray(12)), 20);
    };
    await using server = await connected(pieces, 1_000);
    expect(await server.client.transport.request({ method: 'GET', path: '/' })).toEqual({ word: 'größe' });
  });

  test('gives up a body that stalls, although the headers were there in time', async () => {
    await using server = await connected(stall, 100);
    await expect(server.client.transport.request({ method: 'GET', path: '/' })).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('gives up a stream that stalls', async () => {
    await using server = await connected(stall, 100);
    const stream = await server.client.transport.request({ method: 'GET', path: '/' }, { asStream: true });
    await expect(text(stream as AsyncIterable<Buffer>)).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('ends with the signal, in the middle of a body too', async () => {
    await using server = await connected(stall, 60_000);
    const stop = new AbortController();
    const answer = server.client.transport.request({ method: 'GET', path: '/' }, { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await expect(answer).rejects.toMatchObject({ name: 'RequestAbortedError' });
  });

  test('that breaks in the middle of a body is an error of the connection', async () => {
    await using server = await connected((_request, response) => {
      response.write('{"half":');
      setTimeout(() => response.destroy(), 20);
    }, 1_000);
    await expect(server.client.transport.request({ method: 'GET', path: '/' })).rejects.toMatchObject({ name: 'ConnectionError' });
  });

  test('leaves nothing behind at a signal that outlives many requests', async () => {
    await using server = await connected((_request, response) => response.end('{}'), 1_000);
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    for (let n = 0; n < 5; n++) await server.client.transport.request({ method: 'GET', path: '/' }, { signal });
    expect(added.mock.calls.length).toBeGreaterThan(0);
    await expect.poll(() => added.mock.calls.length - removed.mock.calls.length).toBe(0);
  });
});
