import { type AddressInfo, createServer, type Socket } from 'node:net';
import { metadataV12 } from '@platformatic/kafka';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { GrueError } from '../../../src/api/errors.ts';
import { Wire } from '../../../src/drivers/kafka/wire.ts';

const PATIENCE_MS = 400;
const signal = new AbortController().signal;

/** A server that behaves in its own way, and how often it was connected to. */
async function server(behave: (socket: Socket) => void): Promise<{ address: string; connections: () => number }> {
  const sockets: Socket[] = [];
  const listening = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    behave(socket);
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    listening.close();
  });
  return { address: `127.0.0.1:${(listening.address() as AddressInfo).port}`, connections: () => sockets.length };
}

function wireTo(...bootstrapServers: string[]): Wire {
  const wire = new Wire({ bootstrapServers, clientId: 'test' }, PATIENCE_MS);
  onTestFinished(() => wire.close());
  return wire;
}

const ask = (wire: Wire, s = signal) => wire.persist(s, (attempt) => attempt.ask('any', metadataV12.api, [], false));
const failure = (wire: Wire): Promise<GrueError> =>
  ask(wire).then(
    () => {
      throw new Error('it was answered');
    },
    (error) => error,
  );

const API_VERSIONS = 18;
const METADATA = 3;

/** Answers ApiVersions with these ranges, and leaves all else to `then`. */
const speaks =
  (ranges: readonly (readonly [key: number, min: number, max: number])[], then: (request: Buffer, socket: Socket) => void = () => {}) =>
  (socket: Socket): void => {
    socket.on('data', (request) => {
      if (request.readInt16BE(4) !== API_VERSIONS) return then(request, socket);
      const body = Buffer.alloc(4 + 2 + 1 + 7 * ranges.length + 4 + 1);
      let at = request.copy(body, 0, 8, 12) + 2;
      at = body.writeUInt8(ranges.length + 1, at);
      for (const range of ranges) at = range.reduce((i, n) => body.writeInt16BE(n, i), at) + 1;
      reply(socket, body);
    });
  };

/** Answers Metadata v12: no throttling, no brokers, an empty cluster id, controller 0, no topics. */
const metadata = (request: Buffer, socket: Socket): void =>
  reply(socket, Buffer.concat([request.subarray(8, 12), Buffer.from([0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0])]));

function reply(socket: Socket, body: Buffer): void {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  socket.write(Buffer.concat([length, body]));
}

describe('a cluster that cannot be reached', () => {
  test('is an error within the patience that names the address and the reason', async () => {
    const { address } = await server(() => {});
    const closed = address.replace(/\d+$/, '1');
    const began = performance.now();
    expect(await failure(wireTo(closed))).toMatchObject({
      code: 'GRUE-PLT-002',
      message: `Kafka at ${closed} cannot be reached: connect ECONNREFUSED ${closed}`,
    });
    expect(performance.now() - began).toBeLessThan(PATIENCE_MS + 200);
  });

  test('may be one that accepts and never answers', async () => {
    const { address } = await server(() => {});
    const began = performance.now();
    expect(await failure(wireTo(address))).toMatchObject({ code: 'GRUE-PLT-002' });
    expect(performance.now() - began).toBeLessThan(PATIENCE_MS + 200);
  });

  test('may be one that hangs up, and is tried again meanwhile', async () => {
    const { address, connections } = await server((socket) => socket.end());
    expect(await failure(wireTo(address))).toMatchObject({ code: 'GRUE-PLT-002' });
    expect(connections()).toBeGreaterThan(1);
  });

  test('may be one that speaks something else', async () => {
    const { address } = await server((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await failure(wireTo(address))).toMatchObject({ code: 'GRUE-PLT-002' });
  });

  test('may be one that wants TLS, and the message says so', async () => {
    const alert = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46]);
    const { address } = await server((socket) => socket.on('data', () => socket.write(alert)));
    expect(await failure(wireTo(address))).toMatchObject({ code: 'GRUE-PLT-002', message: expect.stringContaining('TLS') });
  });
});

