import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { searchClient } from '../../../src/drivers/elasticsearch/client.ts';
import { openView } from '../../../src/drivers/elasticsearch/view.ts';

test('a view that nobody closes, because its operator was killed, is forgotten within two minutes: a teardown waits for open searches', async () => {
  const asked: URL[] = [];
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://localhost'));
    response.writeHead(404, { 'x-elastic-product': 'Elasticsearch', 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { type: 'index_not_found_exception', reason: 'no such index' }, status: 404 }));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const client = searchClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, timeoutMilliseconds: 1_000 });
  await expect(openView(client, 'blue', 'uuid', new AbortController().signal)).rejects.toMatchObject({ code: 'GRUE-ES-005' });
  expect(asked.map(({ pathname, searchParams }) => [pathname, searchParams.get('keep_alive')])).toEqual([['/blue/_pit', '2m']]);
  await client.close();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});
