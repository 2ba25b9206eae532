import { errors } from '@elastic/elasticsearch';
import { type ErrorCode, GrueError } from '../../api/errors.ts';

/** An error as Elasticsearch writes it into an answer. */
export interface ServerError {
  readonly type?: string;
  readonly reason?: string | null;
  readonly caused_by?: ServerError;
  readonly failed_shards?: readonly ShardFailure[];
}

export interface ShardFailure {
  readonly shard?: number;
  readonly index?: string | null;
  readonly reason?: ServerError;
}

/** Whole-request answers that mean: the cluster cannot do anything now, rather than: it does not want this. */
const UNAVAILABLE = new Set([
  'master_not_discovered_exception',
  'cluster_block_exception',
  'process_cluster_event_timeout_exception',
  'no_shard_available_action_exception',
]);
/** Answers of a gateway in front of a server that it does not reach, or loses in the middle. */
const GATEWAY_STATUS = new Set([500, 502, 503, 504]);

/**
 * Runs one request and turns what goes wrong into a coded error.
 *
 * @param what the request as part of a sentence: `reading index a`
 * @param others codes for refusals that mean something particular here, by the server's type of error
 * @throws GrueError GRUE-PLT-003 (unreachable), GRUE-PLT-005 (credentials), GRUE-ES-006 (else); the signal's reason if it ended the request
 */
export async function request<T>(what: string, signal: AbortSignal, run: () => Promise<T>, others: Readonly<Record<string, ErrorCode>> = {}): Promise<T> {
  try {
    return await run();
  } catch (error) {
    signal.throwIfAborted();
    throw coded(what, error, others);
  }
}

/** The status of a refused request; undefined when there was no answer. */
export const statusOf = (error: unknown): number | undefined => (error instanceof errors.ResponseError ? error.meta.statusCode : undefined);

/** What the server said about a refused request; undefined when it was not Elasticsearch that answered. */
export function serverError(error: unknown): ServerError | undefined {
  const body: unknown = error instanceof errors.ResponseError ? error.meta.body : undefined;
  return serverErrorIn(body);
}

export function serverErrorIn(body: unknown): ServerError | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  return typeof body.error === 'object' && body.error !== null ? (body.error as ServerError) : { reason: String(body.error) };
}

/** The outermost and the innermost reason: the first says what, the last says why. */
export function reasonOf(error: ServerError): string {
  let innermost = error;
  while (innermost.caused_by !== undefined) innermost = innermost.caused_by;
  const outer = error.reason ?? error.type ?? 'no reason given';
  const inner = innermost.reason ?? '';
  return inner === '' || outer.includes(inner) ? outer : `${outer}: ${inner}`;
}

function coded(what: string, error: unknown, others: Readonly<Record<string, ErrorCode>>): unknown {
  if (error instanceof errors.ResponseError) return refused(what, error, others);
  if (error instanceof errors.ProductNotSupportedError) {
    return new GrueError('GRUE-PLT-003', `${what}: what answers is not Elasticsearch`, { fix: 'check the address of the Platform' });
  }
  if (error instanceof errors.ElasticsearchClientError) return new GrueError('GRUE-PLT-003', `${what}: ${error.message}`);
  return error;
}

function refused(what: string, error: errors.ResponseError, others: Readonly<Record<string, ErrorCode>>): GrueError {
  const status = statusOf(error) ?? 0;
  const said = serverError(error);
  const reason = said === undefined ? `HTTP status ${status}` : reasonOf(said);
  const other = others[said?.type ?? ''];
  if (other !== undefined) return new GrueError(other, `${what}: ${reason}`);
  const shard = said?.failed_shards?.[0];
  if (shard !== undefined) return shardError(what, shard);
  const unavailable = said === undefined ? GATEWAY_STATUS.has(status) : UNAVAILABLE.has(said.type ?? '');
  return unavailable ? new GrueError('GRUE-PLT-003', `${what}: ${reason}`) : refusal(what, status, reason);
}

/** The error for an answer that refuses for good. */
export function refusal(what: string, status: number, reason: string): GrueError {
  if (status !== 401 && status !== 403) return new GrueError('GRUE-ES-006', `${what}: ${reason}`);
  return new GrueError('GRUE-PLT-005', `${what}: ${reason}`, { fix: 'check the Secret that the Platform names, and the privileges of its user' });
}

export function shardError(what: string, { index, shard, reason }: ShardFailure): GrueError {
  return new GrueError(
    'GRUE-ES-006',
    `${what}: shard ${shard ?? '?'} of ${index ?? 'the index'} failed: ${reason === undefined ? 'no reason given' : reasonOf(reason)}`,
  );
}

interface Shards {
  readonly total: number;
  readonly successful: number;
  readonly failed: number;
  readonly failures?: readonly ShardFailure[];
}

/** @throws GrueError GRUE-ES-006 unless every shard answered: a number from some of the shards is no number */
export function allShards(what: string, shards: Shards): void {
  noFailedShard(what, shards);
  if (shards.successful < shards.total)
    throw new GrueError('GRUE-ES-006', `${what}: ${shards.total - shards.successful} of ${shards.total} shards did not answer`);
}

/** For requests that also go to replicas: one that is not assigned to a node counts in the total, but is nothing to wait for. */
export function noFailedShard(what: string, { total, successful, failed, failures }: Shards): void {
  const [failure] = failures ?? [];
  if (failure !== undefined) throw shardError(what, failure);
  if (failed > 0 || successful === 0) throw new GrueError('GRUE-ES-006', `${what}: ${failed > 0 ? failed : total} of ${total} shards failed`);
}
