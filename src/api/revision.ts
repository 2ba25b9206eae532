import { z } from 'zod';
import { conditions, field, keys, kindOfResource, type Resource, resourceName, streamType, withRules } from './common.ts';
import { destination } from './connection.ts';

const revisionName = z.string().min(1).max(63);
const topicName = z.string().min(1).max(249);

/** A stream as a stage sees it: everything that is needed to read or write it, frozen. */
export const binding = z.object({
  stream: resourceName.describe('Logical name, as the SQL says it.'),
  revision: revisionName.describe('The Revision that realises it.'),
  topic: topicName,
  root: z.boolean().describe('True: others write it, so its records get their provenance from their position here.'),
  epoch: z.int().min(0).describe('Counts how often the topic behind a root was replaced.'),
  type: streamType,
  fields: z.array(field).max(500),
  keys: keys.optional(),
  orderingField: z.string().max(128).optional(),
});
export type Binding = z.output<typeof binding>;

export const revisionSpec = withRules(
  z.object({
    of: z.object({ kind: kindOfResource, name: resourceName }).describe('The logical resource that this realises.'),
    number: z.int().min(1).describe('Counts the Revisions of one logical resource.'),
    fingerprint: z.string().max(128).describe('Hash of the definition and of everything above it that it depends on.'),
    accepted: z.string().max(128).describe('Digest of the logical spec when this was made.'),
    migration: z.string().max(40).describe('The migration that made it; empty for a first install.'),
    platform: z
      .object({ name: resourceName, kafkaClusterId: z.string().max(128), elasticsearchUuid: z.string().max(128) })
      .describe('Where it runs, and the identity of the servers at that time.'),
    inputs: z.array(revisionName).max(64).describe('The Revisions directly above.'),
    stream: z
      .object({
        type: streamType,
        fields: z.array(field).max(500),
        keys: keys.optional(),
        orderingField: z.string().max(128).optional(),
        partitions: z.int().min(1).max(2000),
        external: z.boolean(),
        retentionLike: topicName.optional(),
      })
      .optional(),
    pipeline: z
      .object({
        engine: z.enum(['embedded', 'flink']),
        sql: z.string().max(65_536),
        reads: z.array(binding).max(16),
        writes: binding,
        path: z.string().max(64).describe('Part of the identity of its records where several pipelines write one stream; empty otherwise.'),
      })
      .optional(),
    connection: z.object({ connector: z.enum(['elasticsearch']), destination, keepVersions: z.int(), reads: binding }).optional(),
    physical: z
      .object({
        topic: topicName.optional().describe('Kafka topic of a Stream.'),
        group: z.string().max(249).optional().describe('Consumer group of a Pipeline or Connection.'),
        deadLetters: topicName.optional().describe('Compacted topic for the records that this stage could not process.'),
        index: z.string().max(249).optional().describe('Concrete Elasticsearch index of a sink.'),
      })
      .describe('Physical names, chosen before anything is made.'),
  }),
  [{ rule: 'self == oldSelf', message: 'a Revision is immutable', holds: () => true }],
);
export type RevisionSpec = z.output<typeof revisionSpec>;

export const role = z.enum(['live', 'green', 'blue', 'retired']);
export type Role = z.output<typeof role>;

export const revisionStatus = z.object({
  observedGeneration: z.int().optional(),
  of: z.string().max(128).optional().describe('Kind/name, for the columns.'),
  role: role
    .optional()
    .describe('live: readers see it. green: candidate of a running migration. blue: was live before the flip and is still fed. retired: stopped.'),
  state: z.enum(['Pending', 'Running', 'Stopped', 'Failed']).optional(),
  wanted: z.enum(['Running', 'Stopped']).optional().describe('What the workers are asked to do.'),
  lag: z.string().max(32).optional().describe('Records not yet processed, for the columns.'),
  rate: z.string().max(32).optional().describe('Records per second, for the columns.'),
  target: z.string().max(300).optional().describe('Topic, group or index, for the columns.'),
  uuids: z
    .object({ topicId: z.string().max(64).optional(), deadLettersId: z.string().max(64).optional(), index: z.string().max(64).optional() })
    .optional()
    .describe('Identity of what was made, recorded after creation; nothing with another identity is ever touched.'),
  bound: z.boolean().optional().describe('True once the alias was bound at the first install; it is never bound a second time.'),
  startOffsets: z
    .array(z.object({ topic: topicName, offsets: z.string().max(32_768) }))
    .max(16)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('First offset read per partition, per input topic: the floor of its history.'),
  conditions,
});
export type RevisionStatus = z.output<typeof revisionStatus>;

export type Revision = Resource<'Revision', RevisionSpec, RevisionStatus>;
