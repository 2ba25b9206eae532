import { type DuckDBConnection, DuckDBInstance, type DuckDBPreparedStatement } from '@duckdb/node-api';

/**
 * The one place that knows DuckDB. A sandbox is a database in memory that cannot reach files, the network or extensions, and whose
 * settings cannot be changed any more, whatever SQL it is given.
 */
export interface Sandbox {
  /** A connection of its own: statements of one session run one after another. */
  session(): Promise<Session>;
  close(): void;
}

export interface Session {
  prepare(sql: string): Promise<Statement>;
  close(): void;
}

/** What a statement takes: bytes are BLOBs, texts are VARCHARs, bigints are BIGINTs. */
export type Parameter = Uint8Array | string | bigint;

export interface Statement {
  /** Types of the result's columns, as the engine names them. */
  readonly columnTypes: readonly string[];
  /** Runs it and gives the first row: texts, bytes or null. */
  first(parameters: readonly Parameter[]): Promise<readonly (string | Uint8Array | null)[]>;
  close(): void;
}

/** @param memoryMiB of all sessions together; a statement that needs more fails and the sandbox stays usable */
export async function openSandbox(memoryMiB: number): Promise<Sandbox> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: `${memoryMiB}MiB`,
    // Nothing is spilled: the file system is out of bounds.
    temp_directory: '',
    max_temp_directory_size: '0B',
    preserve_insertion_order: 'true',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    enable_external_access: 'false',
  });
  const connection = await instance.connect();
  // Known only once the database is open. The lock comes last.
  await connection.run("SET GLOBAL TimeZone = 'UTC'; SET GLOBAL lock_configuration = true");
  connection.closeSync();
  return {
    session: async () => session(await instance.connect()),
    close: () => instance.closeSync(),
  };
}

function session(connection: DuckDBConnection): Session {
  return {
    prepare: async (sql) => statement(await connection.prepare(sql)),
    close: () => connection.closeSync(),
  };
}

function statement(prepared: DuckDBPreparedStatement): Statement {
  return {
    columnTypes: Array.from({ length: prepared.columnCount }, (_, i) => prepared.columnType(i).toString()),
    async first(parameters) {
      parameters.forEach((parameter, i) => {
        if (typeof parameter === 'string') prepared.bindVarchar(i + 1, parameter);
        else if (typeof parameter === 'bigint') prepared.bindBigInt(i + 1, parameter);
        else prepared.bindBlob(i + 1, parameter);
      });
      try {
        const [row = []] = (await prepared.runAndReadAll()).getRows();
        return row.map((value) => (value === null || typeof value === 'string' ? value : bytesOf(value)));
      } finally {
        // Otherwise the statement holds the last batch until the next one.
        prepared.clearBindings();
      }
    },
    close: () => prepared.destroySync(),
  };
}

function bytesOf(value: unknown): Uint8Array {
  if (typeof value === 'object' && value !== null && 'bytes' in value && value.bytes instanceof Uint8Array) return value.bytes;
  throw new TypeError('a statement of ours gives texts and bytes only');
}
