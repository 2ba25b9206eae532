/** A prepared body of `_bulk`, and the partition whose order it belongs to. */
export interface Body {
  readonly lane: number;
  /** Number of operations. */
  readonly count: number;
  readonly bytes: Buffer;
}

const HEAD = 12;

/** As it lies in a file: lane, count and length as 32-bit numbers, then the body. */
export function encodeBody({ lane, count, bytes }: Body): readonly Buffer[] {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32LE(lane, 0);
  head.writeUInt32LE(count, 4);
  head.writeUInt32LE(bytes.length, 8);
  return [head, bytes];
}

export function decodeBodies(file: Buffer): readonly Body[] {
  const bodies: Body[] = [];
  for (let at = 0; at < file.length; ) {
    const end = at + HEAD + file.readUInt32LE(at + 8);
    bodies.push({ lane: file.readUInt32LE(at), count: file.readUInt32LE(at + 4), bytes: file.subarray(at + HEAD, end) });
    at = end;
  }
  return bodies;
}
