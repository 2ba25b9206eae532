import { z } from 'zod';
import { apiVersion, group, type ObjectMeta, type Resource, resourceName, version } from './common.ts';
import { type Connection, connectionSpec } from './connection.ts';
import { type Pipeline, pipelineSpec } from './pipeline.ts';
import { type Platform, platformSpec, platformStatus } from './platform.ts';
import { judge, schemaError } from './problems.ts';
import { type Revision, revisionName, revisionSpec, revisionStatus } from './revision.ts';
import { logicalStatus, type Stream, streamSpec, streamStatus } from './stream.ts';
import { migrationSpec, migrationStatus, type StreamMigration } from './stream-migration.ts';

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** 1: only with `-o wide`. */
  readonly priority?: 1;
}

export interface KindDefinition {
  readonly group: typeof group;
  readonly version: typeof version;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
  readonly namespaced: true;
  readonly description: string;
  /** What `metadata.name` may be; the API server enforces it with a rule at the root of the schema. */
  readonly name: z.ZodString;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly columns: readonly PrinterColumn[];
}

/** All our kinds are in this category: `kubectl get grue`. */
export const category = 'grue';

/**
 * Counts the states of the CRDs that this source makes; raised with every change of a schema that an older operator would misread. Each CRD
 * carries it, so that an operator can see that it is older than what is installed.
 */
export const crdVersion = 1;

/** The annotation of a CRD that holds its `crdVersion`. */
export const crdVersionAnnotation = `${group}/crd-version`;

const common = { group, version, namespaced: true, name: resourceName } as const;

const text = (name: string, jsonPath: string, description: string): PrinterColumn => ({ name, type: 'string', jsonPath, description });
const wide = (column: PrinterColumn): PrinterColumn => ({ ...column, priority: 1 });
const conditionStatus = (name: string, type: string, description: string) => text(name, `.status.conditions[?(@.type=="${type}")].status`, description);
const conditionReason = (name: string, type: string, description: string) => text(name, `.status.conditions[?(@.type=="${type}")].reason`, description);
const conditionMessage = (type: string) => text('Message', `.status.conditions[?(@.type=="${type}")].message`, 'What is the matter, for people.');
const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since it was created.' };

const logicalColumns = [
  text('Live', '.status.live', 'The Revision that readers see.'),
  text('Green', '.status.green', 'The Revision that a running migration is bringing up.'),
  conditionReason('Synced', 'Synced', 'Whether what is live is what the spec says.'),
  conditionStatus('Ready', 'Ready', 'Whether it works.'),
  age,
  wide(conditionMessage('Synced')),
] as const;

