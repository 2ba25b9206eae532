import { analyst } from '../../drivers/embedded/duckdb/analyst.ts';
import { openSandbox } from '../../drivers/embedded/duckdb/sandbox.ts';
import { pipelineStage } from './pipeline.ts';
import type { TransformEngine, TransformLimits } from './ports.ts';
import { sinkStage } from './sink.ts';

/** Bounds that hold a worker of some stages within half a gigabyte; one record of 16 MiB still goes through. */
export const defaultLimits: TransformLimits = {
  memoryMiB: 384,
  recordBytes: 16 * 1024 * 1024,
  batchBytes: 4 * 1024 * 1024,
  batchRecords: 16_384,
};

/** Opens the embedded engine of a worker process. Each stage gets a connection of its own and nothing else: there are no tables. */
export async function openTransformEngine(limits: Partial<TransformLimits> = {}): Promise<TransformEngine> {
  const bounds = { ...defaultLimits, ...limits };
  const sandbox = await openSandbox(bounds.memoryMiB);
  const judge = analyst(await sandbox.session());
  return {
    pipeline: (definition, revision) => pipelineStage(sandbox, judge, definition, revision, bounds),
    sink: async (definition, revision) => sinkStage(await sandbox.session(), definition, revision, bounds),
    close: () => sandbox.close(),
  };
}
