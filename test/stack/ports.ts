import { createServer } from 'node:net';
import { StackError } from './errors.ts';

/** Where servers listen unless somebody asks for another address. */
export const LOOPBACK = '127.0.0.1';

// Below the range from which kernels take the ports of outgoing connections: a server that is restarted must find its
// port again, and a client's connection could otherwise have taken it in the meantime.
const FIRST = 12_000;
const LAST = 31_999;
const ATTEMPTS = 3;

/** Ports of this address that nobody listens on now, all different. */
export async function freePorts(count: number, host = LOOPBACK): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (!found.has(port) && (await isFree(port, host))) found.add(port);
  }
  return [...found];
}

/** Somebody else may take a port between our look and the server's bind: then once more, with others. */
export async function onFreePorts<T>(count: number, host: string, work: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(await freePorts(count, host));
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof StackError) || error.code !== 'STACK-PORT') throw error;
    }
  }
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code !== 'EADDRNOTAVAIL') return resolve(false);
      reject(
        new StackError(
          'STACK-HOST',
          `this machine has no address ${host}`,
          'the node address of a cluster is there while the cluster is up: `npm run cluster -- up`',
        ),
      );
    });
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
