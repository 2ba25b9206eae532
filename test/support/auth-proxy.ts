import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AuthProxy extends AsyncDisposable {
  readonly url: string;
}

/** Who may pass: a user of Basic authentication, or the bearer of an API key as Elasticsearch has it. */
export type Credentials = { readonly username: string; readonly password: string } | { readonly apiKey: string };

/** A reverse proxy on loopback that asks for credentials, as a secured server in front of which it stands in for would. */
export async function startAuthProxy(target: string, credentials: Credentials): Promise<AuthProxy> {
  const expected =
    'apiKey' in credentials ? `ApiKey ${credentials.apiKey}` : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
  const server = createServer((incoming, outgoing) => {
    if (incoming.headers.authorization !== expected) {
      incoming.resume();
      outgoing.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Basic realm="security"', 'x-elastic-product': 'Elasticsearch' });
      outgoing.end(JSON.stringify({ error: { type: 'security_exception', reason: 'unable to authenticate with the given credentials' }, status: 401 }));
      return;
    }
    const onward = forward(new URL(incoming.url ?? '/', target), { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
