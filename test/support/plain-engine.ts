import { stampHeader } from '../../src/records/provenance.ts';
import type { BadRecord, BulkItem, RawBatch, TransformEngine } from '../../src/worker/transform/ports.ts';

/**
 * Stands in for the transformation where a test is about what comes before and after it: a JSON record goes through as it is, under
 * its origin; anything else is bad.
 */
export const plainEngine: TransformEngine = {
  pipeline: async ({ reads }, revision) => ({
    topics: reads.map(({ topic }) => topic),
    async transform(batch, partitions) {
      const { good, bad } = sorted(batch);
      const records = good.map(({ index, text, offset }) => ({
        index,
        partition: Number(offset) % partitions,
        key: null,
        value: text,
        headers: { [stampHeader]: `root|0|${batch.partition}|${offset}||${revision}` } as { readonly grue: string },
      }));
      return { records, bad };
    },
    close() {},
  }),
  sink: async ({ reads }) => ({
    topics: [reads.topic],
    async transform(batch) {
      const { good, bad } = sorted(batch);
      const items = good.map(({ index, text, offset }): BulkItem => {
        const id = `${batch.partition}-${offset}`;
        const grue = { root: 'root', epoch: 0, p: batch.partition, o: Number(offset), path: '', h1: 1, h2: 2, h3: 3, h4: Number(offset) };
        const lines = `{"create":{"_id":"${id}"}}\n${JSON.stringify({ ...JSON.parse(text), grue })}\n`;
        const origin = { root: 'root', epoch: 0, p: batch.partition, o: BigInt(offset), path: '' };
        return { index, action: 'create', id, origin, version: undefined, digest: `1-2-3-${offset}`, text: lines };
      });
      const bodies =
        items.length === 0 ? [] : [{ bytes: Buffer.from(items.map(({ text }) => text).join('')), count: items.length, item: (n: number) => items[n]! }];
      return { bodies, bad };
    },
    close() {},
  }),
  close() {},
};

function sorted({ partition, records }: RawBatch) {
  const good: { index: number; text: string; offset: string }[] = [];
  const bad: BadRecord[] = [];
  for (const [index, { offset, value }] of records.entries()) {
    const text = value?.toString() ?? '';
    if (text.startsWith('{')) good.push({ index, text, offset });
    else
      bad.push({
        index,
        partition,
        offset,
        origin: { root: 'root', epoch: 0, p: partition, o: BigInt(offset), path: '' },
        identity: `root|0|${partition}|${offset}|`,
        code: 'GRUE-REC-001',
        reason: 'no JSON',
      });
  }
  return { good, bad };
}
