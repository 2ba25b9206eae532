import { z } from 'zod';
import { platformRef, type Resource, reclaim, text } from './common.ts';
import type { LogicalStatus } from './stream.ts';

export const pipelineSpec = z
  .object({
    platformRef,
    engine: z.enum(['embedded', 'flink']).default('embedded').describe('What runs the SQL: the embedded worker, or Flink (not in this version).'),
    sql: text(65_536).min(1).describe('INSERT INTO <stream> SELECT ... FROM <stream>. Names are those of Stream resources, never of topics.'),
    ...reclaim,
  })
  .describe('SQL from one or more streams into one stream.');
export type PipelineSpec = z.output<typeof pipelineSpec>;

export type Pipeline = Resource<'Pipeline', PipelineSpec, LogicalStatus>;
