import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type Client, errors } from '@elastic/elasticsearch';
import { GrueError } from '../../api/errors.ts';
import { readOnly, type SearchSettings, searchClient, timeoutOf } from './client.ts';
import { reasonOf, refusal, request, type ServerError, serverErrorIn } from './errors.ts';
import { writerAlias } from './indices.ts';

/** An operation that did not simply succeed. */
export interface ItemFailure {
  /** Which operation of the body, from 0. */
  readonly position: number;
  readonly id: string;
  readonly status: number;
  /** The server's type of error, such as `version_conflict_engine_exception`. */
  readonly type: string;
  readonly reason: string;
}

/** What became of one bulk request; each kind asks for another answer of the worker. */
export type BulkOutcome =
  /** Every operation was acknowledged, but for the failures. The deletion of what is not there is a success. */
  | { readonly outcome: 'Answered'; readonly failures: readonly ItemFailure[] }
  /** The cluster took nothing of it and says so (429, 503): send again later. */
  | { readonly outcome: 'Rejected'; readonly status: number; readonly reason: string }
  /** Any part of it may have been done, now or later: send the same again, or nothing that touches these ids. */
  | { readonly outcome: 'Ambiguous'; readonly reason: string }
  /** There was no connection, so nothing was sent. */
  | { readonly outcome: 'Unreachable'; readonly reason: string };

/** Writes prepared documents and asks for the digests of those that are there. */
export interface DocumentWriter {
  /**
   * Sends a prepared body (NDJSON: an action line without index, then the document unless the action is `delete`) as it is.
   *
   * @param index concrete name of an index that `createIndex` of the port made; nothing is written when it does not exist (any more)
   * @param operations how many the body holds; another number of acknowledgements is an error
   * @throws GrueError GRUE-PLT-005 for wrong credentials, GRUE-ES-006 for a body that the server refuses as a whole; the signal's reason when it ended the request
   */
  bulk(index: string, body: string | Buffer, operations: number, signal: AbortSignal): Promise<BulkOutcome>;
  /** Digests (`h1-h2-h3-h4`) of those of the ids that exist, refreshed or not: after a 409 on `create` an equal one means that the document is this one. */
  storedDigests(index: string, ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
  close(): Promise<void>;
}

const SUCCESS = '{"errors":false';
const IDS_AT_ONCE = 1_000;

/** A writer with a connection pool of its own. Connects at the first request. */
export function elasticsearchWriter(settings: SearchSettings): DocumentWriter {
  const client = searchClient(settings);
  // the server gives up waiting for a shard before we give up waiting for the server
  const shardWait = `${Math.ceil(timeoutOf(settings) / 2)}ms`;
  return {
    bulk: (index, body, operations, signal) => bulk(client, index, body, operations, shardWait, signal),
    storedDigests: (index, ids, signal) => storedDigests(client, index, ids, signal),
    close: () => client.close(),
  };
}

async function bulk(client: Client, index: string, body: string | Buffer, operations: number, shardWait: string, signal: AbortSignal): Promise<BulkOutcome> {
  let answer: Answer;
  try {
    answer = await post(client, index, body, shardWait, signal);
  } catch (error) {
    signal.throwIfAborted();
    return notAnswered(error);
  }
  if (answer.status >= 300) return refused(index, answer);
  if (!answer.text.startsWith(SUCCESS)) return { outcome: 'Answered', failures: failuresIn(index, answer.text, body, operations) };
  acknowledged(index, operations, occurrences(answer.text, '"status"'));
  return { outcome: 'Answered', failures: [] };
}

interface Answer {
  readonly status: number;
  readonly text: string;
  /** Whether it is Elasticsearch that answered, and not a gateway in front of it. */
  readonly genuine: boolean;
}

async function post(client: Client, index: string, body: string | Buffer, shardWait: string, signal: AbortSignal): Promise<Answer> {
  const {
    statusCode,
    headers,
    body: answer,
  } = await client.transport.request<Readable>(
    {
      method: 'POST',
      path: `/${encodeURIComponent(writerAlias(index))}/_bulk`,
      // a status per item keeps the positions; identity and result of each would make the answer ten times as long
      querystring: { require_alias: 'true', timeout: shardWait, filter_path: 'errors,items.*.status,items.*.error' },
      bulkBody: body,
    },
    // unread, so that a success is seen in its first bytes and never becomes an object per item
    { asStream: true, meta: true, signal },
  );
  return { status: statusCode, text: await text(answer), genuine: headers['x-elastic-product'] !== undefined };
}

/** Node names the system call while there is no connection; the library's own words stand for several addresses that all refused. */
const NO_CONNECTION = /^(connect|getaddrinfo) |^connection failed/;

function notAnswered(error: unknown): BulkOutcome {
  if (error instanceof errors.ProductNotSupportedError) return { outcome: 'Ambiguous', reason: 'what answers is not Elasticsearch' };
  const reason = error instanceof Error ? error.message : String(error);
  return { outcome: error instanceof errors.ConnectionError && NO_CONNECTION.test(reason) ? 'Unreachable' : 'Ambiguous', reason };
}

function refused(index: string, { status, text, genuine }: Answer): BulkOutcome {
  const said = serverErrorIn(parsed(text));
  const reason = said === undefined ? `HTTP status ${status}` : reasonOf(said);
  // of a gateway's answer nobody knows whether the server had the request
  if (status === 429 || (status === 503 && genuine)) return { outcome: 'Rejected', status, reason };
  if (status >= 500) return { outcome: 'Ambiguous', reason };
  throw refusal(`writing to ${index}`, status, reason);
}

function parsed(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return undefined;
  }
}

