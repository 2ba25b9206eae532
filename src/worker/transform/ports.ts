import type { ErrorCode } from '../../api/errors.ts';
import type { RevisionSpec } from '../../api/revision.ts';
import type { Origin } from '../../records/provenance.ts';

export type PipelineDefinition = NonNullable<RevisionSpec['pipeline']>;
export type SinkDefinition = NonNullable<RevisionSpec['connection']>;

/** A record as the consumer has it. A message of kafkajs fits as it is: nothing is copied or converted per record on the way in. */
export interface RawRecord {
  /** Decimal digits. */
  readonly offset: string;
  readonly key: Buffer | null;
  /** null for a tombstone. */
  readonly value: Buffer | null;
  /** Only the header `grue` is read, and only where the binding is not a root. */
  readonly headers?: Readonly<Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>>;
}

/** Records of one partition, in the order of their offsets. */
export interface RawBatch {
  /** Physical topic: tells which of the stage's bindings the records belong to. */
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly RawRecord[];
}

/** A record that could not be processed; it goes to the dead letters with its reason. */
export interface BadRecord {
  /** Position in `RawBatch.records`. */
  readonly index: number;
  readonly partition: number;
  readonly offset: string;
  /** undefined when the record lacks a readable stamp: then its identity is unknown. */
  readonly origin: Origin | undefined;
  /** Key of the dead letter beside the stage's Revision: the origin as text, or `topic|partition|offset` where there is none. */
  readonly identity: string;
  readonly code: Extract<ErrorCode, `GRUE-REC-${string}`>;
  /** Names the field, what was there (cut short) and what was expected. */
  readonly reason: string;
}

/** A record to produce; a message of kafkajs without further work. `value` null is a tombstone. */
export interface OutputRecord {
  /** Position in `RawBatch.records` of the record that it was made from. */
  readonly index: number;
  readonly partition: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: { readonly grue: string };
}

export interface PipelineOutput {
  /** In the order of the input. */
  readonly records: readonly OutputRecord[];
  readonly bad: readonly BadRecord[];
}

/** One operation of a bulk request. Made only when asked for: mostly nobody does. */
export interface BulkItem {
  /** Position in `RawBatch.records` of the record that it was made from. */
  readonly index: number;
  /** create: Append without a primary key. index and delete: with an external version. */
  readonly action: 'create' | 'index' | 'delete';
  readonly id: string;
  readonly origin: Origin;
  /** Decimal digits; undefined for create. */
  readonly version: string | undefined;
  /** The limbs as `h1-h2-h3-h4`, as `IndexView.versions` gives them; undefined for delete. */
  readonly digest: string | undefined;
  /** Its line or lines of the body, each with its newline: what to send again. */
  readonly text: string;
}

/** A ready body of `_bulk` (the index is in the URL). */
export interface BulkBody {
  readonly bytes: Buffer;
  /** Number of operations, and of items in the response. */
  readonly count: number;
  /** The nth operation, in the order of the body and so of the response. */
  item(n: number): BulkItem;
}

export interface SinkOutput {
  /** In the order of the input. Each is at most `bodyBytes` long unless it holds one record that is longer by itself. */
  readonly bodies: readonly BulkBody[];
  readonly bad: readonly BadRecord[];
}

export interface PipelineStage {
  /** Topics that it reads: `RawBatch.topic` must be one of them. */
  readonly topics: readonly string[];
  /**
   * Runs the SQL over records of one partition. Batches of one stage run one after another, in the order of the calls.
   * @param partitions number of partitions of the topic that the output goes to
   * @throws GrueError only for what is not the records' fault (out of memory with a single record is the record's: GRUE-REC-004)
   */
  transform(batch: RawBatch, partitions: number): Promise<PipelineOutput>;
  close(): void;
}

export interface SinkStage {
  readonly topics: readonly string[];
  /** Makes bulk bodies of at most `bodyBytes` from records of one partition. Otherwise as {@link PipelineStage.transform}. */
  transform(batch: RawBatch, bodyBytes: number): Promise<SinkOutput>;
  close(): void;
}

export interface TransformLimits {
  /** Of the whole engine, all stages together. */
  readonly memoryMiB: number;
  /** A record with a longer key and value is bad (GRUE-REC-004). */
  readonly recordBytes: number;
  /** A micro-batch is cut at this many bytes and records; several make one answer. */
  readonly batchBytes: number;
  readonly batchRecords: number;
}

/** One per worker process: makes stages from the definitions in Revisions. Definitions are trusted only as far as the checker would. */
export interface TransformEngine {
  /** @param revision name of the Revision of the pipeline: it goes into the stamps. @throws GrueError GRUE-SQL-... as the checker would */
  pipeline(definition: PipelineDefinition, revision: string): Promise<PipelineStage>;
  sink(definition: SinkDefinition, revision: string): Promise<SinkStage>;
  close(): void;
}
