/**
 * The closed list of errors that a user can meet. A code is for ever: it stands in documentation, conditions and logs.
 * `title` says what happened in general, `fix` what usually helps (Markdown; both stand in docs/errors.md); the message of an
 * instance says what was wrong here.
 */
export const errorCodes = {
  'GRUE-API-001': {
    title: 'a resource does not fit its schema',
    fix: 'The message lists every field with its problem. Correct them and apply again; `kubectl explain gstr.spec --recursive` (and so on) shows what is expected.',
  },
  'GRUE-API-002': {
    title: 'a resource refers to another one that does not exist',
    fix: 'Create the missing resource in the same namespace, or correct the name. Several files applied together may arrive in any order: this goes away by itself once the last one is there.',
  },
  'GRUE-API-003': {
    title: 'the resources form a cycle',
    fix: 'The message names the way around. Let one of the pipelines in it write a stream that none of the others read.',
  },
  'GRUE-API-004': {
    title: 'two sinks claim the same alias',
    fix: 'Give one of the two Connections another `destination.alias`: an alias shows one stream at a time.',
  },
  'GRUE-API-005': {
    title: 'the value is understood, but not supported in this version',
    fix: 'Use one of the values that the message names, or stay with the present tool for this part.',
  },
  'GRUE-API-006': {
    title: 'a value contradicts another one in the same resource',
    fix: 'The message names both fields. Change one of them.',
  },
  'GRUE-API-007': {
    title: 'a stream has no writer and is not external',
    fix: 'Add a Pipeline that inserts into the stream, or set `spec.external.topic` if others write it.',
  },
  'GRUE-API-008': {
    title: 'the API server does not let Grue do what it has to',
    fix: 'The message names the account and the right that it lacks, or the admission policy that refuses. The roles of the Helm chart hold all that is needed; what waits goes on by itself once it is granted.',
  },
  'GRUE-API-009': {
    title: 'the CRDs of the cluster are not those of this operator',
    fix: 'Install the CRDs that came with the operator (`helm upgrade` does, or `kubectl apply --server-side -f crds`), or the operator that came with them. Nothing is changed meanwhile, and workers go on.',
  },
  'GRUE-PLT-001': {
    title: 'the Platform does not exist',
    fix: 'Create a Platform of that name in the namespace (the default name is `default`), or correct `platformRef.name`.',
  },
  'GRUE-PLT-002': {
    title: 'Kafka cannot be reached',
    fix: 'Check `spec.kafka.bootstrapServers`, the network policy, and whether `tls` is wanted by the brokers. Work goes on by itself as soon as Kafka answers; nothing is lost.',
  },
  'GRUE-PLT-003': {
    title: 'Elasticsearch cannot be reached',
    fix: 'Check `spec.elasticsearch.url`, its certificate authority (`tls.caSecretRef`) and the network policy. Work goes on by itself as soon as Elasticsearch answers; nothing is lost.',
  },
  'GRUE-PLT-004': {
    title: 'Kafka refuses the credentials',
    fix: 'Check the SASL mechanism, and the keys `username` and `password` of the Secret. A changed Secret is read without a restart.',
  },
  'GRUE-PLT-005': {
    title: 'Elasticsearch refuses the credentials',
    fix: 'Check the keys `username` and `password`, or `apiKey`, of the Secret, and the rights of that user. A changed Secret is read without a restart.',
  },
  'GRUE-PLT-006': {
    title: 'the Secret does not exist or lacks a key',
    fix: 'Create the Secret in the namespace of the Platform with the keys that the message names.',
  },
  'GRUE-PLT-007': {
    title: 'the servers behind a Platform are not the ones that were recorded',
    fix: 'If the address was changed by mistake, change it back. If the servers were really replaced, that is a recovery: make a Platform with another `prefix`, or restore the servers that were recorded. Nothing is deleted or made anew by guessing.',
  },
  'GRUE-PLT-008': {
    title: 'another installation has claimed these servers',
    fix: 'Two installations must not share servers and prefix. Use another `spec.prefix`; or, if the other installation is gone for good (its cluster was lost), `grue takeover --platform <name>`: then what is live is found again and goes on.',
  },
  'GRUE-SQL-001': {
    title: 'the SQL cannot be parsed',
    fix: 'The message holds the position. The dialect is that of DuckDB inside of `INSERT INTO <stream> SELECT ... FROM <stream>`.',
  },
  'GRUE-SQL-002': {
    title: 'the SQL is not one INSERT INTO ... SELECT ... statement',
    fix: 'Write exactly one statement of that form; a second statement belongs into a Pipeline of its own.',
  },
  'GRUE-SQL-003': {
    title: 'a column does not exist',
    fix: 'Correct the name, or add the field to `spec.schema.fields` of the input Stream.',
  },
  'GRUE-SQL-004': {
    title: 'the SQL uses something that the embedded engine refuses',
    fix: 'The embedded engine runs stateless SQL only: no aggregation, joins, windows, files, network or extensions. Stateful SQL needs `engine: flink`.',
  },
  'GRUE-SQL-005': {
    title: 'the SQL reads something else than a stream',
    fix: 'FROM names Stream resources of the same namespace, never topics, files or functions. Create the Stream or correct the name.',
  },
  'GRUE-SQL-006': {
    title: 'the columns of the SELECT do not fit the output stream',
    fix: 'Give every field of the output stream exactly one column of the same name with a type that fits, with `AS <field>` and `CAST` where needed.',
  },
  'GRUE-SQL-007': {
    title: 'the SQL would break the identity of records in a Change stream',
    fix: 'In a Change stream the output key is the input key, renamed or reordered, and one record gives at most one. Use `engine: flink` for anything else.',
  },
  'GRUE-KFK-001': {
    title: 'a topic does not exist',
    fix: 'Create the topic (Grue never makes the topic of an external stream), or correct `spec.external.topic`.',
  },
  'GRUE-KFK-002': {
    title: 'a topic, group or index of that name exists and is not ours',
    fix: 'Something of that name is there without our marker, so it is left alone. Remove or rename it, or use another `prefix` in the Platform.',
  },
  'GRUE-KFK-003': {
    title: 'records that are needed are no longer in the topic',
    fix: 'The retention of the topic has removed records that a clone has to read. Restore them, or start from a stream further down that still holds the history.',
  },
  'GRUE-KFK-004': {
    title: 'the topic is not the one that was recorded',
    fix: 'The topic was deleted and made again under the same name. What was read from the old one cannot be continued: start a migration, which reads the new one from its start.',
  },
  'GRUE-KFK-005': {
    title: 'the records use a compression that is not supported',
    fix: 'Let the producers use gzip, snappy, lz4 or no compression, as the message says, or recode the topic.',
  },
  'GRUE-KFK-006': {
    title: 'a group has no committed offset to start from',
    fix: 'A group never starts by guessing. If somebody deleted the offsets of the group, start a migration with `rebuild: true`.',
  },
  'GRUE-KFK-007': {
    title: 'a group has members, so its start cannot be set',
    fix: 'The positions of a group are set only while nobody reads with it. Stop the readers that the group has; the next attempt follows by itself.',
  },
  'GRUE-KFK-008': {
    title: 'Kafka refused a request',
    fix: 'The message holds the words of the broker. Most often the user of the Platform lacks a right (an ACL on topics or groups with its prefix), or a policy of the cluster forbids a setting.',
  },
  'GRUE-KFK-009': {
    title: 'records that should be in a topic cannot be read',
    fix: 'The message says where. An open transaction holds back all that follows until its producer commits, aborts or times out; a damaged batch has to be cut off or skipped by the administrator.',
  },
  'GRUE-KFK-010': {
    title: 'documents come from positions that their topic does not have',
    fix: 'Kafka was restored to an earlier time. What is written there now gets the positions of the records that were lost, so it is taken for them and missing in the index. Restore the missing records, or build the index anew as the message says.',
  },
  'GRUE-ES-001': {
    title: 'the alias is a concrete index',
    fix: 'Readers use an index of that name directly. Choose another alias, or move the index behind an alias first.',
  },
  'GRUE-ES-002': {
    title: 'Elasticsearch refuses the mappings or settings',
    fix: 'The message holds the answer of Elasticsearch. Correct `destination.mappings` or `destination.settings`.',
  },
  'GRUE-ES-003': {
    title: 'the alias exists and was not made by Grue',
    fix: 'The alias belongs to somebody else. Choose another one, or remove it when nobody needs it.',
  },
  'GRUE-ES-004': {
    title: 'the alias is not where Grue put it',
    fix: 'Somebody moved or removed the alias by hand. What readers used before goes on being fed, so moving the alias back loses nothing. The message names the ways out; a migration that met this can be aborted and started anew.',
  },
  'GRUE-ES-005': {
    title: 'the index is not the one that was recorded',
    fix: 'The index was deleted, made again under the same name, or restored from a snapshot, so nobody can tell what is in it. To build it anew from the topics, remove the alias and delete the Revision that the message names.',
  },
  'GRUE-ES-006': {
    title: 'Elasticsearch refused a request',
    fix: 'The message holds the answer of Elasticsearch. Often a disk over its watermark, a read-only block, or a missing right.',
  },
  'GRUE-ES-007': {
    title: 'readers use an index of ours whose origin cannot be told',
    fix: 'No Revision knows the index behind the alias, and its mark (`_meta.grue` of the mapping) is missing, damaged or of another installation. Nothing is made, moved or removed while that is so. Restore the Revisions or the mark; if the other installation is gone, `grue takeover`.',
  },
  'GRUE-MIG-001': {
    title: 'there is nothing to roll out',
    fix: 'All named resources are as they are live. Edit them first, or set `rebuild: true` to clone them nevertheless.',
  },
  'GRUE-MIG-002': {
    title: 'another migration holds the same resources',
    fix: 'Wait for the other migration, or abort it. The message names it.',
  },
  'GRUE-MIG-003': {
    title: 'the request does not fit the state of the migration',
    fix: 'The message says what the migration waits for now. After the flip use rollback instead of abort; a request for an earlier attempt or another plan has to be made again.',
  },
  'GRUE-MIG-004': {
    title: 'the plan is larger than the bounds of a migration',
    fix: 'Split the change into several migrations, or use fewer partitions.',
  },
  'GRUE-MIG-005': {
    title: 'the change has been rejected before',
    fix: 'Edit the definition, or set `retry` higher to try the same one again.',
  },
  'GRUE-MIG-006': {
    title: 'parity does not hold',
    fix: 'The numbers are in the gate. If the change is meant to alter counts, declare it in `gates.parity.expect`; otherwise correct the SQL. Readers were not moved.',
  },
  'GRUE-MIG-007': {
    title: 'the history that blue holds cannot be rebuilt',
    fix: 'Blue holds documents older than anything that green can read again. Restore the source, or roll out further down, where the history still is.',
  },
  'GRUE-MIG-008': {
    title: 'the migration started from another base',
    fix: 'What is live has changed since the change was written. Run `grue plan` again and use the new base.',
  },
  'GRUE-MIG-009': {
    title: 'a live change would be undone without a word',
    fix: 'The resource was edited, and meanwhile a migration has changed by `changes` what is live of it. `grue export` prints the live definition: put it into the resource, or set `allowRevert: true` to undo it.',
  },
  'GRUE-REC-001': {
    title: 'the record is not valid JSON',
    fix: 'The record is in the dead letters with its position. Correct the producer; records are JSON objects in UTF-8.',
  },
  'GRUE-REC-002': {
    title: 'a value does not fit the type of its field',
    fix: 'The record is in the dead letters with its position and the field. Correct the producer, or the type in the schema of the stream.',
  },
  'GRUE-REC-003': {
    title: 'the record has no key where one is needed',
    fix: 'A record of a Change stream needs every field of its primary key. Correct the producer, or `keys.primary`.',
  },
  'GRUE-REC-004': {
    title: 'the record is too large',
    fix: 'The record is in the dead letters by its position, without its value. Keep records below the bound that the message names.',
  },
  'GRUE-REC-005': {
    title: 'an expression of the SQL fails on the record',
    fix: 'The record is in the dead letters with its position. Guard the expression, for example with `TRY_CAST` or `CASE`.',
  },
  'GRUE-REC-006': {
    title: 'Elasticsearch refuses the document',
    fix: 'The record is in the dead letters with the answer of Elasticsearch. Mostly a value that the mapping does not take: correct the mapping in a migration.',
  },
  'GRUE-REC-007': {
    title: 'two different records have the same identity',
    fix: 'Two different records would become one document. Correct `keys.primary` so that it tells them apart.',
  },
  'GRUE-CLI-001': {
    title: 'the command was used wrongly',
    fix: '`grue help` shows the commands; `grue help <command>` its arguments.',
  },
  'GRUE-CLI-002': {
    title: 'the object was not found in the cluster',
    fix: 'Check the name, the namespace (`-n`) and the context of kubectl.',
  },
  'GRUE-CLI-003': {
    title: 'a right is missing',
    fix: 'The message names the verb. Somebody who administers the cluster gives it to you with a role of the chart: [rights.md](rights.md).',
  },
} as const satisfies Record<string, { readonly title: string; readonly fix: string }>;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** Where: a field path (`spec.sql`), or a position in a text. */
  readonly at?: string | { readonly line: number; readonly column: number };
  /** What to do about it, as a sentence fragment without a full stop. */
  readonly fix?: string;
  readonly cause?: unknown;
}

/** An error that says what was wrong, where, and what to do. Everything that a user may see is one of these. */
export class GrueError extends Error {
  readonly code: ErrorCode;
  readonly at: ErrorDetails['at'];
  readonly fix: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'GrueError';
    this.code = code;
    this.at = details.at;
    this.fix = details.fix;
  }

  /** One line for a condition, an event or a terminal: code, where, what, and the way out. */
  get line(): string {
    const at = this.at === undefined ? '' : typeof this.at === 'string' ? ` at ${this.at}` : ` at line ${this.at.line}, column ${this.at.column}`;
    return `${this.code}${at}: ${this.message}${this.fix === undefined ? '' : ` (${this.fix})`}`;
  }
}

/** The code as the reason of a condition, where a dash is not allowed: `GRUE_SQL_003`. */
export const reasonOf = ({ code }: GrueError): string => code.replaceAll('-', '_');
