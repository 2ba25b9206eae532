const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;

/** The hash that Kafka's clients choose partitions by, as a signed 32-bit number. */
export function murmur2(bytes: Uint8Array, length = bytes.length): number {
  let hash = seed ^ length;
  const blocks = length & ~3;
  for (let i = 0; i < blocks; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    k = Math.imul(k, multiplier);
    k ^= k >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(k, multiplier);
  }
  const rest = length & 3;
  if (rest > 2) hash ^= bytes[blocks + 2]! << 16;
  if (rest > 1) hash ^= bytes[blocks + 1]! << 8;
  if (rest > 0) hash = Math.imul(hash ^ bytes[blocks]!, multiplier);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}

const scratch = Buffer.alloc(4096);

/** The partition that Kafka's default partitioner chooses for a key of these bytes. */
export function partitionOf(text: string, partitions: number): number {
  // Short texts need no allocation: this runs once for every record that is produced.
  const hash = text.length * 3 <= scratch.length ? murmur2(scratch, scratch.write(text)) : murmur2(Buffer.from(text));
  return (hash & 0x7fffffff) % partitions;
}
