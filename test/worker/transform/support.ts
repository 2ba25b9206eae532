import { afterAll, beforeAll } from 'vitest';
import type { Binding } from '../../../src/api/revision.ts';
import { openTransformEngine } from '../../../src/worker/transform/engine.ts';
import type { PipelineOutput, RawRecord, SinkOutput, TransformEngine, TransformLimits } from '../../../src/worker/transform/ports.ts';

/** One engine for the tests of a file. */
export function engineForTests(limits: Partial<TransformLimits> = {}): () => TransformEngine {
  let engine: TransformEngine;
  beforeAll(async () => {
    engine = await openTransformEngine({ memoryMiB: 256, ...limits });
  });
  afterAll(() => engine.close());
  return () => engine;
}

type Overrides = Partial<Binding> & { readonly stream: string; readonly types: Readonly<Record<string, string>> };

export function bindingOf({ types, ...rest }: Overrides): Binding {
  const fields = Object.entries(types).map(([name, type]) => ({ name, type }));
  return { revision: `stream-${rest.stream}-1`, topic: rest.stream, root: true, epoch: 0, type: 'Append', fields, ...rest };
}

interface Given {
  readonly key?: unknown;
  /** JSON, or text or bytes as they are; null is a tombstone. */
  readonly value: unknown;
  readonly stamp?: string;
  readonly offset?: number;
}

const bytesOf = (value: unknown): Buffer => (Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

export const record = ({ key, value, stamp, offset }: Given, n = 0): RawRecord => ({
  offset: String(offset ?? n),
  key: key === undefined ? null : bytesOf(key),
  value: value === null ? null : bytesOf(value),
  ...(stamp === undefined ? {} : { headers: { grue: Buffer.from(stamp) } }),
});

export async function runPipeline(
  engine: TransformEngine,
  sql: string,
  reads: Binding | readonly Binding[],
  writes: Binding,
  given: readonly Given[],
  partitions = 3,
): Promise<PipelineOutput> {
  const bindings = Array.isArray(reads) ? (reads as readonly Binding[]) : [reads as Binding];
  const stage = await engine.pipeline({ engine: 'embedded', sql, reads: [...bindings], writes, path: '' }, 'pipeline-p-1');
  try {
    return await stage.transform({ topic: bindings[0]!.topic, partition: 0, records: given.map(record) }, partitions);
  } finally {
    stage.close();
  }
}

export async function runSink(engine: TransformEngine, reads: Binding, given: readonly Given[], bodyBytes = 1_000_000): Promise<SinkOutput> {
  const stage = await engine.sink({ connector: 'elasticsearch', destination: { alias: 'a' }, keepVersions: 1, reads }, 'connection-c-1');
  try {
    return await stage.transform({ topic: reads.topic, partition: 0, records: given.map(record) }, bodyBytes);
  } finally {
    stage.close();
  }
}

/** All operations of all bodies: action, metadata, document. */
export const operations = ({ bodies }: SinkOutput) =>
  bodies.flatMap((body) => Array.from({ length: body.count }, (_, n) => body.item(n))).map((item) => ({ item, document: documentOf(item.text) }));

export function documentOf(text: string): Record<string, unknown> | undefined {
  const line = text.split('\n')[1];
  return line === undefined || line === '' ? undefined : (JSON.parse(line) as Record<string, unknown>);
}
