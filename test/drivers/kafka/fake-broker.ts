import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Writer } from '@platformatic/kafka';

/** Bodies of answers by the key of the request; an array is answered one by one, the last one again and again. */
export type Answers = Readonly<Record<number, Buffer | readonly Buffer[]>>;

export const KEYS = { Fetch: 1, Metadata: 3, ApiVersions: 18, DescribeConfigs: 32 } as const;

/** A broker that answers what it was told to, for what a real one does only when it is damaged, busy or newer than us. */
export async function fakeBroker(answers: (address: { host: string; port: number }) => Answers): Promise<{ address: string; close(): void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    socket.on('data', (request) => {
      const { port } = server.address() as AddressInfo;
      const key = request.readInt16BE(4);
      const body = key === KEYS.ApiVersions ? everyVersion : next(answers({ host: '127.0.0.1', port })[key], key);
      // to ApiVersions alone, the header of the answer has no tags
      const header = key === KEYS.ApiVersions ? request.subarray(8, 12) : Buffer.concat([request.subarray(8, 12), Buffer.alloc(1)]);
      const length = Buffer.alloc(4);
      length.writeInt32BE(header.length + body.length);
      socket.write(Buffer.concat([length, header, body]));
    });
  });
  const turns = new Map<number, number>();
  const next = (answer: Buffer | readonly Buffer[] | undefined, key: number): Buffer => {
    const turn = turns.get(key) ?? 0;
    turns.set(key, turn + 1);
    const list = Buffer.isBuffer(answer) ? [answer] : (answer ?? []);
    return list[Math.min(turn, list.length - 1)]!;
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

const bodyOf = (write: (w: Writer) => Writer): Buffer => write(Writer.create()).buffer;

const everyVersion = bodyOf((w) =>
  w
    .appendInt16(0)
    .appendArray(Object.values(KEYS), (each, key) => each.appendInt16(key).appendInt16(0).appendInt16(100))
    .appendInt32(0)
    .appendTaggedFields(),
);

/** A cluster of one broker that leads the one partition of one topic. */
export const metadataOf = ({ host, port }: { host: string; port: number }, topic: string, id: string): Buffer =>
  bodyOf((w) =>
    w
      .appendInt32(0)
      .appendArray([1], (broker, node) => broker.appendInt32(node).appendString(host).appendInt32(port).appendString(null))
      .appendString('cluster')
      .appendInt32(1)
      .appendArray([topic], (each, name) =>
        each
          .appendInt16(0)
          .appendString(name)
          .appendUUID(id)
          .appendBoolean(false)
          .appendArray([0], (partition, index) =>
            [[1], [1], []].reduce(
              (p, nodes) => p.appendArray(nodes, (n, node) => n.appendInt32(node), true, false),
              partition.appendInt16(0).appendInt32(index).appendInt32(1).appendInt32(0),
            ),
          )
          .appendInt32(0),
      )
      .appendTaggedFields(),
  );

/** One partition as Fetch v13 answers it: everything up to `end` is stable. */
export const fetchOf = (id: string, end: bigint, records: Buffer): Buffer =>
  bodyOf((w) =>
    w
      .appendInt32(0)
      .appendInt16(0)
      .appendInt32(0)
      .appendArray([id], (topic, uuid) =>
        topic.appendUUID(uuid).appendArray([0], (partition, index) => {
          partition.appendInt32(index).appendInt16(0).appendInt64(end).appendInt64(end).appendInt64(0n);
          partition
            .appendArray([], (none) => none)
            .appendInt32(-1)
            .appendUnsignedVarInt(records.length + 1);
          return records.length > 0 ? partition.append(records) : partition;
        }),
      )
      .appendTaggedFields(),
  );

/** How a broker answers a fetch when a quota is exceeded. */
export const throttled = bodyOf((w) =>
  w
    .appendInt32(100)
    .appendInt16(0)
    .appendInt32(0)
    .appendArray([], (none) => none)
    .appendTaggedFields(),
);

export const configOf = (topic: string, name: string, value: string): Buffer =>
  bodyOf((w) =>
    w
      .appendInt32(0)
      .appendArray([topic], (result, resource) =>
        result
          .appendInt16(0)
          .appendString(null)
          .appendInt8(2)
          .appendString(resource)
          .appendArray([value], (config, text) =>
            config
              .appendString(name)
              .appendString(text)
              .appendBoolean(false)
              .appendInt8(1)
              .appendBoolean(false)
              .appendArray([], (none) => none)
              .appendInt8(0)
              .appendString(null),
          ),
      )
      .appendTaggedFields(),
  );
