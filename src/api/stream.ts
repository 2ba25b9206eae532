import { z } from 'zod';
import {
  conditions,
  fields,
  identifier,
  keys,
  observedGeneration,
  platformRef,
  type Resource,
  reclaim,
  resourceName,
  streamType,
  text,
  time,
  withRules,
} from './common.ts';

interface WithFields {
  readonly schema: { readonly fields: readonly { readonly name: string; readonly type: string }[] };
}
const typeOf = ({ schema }: WithFields, name: string) => schema.fields.find((field) => field.name === name)?.type;

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
          .regex(/^[a-zA-Z0-9._-]+$/, { message: 'must be the name of a Kafka topic' })
          .describe('Name of the existing topic.'),
      })
      .optional()
      .describe('Present: others write this stream. It is never cloned and never deleted.'),
    partitions: z.int().min(1).max(2000).optional().describe('Number of partitions of the topic that Grue makes; 1 when absent.'),
    schema: z.object({ fields }).describe('The shape of a record: a flat JSON object.'),
    keys: keys.optional().describe('Which fields identify and place a record.'),
    ordering: z
      .object({ field: identifier.describe('Field (BIGINT or TIMESTAMP) that grows with every change of the same key.') })
      .optional()
      .describe('Declares an order where the position in the topic gives none.'),
    ...reclaim,
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
      rule: '!has(self.keys) || !has(self.keys.primary) || self.keys.primary.all(k, self.schema.fields.exists(f, f.name == k))',
      message: 'keys.primary names fields of the schema',
      holds: (s) => (s.keys?.primary ?? []).every((key) => typeOf(s, key) !== undefined),
    },
    {
      rule: '!has(self.keys) || !has(self.keys.partition) || self.keys.partition.all(k, self.schema.fields.exists(f, f.name == k))',
      message: 'keys.partition names fields of the schema',
      holds: (s) => (s.keys?.partition ?? []).every((key) => typeOf(s, key) !== undefined),
    },
    {
      rule: "!has(self.ordering) || self.schema.fields.exists(f, f.name == self.ordering.field && (f.type == 'BIGINT' || f.type.startsWith('TIMESTAMP')))",
      message: 'ordering.field is a BIGINT or TIMESTAMP field of the schema',
      holds: (s) => s.ordering === undefined || /^(BIGINT$|TIMESTAMP)/.test(typeOf(s, s.ordering.field) ?? ''),
    },
  ],
).describe('A logical record stream with a schema, realised as a Kafka topic.');
export type StreamSpec = z.output<typeof streamSpec>;

const rejection = z.object({
  fingerprint: text(128).describe('Fingerprint of the definition.'),
  migration: resourceName.describe('The migration that refused it.'),
  reason: text(1024).describe('Why, for people.'),
  time: time.describe('When it was refused.'),
});

/** What Stream, Pipeline and Connection report alike. */
export const logicalStatus = z
  .object({
    observedGeneration,
    live: text(253).optional().describe('Name of the live Revision.'),
    green: text(253).optional().describe('Name of the Revision that a running migration is bringing up.'),
    rejected: z.array(rejection).max(5).optional().describe('Definitions that a migration refused; they are not tried again without `retry` or an edit.'),
    conditions,
  })
  .describe('What the operator made of it.');
export type LogicalStatus = z.output<typeof logicalStatus>;

/** One topic that an external stream has lain in. A topic that is deleted and made again starts the next. */
export const epoch = z.object({
  topicId: text(64).describe('Identity of the topic.'),
  partitions: z.int().min(1).max(2000).describe('Number of partitions it had.'),
  cut: text(32_768).optional().describe('Where the epoch ended, per partition: `120,96,-`. Absent for the running one.'),
});

export const streamStatus = logicalStatus
  .extend({ epochs: z.array(epoch).max(16).optional().describe('The topics that an external stream has lain in, oldest first.') })
  .describe('What the operator made of it.');
export type StreamStatus = z.output<typeof streamStatus>;

export type Stream = Resource<'Stream', StreamSpec, StreamStatus>;