interface WireItem {
  readonly status: number;
  readonly error?: ServerError;
}

function failuresIn(index: string, answer: string, body: string | Buffer, operations: number): ItemFailure[] {
  const { items } = JSON.parse(answer) as { items: readonly Readonly<Record<string, WireItem>>[] };
  acknowledged(index, operations, items.length);
  const ids = idsIn(body);
  return items.flatMap((item, position) => {
    const [result] = Object.values(item);
    const id = ids.next().value ?? '';
    if (result?.error === undefined) return [];
    return { position, id, status: result.status, type: result.error.type ?? '', reason: reasonOf(result.error) };
  });
}

/** Ids in the order of the operations, out of the action lines. Only asked for when something failed. */
function* idsIn(body: string | Buffer): Generator<string, undefined> {
  const lines = typeof body === 'string' ? body : body.toString();
  for (let start = 0; start < lines.length; ) {
    const action = JSON.parse(lines.slice(start, endOfLine(lines, start))) as Record<string, { _id?: string }>;
    const [[name, { _id: id = '' }] = ['', {}]] = Object.entries(action);
    yield id;
    start = endOfLine(lines, start) + 1;
    if (name !== 'delete') start = endOfLine(lines, start) + 1;
  }
}

function endOfLine(lines: string, start: number): number {
  const end = lines.indexOf('\n', start);
  return end < 0 ? lines.length : end;
}

function occurrences(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

function acknowledged(index: string, operations: number, answers: number): void {
  if (answers !== operations) throw new GrueError('GRUE-ES-006', `writing to ${index}: ${answers} operations were acknowledged, ${operations} were sent`);
}

interface Stored {
  readonly _id: string;
  readonly found?: boolean;
  readonly _source?: { readonly grue?: { readonly h1?: number; readonly h2?: number; readonly h3?: number; readonly h4?: number } };
  readonly error?: ServerError;
}

async function storedDigests(client: Client, index: string, ids: readonly string[], signal: AbortSignal): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  for (let start = 0; start < ids.length; start += IDS_AT_ONCE) {
    const what = `reading documents of ${index}`;
    const some = ids.slice(start, start + IDS_AT_ONCE);
    const { docs } = await request(what, signal, () =>
      client.mget({ index, ids: some, _source: ['grue.h1', 'grue.h2', 'grue.h3', 'grue.h4'] }, { ...readOnly, signal }),
    );
    for (const { _id, found, _source, error } of docs as readonly Stored[]) {
      if (error !== undefined) throw new GrueError('GRUE-ES-006', `${what}: ${reasonOf(error)}`);
      const { h1, h2, h3, h4 } = _source?.grue ?? {};
      if (found === true) digests.set(_id, `${h1 ?? ''}-${h2 ?? ''}-${h3 ?? ''}-${h4 ?? ''}`);
    }
  }
  return digests;
}
