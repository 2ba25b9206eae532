import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a bad network, or a server that dies at the wrong moment, does to one request. */
export type Fault =
  /** The connection is cut before the server has seen the request. */
  | { readonly kind: 'DropRequest' }
  /** The server has the request and does it; the connection is cut instead of the answer. */
  | { readonly kind: 'DropResponse' }
  /** The request reaches the server only then, even if the client has gone by that time. */
  | { readonly kind: 'HoldRequest'; readonly until: Promise<void> }
  | { readonly kind: 'DelayResponse'; readonly milliseconds: number }
  /** Nothing is forwarded and nothing comes back; the connection stays open. */
  | { readonly kind: 'Blackhole' }
  /** HTTP only: a gateway answers instead of the server. */
  | { readonly kind: 'Status'; readonly status: number };

export interface FlakyProxy extends AsyncDisposable {
  readonly port: number;
  /** Address for HTTP; other protocols take the port. */
  readonly url: string;
  /**
   * Lets the next requests fail.
   *
   * @param when chooses requests by their start, of which some text must be a part (`POST /_aliases`); all without
   * @param times how many; all without
   */
  inject(fault: Fault, options?: { readonly when?: string | ((start: string) => boolean); readonly times?: number }): void;
  /**
   * Connections that are open now, and whose last request has this text in its start, are silent from now on, both ways, and stay open:
   * as behind a firewall that has forgotten them. New connections pass.
   * @returns how many
   */
  silence(text?: string): number;
  /** From now on everything passes. Connections that hang stay so. */
  heal(): void;
  /** How often a fault has struck. */
  readonly struck: number;
  /** Starts of the requests that came in, as text (HTTP: the request lines), whether forwarded or not. */
  readonly requests: readonly string[];
}

interface Armed {
  readonly fault: Fault;
  readonly when: (start: string) => boolean;
  left: number;
}

/** A proxy on loopback for one TCP address. Knows no protocol: a request is what a client sends after it got an answer. */
export async function startFlakyProxy(target: { readonly host: string; readonly port: number }): Promise<FlakyProxy> {
  let armed: Armed | undefined;
  let struck = 0;
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const connections = new Set<{ lastStart: string; silent: boolean }>();

  const strike = (start: string): Fault | undefined => {
    if (armed === undefined || armed.left === 0 || !armed.when(start)) return undefined;
    armed.left--;
    struck++;
    return armed.fault;
  };

  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    let current: Fault | undefined;
    let answered = true;
    const connection = { lastStart: '', silent: false };
    connections.add(connection);
    /** Chunks keep their order while one of them is held back. */
    let toServer = Promise.resolve();
    let toClient = Promise.resolve();
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };

    client.on('data', (chunk) => {
      if (connection.silent) return;
      if (answered) {
        const start = chunk.toString('latin1', 0, 200);
        connection.lastStart = start;
        requests.push(start.split('\r\n', 1)[0] ?? '');
        current = strike(start);
        answered = false;
        if (current?.kind === 'DropRequest') return cut();
        if (current?.kind === 'Status') {
          client.end(`HTTP/1.1 ${current.status} Injected\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
          return;
        }
        if (current?.kind === 'HoldRequest') toServer = current.until;
      }
      if (current?.kind === 'Blackhole' || current?.kind === 'Status') return;
      toServer = toServer.then(() => void upstream.write(chunk));
    });
    upstream.on('data', (chunk) => {
      if (connection.silent) return;
      answered = true;
      if (current?.kind === 'DropResponse') return cut();
      if (current?.kind === 'DelayResponse') {
        toClient = sleep(current.milliseconds);
        current = undefined;
      }
      toClient = toClient.then(() => void client.write(chunk));
    });
    client.on('close', () => {
      connections.delete(connection);
      void toServer.then(() => upstream.end());
    });
    upstream.on('close', () => void toClient.then(() => client.destroy()));
  });

  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    get struck() {
      return struck;
    },
    inject: (fault, { when = '', times = Number.POSITIVE_INFINITY } = {}) => {
      armed = { fault, when: typeof when === 'string' ? (start) => start.includes(when) : when, left: times };
    },
    silence: (text = '') => {
      const chosen = [...connections].filter(({ lastStart, silent }) => !silent && lastStart.includes(text));
      for (const connection of chosen) connection.silent = true;
      return chosen.length;
    },
    heal: () => {
      armed = undefined;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
