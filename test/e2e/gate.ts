import { Agent, createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SearchGate } from './scenario.ts';

export interface GateOptions {
  /** What stands behind it, without authentication. */
  readonly elasticsearchUrl: string;
  /** The address to listen on, at a free port. */
  readonly address: string;
  readonly username: string;
  readonly newPassword: () => string;
}

interface Holding {
  readonly like: (method: string, path: string) => boolean;
  readonly caught: PromiseWithResolvers<void>;
  readonly over: PromiseWithResolvers<void>;
}

/** Opens a proxy before Elasticsearch that asks for a password, and can hold requests back. */
export async function openGate({
  elasticsearchUrl,
  address,
  username,
  newPassword,
}: GateOptions): Promise<SearchGate & AsyncDisposable & { password(): string }> {
  let password = newPassword();
  const holdings = new Set<Holding>();
  const agent = new Agent({ keepAlive: true });

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = incoming;
    if (headers.authorization !== `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`) {
      incoming.resume();
      outgoing.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Basic realm="security"', 'x-elastic-product': 'Elasticsearch' });
      outgoing.end(JSON.stringify({ error: { type: 'security_exception', reason: `unable to authenticate user [${username}]` }, status: 401 }));
      return;
    }
    for (const { like, caught, over } of holdings) {
      if (!like(method, url)) continue;
      caught.resolve();
      await over.promise;
      // a client that has gone meanwhile wants nothing any more, and must not get it: its server would have closed the request too
      if (outgoing.destroyed) return;
    }
    const onward = forward(new URL(url, elasticsearchUrl), { method, headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  }

  const server = createServer((incoming, outgoing) => void pass(incoming, outgoing));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${port}`,
    password: () => password,
    changePassword: () => {
      password = newPassword();
    },
    hold(like) {
      const holding: Holding = { like, caught: Promise.withResolvers(), over: Promise.withResolvers() };
      holdings.add(holding);
      return {
        caught: holding.caught.promise,
        letGo: () => {
          holdings.delete(holding);
          holding.over.resolve();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const { over } of holdings) over.resolve();
      agent.destroy();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
