import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';

/** How many rows the data set has. */
export const allFlights = 3_000_000;

/** Flights within the United States in the first half of 2001, one row each, in the order of their departure. */
const dataSet = (): string => join(fileURLToPath(import.meta.resolve('vega-datasets')), '../../data/flights-3m.parquet');

/**
 * The first `rows` flights as the JSON of records, in portions of about two thousand; they are never all in memory. The field `number`
 * counts them from 0 without a gap: by it each record is found again in the documents at the end.
 */
export async function* flights(rows: number): AsyncGenerator<readonly string[]> {
  const duckdb = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '256MB' });
  const connection = await duckdb.connect();
  try {
    const result = await connection.stream(
      `SELECT to_json({
         number: file_row_number, date: strftime(date, '%Y-%m-%dT%H:%M:%S'),
         origin: origin, destination: destination, distance: distance, delay: delay
       })::VARCHAR
       FROM read_parquet('${dataSet().replaceAll("'", "''")}', file_row_number = true) LIMIT ${rows}`,
    );
    for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      yield chunk.getColumnValues(0) as string[];
    }
  } finally {
    connection.closeSync();
    duckdb.closeSync();
  }
}
