import type { AliasMove } from '../api/stream-migration.ts';

/** Position in a partition. Always a bigint: a JavaScript number cannot hold every offset. */
export type Offset = bigint;

/** Per partition, in partition order; `undefined` means missing, and missing is never "nothing". */
export type Offsets = readonly (Offset | undefined)[];

export interface TopicFacts {
  readonly name: string;
  /** Identity: another id under the same name is another topic. */
  readonly id: string;
  readonly partitions: number;
}

export interface GroupFacts {
  readonly state: 'Absent' | 'Empty' | 'Active';
  readonly members: number;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

/** A record as it lies in a topic. `value` is undefined for a tombstone. */
export interface KafkaRecord {
  readonly offset: Offset;
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * What the operator asks of a Kafka cluster: identity, topics, positions. It never joins a group.
 * Every call ends with a coded error when the cluster is unreachable (GRUE-PLT-002) or refuses the credentials (GRUE-PLT-004).
 */
export interface KafkaCluster {
  clusterId(signal: AbortSignal): Promise<string>;
  /** Topics that exist, by name; absent ones are left out. */
  topics(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, TopicFacts>>;
  topicConfig(name: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** Creates the topic unless one of that name exists, and returns when it is there. The caller compares ids and never adopts one that it did not make. */
  createTopic(spec: TopicSpec, signal: AbortSignal): Promise<'Created' | 'Exists'>;
  /** Deletes the topic only if its id is the given one. */
  deleteTopic(name: string, id: string, signal: AbortSignal): Promise<'Deleted' | 'Absent' | 'OtherIdentity'>;
  /**
   * Offsets of all partitions of several topics. Earliest: log start. HighWatermark: end as brokers replicate it. LastStable: end as
   * read_committed consumers see it (lower while a transaction is open). A topic that does not exist is left out.
   */
  offsets(topics: readonly string[], which: 'Earliest' | 'HighWatermark' | 'LastStable', signal: AbortSignal): Promise<ReadonlyMap<string, Offsets>>;
  /** Committed positions of a group, per topic; a partition without one is undefined, never -1. A topic that does not exist is left out. */
  committed(group: string, topics: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Offsets>>;
  group(name: string, signal: AbortSignal): Promise<GroupFacts>;
  /**
   * Commits start positions for a group without members, only where none are committed yet. Fails with GRUE-KFK-007 when the group has members
   * (unless nothing was left to commit), also when one joins at that moment; with GRUE-KFK-001 when a topic or partition does not exist.
   */
  commitStart(group: string, start: ReadonlyMap<string, readonly Offset[]>, signal: AbortSignal): Promise<void>;
  deleteGroup(name: string, signal: AbortSignal): Promise<'Deleted' | 'Absent' | 'Active'>;
  /** Names of all topics and groups that begin so. */
  namesUnder(prefix: string, signal: AbortSignal): Promise<{ readonly topics: readonly string[]; readonly groups: readonly string[] }>;
  /**
   * Records of one partition in [from, to), without a group, in order. Ends when `to` is passed, also across transaction markers and
   * compaction holes. Records of aborted transactions are left out. Fails with GRUE-KFK-003 when `from` is below the log start, GRUE-KFK-004 when
   * the topic is made anew meanwhile, GRUE-KFK-005 for a compression that is not there, and GRUE-KFK-009 when records stay out of reach: an open
   * transaction holds them back, or the partition ends before `to`.
   */
  read(topic: string, partition: number, from: Offset, to: Offset, signal: AbortSignal): AsyncIterable<KafkaRecord>;
  close(): Promise<void>;
}

/** A topic or group that Grue made. Kafka keeps no notes of ours on them, so they stand in a topic of their own. */
export interface RegistryEntry {
  readonly kind: 'topic' | 'group';
  /** Its physical name. */
  readonly name: string;
  /** Set for topics, once created. */
  readonly topicId?: string | undefined;
  readonly installation: string;
  readonly namespace: string;
  readonly revision: string;
}

export type Claim = { readonly outcome: 'Ours' } | { readonly outcome: 'Others'; readonly installation: string };

/**
 * What Grue made in a Kafka cluster under one prefix, and which installation may work there: a compacted topic `<prefix>.registry`,
 * which the first call makes. Several installations may use it at the same time.
 */
export interface KafkaRegistry {
  /** Notes an object; a later note on the same kind and name replaces the earlier one. */
  record(entry: RegistryEntry, signal: AbortSignal): Promise<void>;
  /** Takes the note back, after the object is gone. */
  forget(kind: RegistryEntry['kind'], name: string, signal: AbortSignal): Promise<void>;
  /** All notes up to now, of all installations. */
  entries(signal: AbortSignal): Promise<readonly RegistryEntry[]>;
  /** Claims the cluster for an installation unless it is claimed: of several at once, exactly one gets it. Repeating it changes nothing. */
  claim(installation: string, signal: AbortSignal): Promise<Claim>;
  /** Gives the claim back. Nothing happens if it is another installation's. */
  release(installation: string, signal: AbortSignal): Promise<void>;
  /** Ends the claims of all others and claims for this installation. Only a person may decide that. */
  takeOver(installation: string, signal: AbortSignal): Promise<Claim>;
}

export interface IndexFacts {
  readonly name: string;
  readonly uuid: string;
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  readonly replicas: number;
  readonly refreshInterval: string | undefined;
  readonly health: 'green' | 'yellow' | 'red';
}

/** What an alias points at. */
export interface AliasTarget {
  readonly index: string;
  readonly uuid: string;
  readonly filter?: Readonly<Record<string, unknown>>;
  readonly indexRouting?: string;
  readonly searchRouting?: string;
  readonly isWriteIndex?: boolean;
  readonly isHidden?: boolean;
}

export interface IndexSpec {
  readonly name: string;
  readonly mappings: Readonly<Record<string, unknown>>;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A half-open range of root positions: everything of one root partition in [from, to). */
export interface OriginRange {
  readonly root: string;
  readonly epoch: number;
  readonly partition: number;
  readonly from: Offset;
  readonly to: Offset;
}

/** A consistent view of one concrete index, by point-in-time. Closing is the caller's duty; the server forgets it after the keep-alive. */
export interface IndexView {
  readonly index: string;
  readonly uuid: string;
  /** Documents of each range, in the order given. A failed or timed-out shard is an error, never a smaller number. */
  countByOrigin(ranges: readonly OriginRange[], signal: AbortSignal): Promise<readonly number[]>;
  /** All documents of the view. */
  count(signal: AbortSignal): Promise<number>;
  /** Documents without a `grue` stamp, or with a root outside `roots`. */
  countForeign(roots: readonly string[], signal: AbortSignal): Promise<number>;
  /** Smallest origin offset per root partition. */
  minimumOrigins(
    signal: AbortSignal,
  ): Promise<readonly { readonly root: string; readonly epoch: number; readonly partition: number; readonly offset: Offset }[]>;
  /** Version (as text of digits) and digest of those of the given ids that exist. */
  versions(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, { readonly version: string; readonly digest: string }>>;
  /** Documents matched through the filter and routing of an alias. */
  countThrough(filter: Readonly<Record<string, unknown>> | undefined, routing: string | undefined, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

export type FlipResult =
  | { readonly moved: true; readonly milliseconds: number }
  /** `mayStillMove`: the call was sent and never answered, so it could yet arrive; the aliases are to be read again before anything relies on them. */
  | { readonly moved: false; readonly reason: string; readonly mayStillMove?: true };

/**
 * Where documents live and readers look. Index names are concrete, never aliases or patterns.
 * Unreachable: GRUE-PLT-003. Wrong credentials: GRUE-PLT-005. Refused mappings or settings: GRUE-ES-002 with the server's reason.
 */
export interface SearchCluster {
  clusterUuid(signal: AbortSignal): Promise<string>;
  indices(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, IndexFacts>>;
  /** All indices whose names begin with `<prefix>.` and that carry a mark of ours in `_meta.grue`, by name. Hidden and closed ones too. */
  marked(prefix: string, signal: AbortSignal): Promise<readonly IndexFacts[]>;
  /**
   * Puts another mark into `_meta.grue` of an index; the rest of `_meta` and of the mapping stays.
   * @throws GrueError GRUE-ES-005 unless the index exists with this uuid
   */
  remark(index: string, uuid: string, mark: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void>;
  /** Targets of each alias; an alias that does not exist has none. */
  aliases(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, readonly AliasTarget[]>>;
  /** True if the name is a concrete index (or data stream) and so cannot become an alias. */
  isConcrete(name: string, signal: AbortSignal): Promise<boolean>;
  createIndex(spec: IndexSpec, signal: AbortSignal): Promise<'Created' | 'Exists'>;
  /** Binds an alias that does not exist yet to an index, if the index still has this uuid. Fails with GRUE-ES-003 when the alias exists elsewhere. */
  bindAlias(alias: string, index: string, uuid: string, signal: AbortSignal): Promise<void>;
  /** Makes all documents written so far visible. A failed shard is an error. */
  refresh(indices: readonly string[], signal: AbortSignal): Promise<void>;
  view(index: string, uuid: string, signal: AbortSignal): Promise<IndexView>;
  /**
   * Moves all aliases in one cluster-state update, after checking that each is where `from` says and that both uuids hold; carries filter,
   * routing and flags over; then reads back.
   * @returns what the read-back shows, also when the call itself timed out
   * @throws GrueError GRUE-PLT-003 when even the read-back fails; then nothing may be assumed
   */
  flip(moves: readonly AliasMove[], signal: AbortSignal): Promise<FlipResult>;
  /** Open search contexts and the running total of queries on an index. */
  searchActivity(index: string, signal: AbortSignal): Promise<{ readonly openContexts: number; readonly queries: number }>;
  deleteIndex(name: string, uuid: string, signal: AbortSignal): Promise<'Deleted' | 'Absent' | 'OtherIdentity'>;
  /**
   * Claims the indices of a prefix for an installation unless they are claimed: of several at once, exactly one gets it. Repeating it
   * changes nothing. Fails with GRUE-KFK-002 when the index that is to hold the claim is somebody else's.
   */
  claim(prefix: string, installation: string, signal: AbortSignal): Promise<Claim>;
  /** Gives the claim back. Nothing happens if it is another installation's. */
  release(prefix: string, installation: string, signal: AbortSignal): Promise<void>;
  /** Puts the claim of this installation in the place of any other. Only a person may decide that. */
  takeOver(prefix: string, installation: string, signal: AbortSignal): Promise<Claim>;
  close(): Promise<void>;
}

/** What a pipeline's SQL says, independent of layout and comments. */
export interface SqlOutline {
  /** Logical stream that it writes. */
  readonly output: string;
  /** Logical streams that it reads, without repetition, in the order of the text. */
  readonly inputs: readonly string[];
  /** Text that is equal exactly when the syntax trees are equal. */
  readonly canonical: string;
  /** Columns used per input; `undefined` where all are (SELECT *). */
  readonly columns: ReadonlyMap<string, readonly string[] | undefined>;
}

export interface SqlStream {
  readonly name: string;
  readonly type: 'Append' | 'Change';
  readonly fields: readonly { readonly name: string; readonly type: string }[];
  readonly primaryKey: readonly string[];
  readonly partitionKey: readonly string[];
  readonly orderingField?: string;
}

/** What the operator asks of the embedded engine. All refusals are coded (GRUE-SQL-...) with line and column where they have one. */
export interface SqlEngine {
  outline(sql: string, signal: AbortSignal): Promise<SqlOutline>;
  /** Checks the SQL against its streams: columns, types, and what the identity of records allows. */
  check(sql: string, inputs: readonly SqlStream[], output: SqlStream, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