/** The six kinds: how they are called, what they hold and what people see of them. The source of types, CRDs and documentation. */
export const kinds = {
  Platform: {
    ...common,
    kind: 'Platform',
    plural: 'platforms',
    singular: 'platform',
    shortName: 'gplat',
    description: 'Where things run: the addresses of Kafka and Elasticsearch and the Secrets to log in with. Owned by administrators.',
    spec: platformSpec,
    status: platformStatus,
    columns: [
      text('Prefix', '.spec.prefix', 'First part of physical names.'),
      conditionStatus('Ready', 'Ready', 'Whether Kafka and Elasticsearch answer.'),
      age,
      conditionMessage('Ready'),
      wide(text('Kafka', '.status.kafkaClusterId', 'Identity of the Kafka cluster.')),
      wide(text('Elasticsearch', '.status.elasticsearchUuid', 'Identity of the Elasticsearch cluster.')),
    ],
  },
  Stream: {
    ...common,
    kind: 'Stream',
    plural: 'streams',
    singular: 'stream',
    shortName: 'gstr',
    description: 'A logical record stream with a schema, realised as a Kafka topic. Its name is stable; what lies behind it are Revisions.',
    spec: streamSpec,
    status: streamStatus,
    columns: [text('Type', '.spec.type', 'Append or Change.'), ...logicalColumns],
  },
  Connection: {
    ...common,
    kind: 'Connection',
    plural: 'connections',
    singular: 'connection',
    shortName: 'gconn',
    description: 'A logical source or sink that is attached to a Stream. The destination of a sink is an Elasticsearch index behind an alias.',
    spec: connectionSpec,
    status: logicalStatus,
    columns: [
      text('Stream', '.spec.stream', 'The Stream that it is attached to.'),
      text('Alias', '.spec.destination.alias', 'What readers use.'),
      ...logicalColumns,
    ],
  },
  Pipeline: {
    ...common,
    kind: 'Pipeline',
    plural: 'pipelines',
    singular: 'pipeline',
    shortName: 'gpl',
    description: 'SQL from one or more Streams into one Stream. It names logical Streams, so that cloning never edits SQL.',
    spec: pipelineSpec,
    status: logicalStatus,
    columns: [...logicalColumns, wide(text('Engine', '.spec.engine', 'What runs the SQL.'))],
  },
  Revision: {
    ...common,
    name: revisionName,
    kind: 'Revision',
    plural: 'revisions',
    singular: 'revision',
    shortName: 'grev',
    description: 'One immutable physical realisation of a Connection, Stream or Pipeline. Made by the operator, as a Deployment makes ReplicaSets.',
    spec: revisionSpec,
    status: revisionStatus,
    columns: [
      text('Of', '.status.of', 'What it realises.'),
      text('Role', '.status.role', 'live, green, blue or retired.'),
      text('State', '.status.state', 'What it does now.'),
      text('Lag', '.status.lag', 'Records not yet processed.'),
      text('Rate', '.status.rate', 'Records per second.'),
      text('Target', '.status.target', 'Topic, group or index.'),
      age,
      wide(text('Migration', '.spec.migration', 'The migration that made it.')),
    ],
  },
  StreamMigration: {
    ...common,
    kind: 'StreamMigration',
    plural: 'streammigrations',
    singular: 'streammigration',
    shortName: 'smig',
    description: 'One attempt to take the live set of Revisions to a new one, without downtime and with proof of parity before readers move.',
    spec: migrationSpec,
    status: migrationStatus,
    columns: [
      text('Strategy', '.spec.strategy', 'How it gets there.'),
      text('Phase', '.status.phase', 'Where it stands.'),
      text('Lag', '.status.progress.lag', 'Records that green has not yet processed.'),
      text('Parity', '.status.progress.parity', 'Result of the last comparison.'),
      text('ETA', '.status.progress.eta', 'Time until green is expected at the end.'),
      age,
      text('Message', '.status.message', 'What it does or waits for.'),
      wide(text('Rate', '.status.progress.rate', 'Records per second that green processes.')),
      wide({ name: 'Attempt', type: 'integer', jsonPath: '.status.attempt', description: 'Counts retries.' }),
      wide(text('Plan', '.status.plan.hash', 'Hash of the plan, for approvals.')),
    ],
  },
} as const satisfies Record<string, KindDefinition>;

export type Kind = keyof typeof kinds;

const metadata = (name: z.ZodString) =>
  z.looseObject({
    name,
    namespace: z.string().min(1),
    uid: z.string(),
    resourceVersion: z.string(),
    generation: z.int(),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().exactOptional(),
    labels: z.record(z.string(), z.string()).exactOptional(),
    annotations: z.record(z.string(), z.string()).exactOptional(),
    finalizers: z.array(z.string()).exactOptional(),
  }) satisfies z.ZodType<ObjectMeta>;

/**
 * Makes the parser of a kind: from an object as the API server sends it to a typed one. Defaults are applied, unknown fields of spec
 * and status are left out, so an operator can be older than the CRD.
 * @throws GrueError GRUE-API-001, which lists every problem with its path
 */
function parserOf<K extends Kind, Spec extends z.ZodType, Status extends z.ZodType>(definition: KindDefinition & { kind: K; spec: Spec; status: Status }) {
  const schema = z.object({
    apiVersion: z.literal(apiVersion),
    kind: z.literal(definition.kind),
    metadata: metadata(definition.name),
    spec: definition.spec,
    status: definition.status.optional(),
  });
  return (object: unknown): Resource<K, z.output<Spec>, z.output<Status>> => {
    const judged = judge(schema, object);
    if ('problems' in judged) throw schemaError(subjectOf(definition.kind, object), judged.problems);
    return judged.value as Resource<K, z.output<Spec>, z.output<Status>>;
  };
}

function subjectOf(kind: Kind, object: unknown): string {
  const name = (object as { readonly metadata?: { readonly name?: unknown } } | null | undefined)?.metadata?.name;
  return typeof name === 'string' ? `${kind} ${name}` : kind;
}

export const parsePlatform: (object: unknown) => Platform = parserOf(kinds.Platform);
export const parseStream: (object: unknown) => Stream = parserOf(kinds.Stream);
export const parseConnection: (object: unknown) => Connection = parserOf(kinds.Connection);
export const parsePipeline: (object: unknown) => Pipeline = parserOf(kinds.Pipeline);
export const parseRevision: (object: unknown) => Revision = parserOf(kinds.Revision);
export const parseStreamMigration: (object: unknown) => StreamMigration = parserOf(kinds.StreamMigration);
