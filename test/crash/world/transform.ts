import type { TransformEngine } from '../../../src/worker/transform/ports.ts';
import { simulatedPipeline } from './transform/pipeline.ts';
import { simulatedSink } from './transform/sink.ts';

/** Runs what {@link import('./sql.ts').simulatedSql} judges, within microtasks. Provenance, identity, versions and digests are the real ones. */
export const simulatedTransform = (): TransformEngine => ({
  pipeline: async (definition, revision) => simulatedPipeline(definition, revision),
  sink: async (definition, revision) => simulatedSink(definition, revision),
  close: () => {},
});
