import { z } from 'zod';
import {
  conditions,
  duration,
  field,
  keys,
  kindOfResource,
  type LogicalKind,
  observedGeneration,
  type Resource,
  resourceName,
  streamType,
  text,
  time,
  withRules,
  withTransitionRules,
} from './common.ts';
import { destination } from './connection.ts';

/** `<kind>-<name>-<number>`: longer than the names that users choose, and still a label value. */
export const revisionName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, { message: 'must be the name of a Revision' });
const topicName = z
  .string()
  .min(1)
  .max(249)
  .regex(/^[a-zA-Z0-9._-]+$/, { message: 'must be the name of a Kafka topic' });
const frozenFields = z.array(field).max(500).describe('Fields of a record, in order.');
const orderingField = text(128).optional().describe('Field that orders the changes of a key, where the stream declares one.');

/** A stream as a stage sees it: everything that is needed to read or write it, frozen. */
export const binding = z.object({
  stream: resourceName.describe('Logical name, as the SQL says it.'),
  revision: revisionName.describe('The Revision that realises it.'),
  topic: topicName.describe('The topic that it lies in.'),
  root: z.boolean().describe('True: others write it, so its records get their provenance from their position here.'),
  epoch: z.int().min(0).max(1_000_000).describe('Counts how often the topic behind a root was replaced.'),
  type: streamType.describe('Append or Change.'),
  fields: frozenFields,
  keys: keys.optional().describe('Which fields identify and place a record.'),
  orderingField,
});
export type Binding = z.output<typeof binding>;

/** Exactly one of the three definitions is there: the one of the kind. */
const definitionOf = (kind: LogicalKind, member: 'stream' | 'pipeline' | 'connection') => ({
  rule: `has(self.${member}) == (self.of.kind == '${kind}')`,
  message: `${member} is there if, and only if, of.kind is ${kind}`,
  holds: (revision: { readonly of: { readonly kind: LogicalKind } } & { readonly [M in typeof member]?: unknown }) =>
    (revision[member] !== undefined) === (revision.of.kind === kind),
});

export const revisionSpec = withTransitionRules(
  withRules(
    z.object({
      of: z
        .object({ kind: kindOfResource.describe('Stream, Pipeline or Connection.'), name: resourceName.describe('Its name.') })
        .describe('The logical resource that this realises.'),
      number: z.int().min(1).max(1_000_000_000).describe('Counts the Revisions of one logical resource.'),
      fingerprint: text(128).describe('Hash of the definition and of everything above it that it depends on.'),
      accepted: text(128).describe('Digest of the logical spec when this was made.'),
      migration: text(40).describe('The migration that made it; empty for a first install.'),
      platform: z
        .object({
          name: resourceName.describe('Name of the Platform.'),
          kafkaClusterId: text(128).describe('Identity of the Kafka cluster.'),
          elasticsearchUuid: text(128).describe('Identity of the Elasticsearch cluster.'),
        })
        .describe('Where it runs, and the identity of the servers at that time.'),
      inputs: z.array(revisionName).max(64).describe('The Revisions directly above.'),
      stream: z
        .object({
          type: streamType.describe('Append or Change.'),
          fields: frozenFields,
          keys: keys.optional().describe('Which fields identify and place a record.'),
          orderingField,
          partitions: z.int().min(1).max(2000).describe('Number of partitions of the topic.'),
          external: z.boolean().describe('True: others write the topic.'),
          retentionLike: topicName.optional().describe('Topic whose retention is taken over.'),
        })
        .optional()
        .describe('Definition, if it realises a Stream.'),
      pipeline: z
        .object({
          engine: z.enum(['embedded', 'flink']).describe('What runs the SQL.'),
          sql: text(65_536).describe('The SQL as the user wrote it, with logical names.'),
          reads: z.array(binding).max(16).describe('The streams in its FROM.'),
          writes: binding.describe('The stream behind its INSERT INTO.'),
          path: text(64).describe('Part of the identity of its records where several pipelines write one stream; empty otherwise.'),
        })
        .optional()
        .describe('Definition, if it realises a Pipeline.'),
      connection: z
        .object({
          connector: z.enum(['elasticsearch']).describe('The system at the other end.'),
          destination: destination.describe('Where a sink writes.'),
          keepVersions: z.int().min(0).max(10).describe('How many retired indices stay after a migration.'),
          reads: binding.describe('The stream that it is attached to.'),
        })
        .optional()
        .describe('Definition, if it realises a Connection.'),
      physical: z
        .object({
          topic: topicName.optional().describe('Kafka topic of a Stream.'),
          group: text(249).optional().describe('Consumer group of a Pipeline or Connection.'),
          deadLetters: topicName.optional().describe('Compacted topic for the records that this stage could not process.'),
          index: text(249).optional().describe('Concrete Elasticsearch index of a sink.'),
        })
        .describe('Physical names, chosen before anything is made.'),
    }),
    [definitionOf('Stream', 'stream'), definitionOf('Pipeline', 'pipeline'), definitionOf('Connection', 'connection')],
  ),
  // Of free-form objects the API server compares the number of keys and the values under equal keys. Mappings in which one key stands in
  // place of another pass; only the fingerprint tells.
  [{ rule: 'self == oldSelf', message: 'a Revision is immutable: the operator makes the next one' }],
).describe('One physical realisation of a logical resource. Written by the operator only, and never changed.');
export type RevisionSpec = z.output<typeof revisionSpec>;

export const role = z.enum(['live', 'green', 'blue', 'retired']);
export type Role = z.output<typeof role>;

export const revisionStatus = z
  .object({
    observedGeneration,
    of: text(128).optional().describe('Kind/name, for the columns.'),
    role: role
      .optional()
      .describe('live: readers see it. green: candidate of a running migration. blue: was live before the flip and is still fed. retired: stopped.'),
    state: z.enum(['Pending', 'Running', 'Stopped', 'Failed']).optional().describe('What it does now.'),
    wanted: z.enum(['Running', 'Stopped']).optional().describe('What the workers are asked to do.'),
    lag: text(32).optional().describe('Records not yet processed, for the columns.'),
    rate: text(32).optional().describe('Records per second, for the columns.'),
    target: text(300).optional().describe('Topic, group or index, for the columns.'),
    uuids: z
      .object({
        topicId: text(64).optional().describe('Identity of the topic.'),
        deadLettersId: text(64).optional().describe('Identity of the topic of dead letters.'),
        index: text(64).optional().describe('UUID of the index.'),
      })
      .optional()
      .describe('Identity of what was made, recorded after creation; nothing with another identity is ever touched.'),
    bound: z
      .boolean()
      .optional()
      .describe(
        'True once readers have used it: at the first install its alias is bound only once, and where the alias is elsewhere later, somebody has moved it.',
      ),
    reclaimAfter: duration
      .optional()
      .describe('What the logical resource said last of its deletion: removed so long after it. Absent: it stays until somebody deletes it.'),
    reclaimedAt: time.optional().describe('When it was decided to remove it, because its logical resource is gone and nothing reads it.'),
    startOffsets: z
      .array(z.object({ topic: topicName.describe('Input topic.'), offsets: text(32_768).describe('One number per partition: `0,0,17`.') }))
      .max(16)
      .optional()
      .describe('First offset read per partition, per input topic: the floor of its history.'),
    conditions,
  })
  .describe('What was made of it, and how it does.');
export type RevisionStatus = z.output<typeof revisionStatus>;

export type Revision = Resource<'Revision', RevisionSpec, RevisionStatus>;
