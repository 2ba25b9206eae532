/**
 * The closed list of errors that a user can meet. A code is for ever: it stands in documentation, conditions and logs.
 * `title` says what happened in general; the message of an instance says what was wrong here.
 */
export const errorCodes = {
  'GRUE-API-001': 'a resource does not fit its schema',
  'GRUE-API-002': 'a resource refers to another one that does not exist',
  'GRUE-API-003': 'the resources form a cycle',
  'GRUE-API-004': 'two sinks claim the same alias',
  'GRUE-API-005': 'the value is understood, but not supported in this version',
  'GRUE-API-006': 'a value contradicts another one in the same resource',
  'GRUE-API-007': 'a stream has no writer and is not external',
  'GRUE-PLT-001': 'the Platform does not exist',
  'GRUE-PLT-002': 'Kafka cannot be reached',
  'GRUE-PLT-003': 'Elasticsearch cannot be reached',
  'GRUE-PLT-004': 'Kafka refuses the credentials',
  'GRUE-PLT-005': 'Elasticsearch refuses the credentials',
  'GRUE-PLT-006': 'the Secret does not exist or lacks a key',
  'GRUE-PLT-007': 'the servers behind a Platform are not the ones that were recorded',
  'GRUE-PLT-008': 'another installation has claimed these servers',
  'GRUE-SQL-001': 'the SQL cannot be parsed',
  'GRUE-SQL-002': 'the SQL is not one INSERT INTO ... SELECT ... statement',
  'GRUE-SQL-003': 'a column does not exist',
  'GRUE-SQL-004': 'the SQL uses something that the embedded engine refuses',
  'GRUE-SQL-005': 'the SQL reads something else than a stream',
  'GRUE-SQL-006': 'the columns of the SELECT do not fit the output stream',
  'GRUE-SQL-007': 'the SQL would break the identity of records in a Change stream',
  'GRUE-KFK-001': 'a topic does not exist',
  'GRUE-KFK-002': 'a topic, group or index of that name exists and is not ours',
  'GRUE-KFK-003': 'records that are needed are no longer in the topic',
  'GRUE-KFK-004': 'the topic is not the one that was recorded',
  'GRUE-KFK-005': 'the records use a compression that is not supported',
  'GRUE-KFK-006': 'a group has no committed offset to start from',
  'GRUE-ES-001': 'the alias is a concrete index',
  'GRUE-ES-002': 'Elasticsearch refuses the mappings or settings',
  'GRUE-ES-003': 'the alias exists and was not made by Grue',
  'GRUE-ES-004': 'the alias is not where the plan says',
  'GRUE-ES-005': 'the index is not the one that was recorded',
  'GRUE-ES-006': 'Elasticsearch refused a request',
  'GRUE-MIG-001': 'there is nothing to roll out',
  'GRUE-MIG-002': 'another migration holds the same resources',
  'GRUE-MIG-003': 'the request does not fit the state of the migration',
  'GRUE-MIG-004': 'the plan is larger than the bounds of a migration',
  'GRUE-MIG-005': 'the change has been rejected before',
  'GRUE-MIG-006': 'parity does not hold',
  'GRUE-MIG-007': 'the history that blue holds cannot be rebuilt',
  'GRUE-MIG-008': 'the migration started from another base',
  'GRUE-REC-001': 'the record is not valid JSON',
  'GRUE-REC-002': 'a value does not fit the type of its field',
  'GRUE-REC-003': 'the record has no key where one is needed',
  'GRUE-REC-004': 'the record is too large',
  'GRUE-REC-005': 'an expression of the SQL fails on the record',
  'GRUE-REC-006': 'Elasticsearch refuses the document',
  'GRUE-REC-007': 'two different records have the same identity',
  'GRUE-CLI-001': 'the command was used wrongly',
  'GRUE-CLI-002': 'the object was not found in the cluster',
} as const satisfies Record<string, string>;

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
