import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StackError } from './errors.ts';
import type { ControlAnswer, ControlRequest } from './protocol.ts';

export interface ControlServer {
  readonly path: string;
  readonly close: () => void;
}

/** Listens for requests about single servers. Only the user's own processes can reach the socket. */
export async function serveControl(directory: string, obey: (request: ControlRequest) => Promise<void>): Promise<ControlServer> {
  const path = socketPath(directory);
  await rm(path, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    let line = '';
    socket.setEncoding('utf8').on('data', async (chunk: string) => {
      line += chunk;
      if (!line.endsWith('\n')) return;
      socket.end(`${JSON.stringify(await answer(line, obey))}\n`);
    });
  });
  const umask = process.umask(0o077);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  }).finally(() => process.umask(umask));
  return { path, close: () => server.close() };
}

async function answer(line: string, obey: (request: ControlRequest) => Promise<void>): Promise<ControlAnswer> {
  try {
    await obey(JSON.parse(line) as ControlRequest);
    return { ok: true };
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  }
}

/** Asks a keeper, and waits until it is done. @throws StackError STACK-STATE */
export async function askKeeper(path: string, request: ControlRequest): Promise<void> {
  const line = await new Promise<string>((resolve, reject) => {
    let received = '';
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('error', reject).on('close', () => resolve(received));
  });
  if (line === '') throw new StackError('STACK-STATE', `the stack ended during "${request.verb} ${request.server}"`);
  const said = JSON.parse(line) as ControlAnswer;
  if (!said.ok) throw new StackError('STACK-STATE', said.message);
}

/** Socket paths are limited to about 100 bytes, which a state directory may exceed. */
function socketPath(directory: string): string {
  const id = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  return join(tmpdir(), `grue-stack-${id}.sock`);
}