describe('a cluster of several brokers', () => {
  test('is found through any of its addresses', async () => {
    const { address } = await server(speaks([[METADATA, 0, 12]], metadata));
    expect(await ask(wireTo('127.0.0.1:1', address))).toMatchObject({ brokers: [], clusterId: '' });
  });

  test('answers although one of them is silent, and that one is not asked first again', async () => {
    const silent = await server(speaks([[METADATA, 0, 12]]));
    const other = await server(speaks([[METADATA, 0, 12]], metadata));
    const wire = wireTo(silent.address, other.address);
    expect(await ask(wire)).toMatchObject({ clusterId: '' });
    const began = performance.now();
    for (let i = 0; i < 10; i++) await ask(wire);
    expect(performance.now() - began).toBeLessThan(100);
    expect([silent.connections(), other.connections()]).toEqual([1, 1]);
  });
});

test('a request with an effect is sent once, and an answer that does not come is told as such', async () => {
  for (const answer of [() => {}, (_: Buffer, socket: Socket) => socket.destroy()]) {
    const requests: Buffer[] = [];
    const { address } = await server(
      speaks([[METADATA, 0, 12]], (request, socket) => {
        requests.push(request);
        answer(request, socket);
      }),
    );
    const commanded = wireTo(address).persist(signal, (attempt) => attempt.command('any', metadataV12.api, [], false));
    await expect(commanded).rejects.toMatchObject({ code: 'GRUE-PLT-002', message: expect.stringContaining('may have been carried out') });
    expect(requests).toHaveLength(1);
  }
});

test('a question that is asked when the wire has been closed fails', async () => {
  const { address } = await server(speaks([[METADATA, 0, 12]], metadata));
  const wire = wireTo(address);
  await ask(wire);
  await wire.close();
  expect(await failure(wire)).toMatchObject({ code: 'GRUE-PLT-002' });
});

test('a broker that is too old is told which request it lacks', async () => {
  const { address } = await server(speaks([[METADATA, 0, 9]]));
  expect(await failure(wireTo(address))).toMatchObject({
    code: 'GRUE-KFK-008',
    message: expect.stringContaining('version 12 of Metadata (it speaks 0 to 9)'),
    fix: expect.stringContaining('3.1'),
  });
});

test('an aborted signal ends the wait at once, with its reason', async () => {
  const { address } = await server(() => {});
  const controller = new AbortController();
  const reason = new Error('enough');
  setTimeout(() => controller.abort(reason), 20);
  const began = performance.now();
  await expect(ask(wireTo(address), controller.signal)).rejects.toBe(reason);
  expect(performance.now() - began).toBeLessThan(200);
});

test('after an abort nothing is sent, although the question had not come to its effect yet', async () => {
  const { address } = await server(speaks([[METADATA, 0, 12]]));
  const controller = new AbortController();
  const sent: string[] = [];
  const asked = wireTo(address).persist(controller.signal, async (attempt) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const sending = attempt.command('any', metadataV12.api, [], false);
    await sending.catch((error) => sent.push(`not sent: ${error.message}`));
  });
  controller.abort(new Error('enough'));
  await asked.catch(() => {});
  expect(sent).toEqual(['not sent: enough']);
});

test('a wire that was never asked anything connects to nothing, and closes', async () => {
  const { address, connections } = await server(() => {});
  await wireTo(address).close();
  expect(connections()).toBe(0);
});

test('a broker that breaks off a login does not end our process', async () => {
  // the library reports this twice, the second time as an event that nobody may be listening for
  const { address } = await server((socket) => socket.on('data', () => socket.resetAndDestroy()));
  const sasl = { mechanism: 'PLAIN', username: 'grue', password: 'secret' } as const;
  const wire = new Wire({ bootstrapServers: [address], clientId: 'test', sasl }, PATIENCE_MS);
  onTestFinished(() => wire.close());
  const surprises: unknown[] = [];
  const surprise = (error: unknown) => void surprises.push(error);
  process.on('uncaughtException', surprise);
  const error = await failure(wire);
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off('uncaughtException', surprise);
  expect(surprises).toEqual([]);
  expect(error.code).toBe('GRUE-PLT-002');
});
