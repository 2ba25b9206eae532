import { z } from 'zod';
import { conditions, field, keys, platformRef, type Resource, resourceName, streamType, time, withRules } from './common.ts';

const names = (spec: { schema: { fields: readonly { name: string }[] } }) => new Set(spec.schema.fields.map(({ name }) => name));

export const streamSpec = withRules(
  z.object({
    platformRef,
    type: streamType.describe(
      'Append: every record is a fact of its own. Change: a record replaces the earlier one with the same primary key; a record without a value deletes it.',
    ),
    external: z
      .object({
        topic: z
          .string()
          .min(1)
          .max(249)
          .regex(/^[a-zA-Z0-9._-]+$/)
          .describe('Name of the existing topic.'),
      })
      .optional()
      .describe('Present: others write this stream. It is never cloned and never deleted.'),
    partitions: z.int().min(1).max(2000).optional().describe('Number of partitions of the topic that Grue makes; 1 when absent.'),
    schema: z
      .object({ fields: z.array(field).min(1).max(500).describe('Fields of a record, in order.') })
      .describe('The shape of a record: a flat JSON object.'),
    keys: keys.optional().describe('Which fields identify and place a record.'),
    ordering: z
      .object({ field: z.string().min(1).max(128).describe('Field (BIGINT or TIMESTAMP) that grows with every change of the same key.') })
      .optional()
      .describe('Declares an order where the position in the topic gives none.'),
  }),
  [
    {
      rule: "self.type != 'Change' || (has(self.keys) && has(self.keys.primary) && size(self.keys.primary) > 0)",
      message: 'a Change stream needs keys.primary',
      holds: (s) => s.type !== 'Change' || (s.keys?.primary?.length ?? 0) > 0,
    },
    {
      rule: '!has(self.external) || !has(self.partitions)',
      message: 'an external stream has the partitions of its topic: leave partitions out',
      holds: (s) => s.external === undefined || s.partitions === undefined,
    },
    {
      rule: '!has(self.keys) || ((!has(self.keys.primary) || self.keys.primary.all(k, self.schema.fields.exists(f, f.name == k))) && (!has(self.keys.partition) || self.keys.partition.all(k, self.schema.fields.exists(f, f.name == k))))',
      message: 'keys name fields of the schema',
      holds: (s) => [...(s.keys?.primary ?? []), ...(s.keys?.partition ?? [])].every((key) => names(s).has(key)),
    },
    {
      rule: '!has(self.ordering) || self.schema.fields.exists(f, f.name == self.ordering.field)',
      message: 'ordering.field is a field of the schema',
      holds: (s) => s.ordering === undefined || names(s).has(s.ordering.field),
    },
  ],
);
export type StreamSpec = z.output<typeof streamSpec>;

/** What Stream, Pipeline and Connection report alike. */
export const logicalStatus = z.object({
  observedGeneration: z.int().optional(),
  live: z.string().max(253).optional().describe('Name of the live Revision.'),
  green: z.string().max(253).optional().describe('Name of the Revision that a running migration is bringing up.'),
  rejected: z
    .array(z.object({ fingerprint: z.string().max(128), migration: resourceName, reason: z.string().max(1024), time }))
    .max(5)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('Definitions that a migration refused; they are not tried again without `retry` or an edit.'),
  conditions,
});
export type LogicalStatus = z.output<typeof logicalStatus>;

export type Stream = Resource<'Stream', StreamSpec, LogicalStatus>;
