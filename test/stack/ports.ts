import { createServer } from 'node:net';
import { StackError } from './errors.ts';

// Below the range from which kernels take the ports of outgoing connections: a server that is restarted must find its
// port again, and a client's connection could otherwise have taken it in the meantime.
const FIRST = 12_000;
const LAST = 31_999;
const ATTEMPTS = 3;

/** Ports of loopback that nobody listens on now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

/** Somebody else may take a port between our look and the server's bind: then once more, with others. */
export async function onFreePorts<T>(count: number, work: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(await freePorts(count));
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof StackError) || error.code !== 'STACK-PORT') throw error;
    }
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
