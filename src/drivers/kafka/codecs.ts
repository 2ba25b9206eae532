import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { compressionsAlgorithms } from '@platformatic/kafka';
import kafkajs from 'kafkajs';

/** How kafkajs wants a codec. What it gives to compress is its own writer over a buffer. */
interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(data: Buffer): Promise<Buffer>;
}

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const zstd: Codec = { compress: ({ buffer }) => compress(buffer), decompress: (data) => decompress(data) };

/** The other client brings Snappy and LZ4 as WebAssembly. */
const borrowed = (name: 'snappy' | 'lz4'): Codec => ({
  compress: async ({ buffer }) => compressionsAlgorithms[name].compressSync(buffer),
  decompress: async (data) => compressionsAlgorithms[name].decompressSync(data),
});

/** Teaches kafkajs, which knows gzip only, the other three that Kafka has, so that any topic can be read. */
export function installCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  CompressionCodecs[CompressionTypes.ZSTD] = () => zstd;
  CompressionCodecs[CompressionTypes.Snappy] = () => borrowed('snappy');
  CompressionCodecs[CompressionTypes.LZ4] = () => borrowed('lz4');
}
