import { z } from 'zod';
import { freeForm, platformRef, type Resource, reclaim, resourceName, withRules } from './common.ts';
import type { LogicalStatus } from './stream.ts';

export const destination = z.object({
  alias: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[a-z0-9][a-z0-9._-]*$/, { message: 'must be lower case letters, digits, ".", "_" and "-", and begin with a letter or digit' })
    .describe('The Elasticsearch alias that readers use. The index behind it is made by Grue.'),
  mappings: freeForm.optional().describe('Elasticsearch mappings, laid over those that follow from the schema of the stream. At most 256 KiB.'),
  settings: freeForm.optional().describe('Elasticsearch index settings.'),
});
export type Destination = z.output<typeof destination>;

export const connectionSpec = withRules(
  z.object({
    platformRef,
    type: z.enum(['Sink', 'Source']).describe('Sink: writes the stream to a destination. Source: not in this version.'),
    connector: z.enum(['elasticsearch']).describe('The system at the other end.'),
    stream: resourceName.describe('Name of the Stream that it is attached to.'),
    destination: destination.optional().describe('Where a sink writes.'),
    keepVersions: z.int().min(0).max(10).default(1).describe('How many retired indices stay after a migration.'),
    ...reclaim,
  }),
  [
    {
      rule: "self.type != 'Sink' || has(self.destination)",
      message: 'a sink needs a destination',
      holds: (c) => c.type !== 'Sink' || c.destination !== undefined,
    },
    {
      rule: "self.type != 'Source' || !has(self.destination)",
      message: 'a source has no destination',
      holds: (c) => c.type !== 'Source' || c.destination === undefined,
    },
  ],
).describe('A logical source or sink: a connector, its configuration and the stream that it is attached to.');
export type ConnectionSpec = z.output<typeof connectionSpec>;

export type Connection = Resource<'Connection', ConnectionSpec, LogicalStatus>;
