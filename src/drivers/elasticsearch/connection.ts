import { addAbortSignal, type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { errors, HttpConnection } from '@elastic/elasticsearch';

type Request = Parameters<HttpConnection['request']>[0];
type Options = Parameters<HttpConnection['request']>[1];

const NO_ANSWER_MILLISECONDS = 30_000;

/**
 * HTTP by Node's own client (18 MiB of memory less than the library's default), with a deadline that holds for the whole
 * request. The base class heeds its time-out and the caller's signal only until the headers of the answer are there: a
 * server that stalls in the middle of a body would hold a reconciler for ever.
 */
export class BoundedConnection extends HttpConnection {
  override async request(request: Request, options: Options): Promise<never> {
    const limit = deadline(options.timeout ?? this.timeout ?? NO_ANSWER_MILLISECONDS, options.signal);
    try {
      const { body, ...head } = await super.request(request, { ...options, signal: limit.signal, timeout: null, asStream: true });
      addAbortSignal(limit.signal, body);
      body.once('close', limit.release);
      return { ...head, body: wantsStream(options) ? body : await read(body) } as never;
    } catch (error) {
      limit.release();
      throw limit.passed() ? new errors.TimeoutError('Request timed out') : error;
    }
  }
}

const wantsStream = (options: Options): boolean => 'asStream' in options && options.asStream === true;

async function read(body: Readable): Promise<Buffer> {
  try {
    return await buffer(body);
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw new errors.RequestAbortedError('Request aborted');
    throw new errors.ConnectionError('Connection closed while reading the body');
  }
}

interface Deadline {
  readonly signal: AbortSignal;
  readonly passed: () => boolean;
  readonly release: () => void;
}

/** Ends when the time is up or the outer signal ends. To be released, or the outer signal would collect a listener per request. */
function deadline(milliseconds: number, outer: AbortSignal | undefined): Deadline {
  const inner = new AbortController();
  const abort = () => inner.abort();
  let passed = false;
  const timer = setTimeout(() => {
    passed = true;
    abort();
  }, milliseconds);
  outer?.addEventListener('abort', abort, { once: true });
  const release = () => {
    clearTimeout(timer);
    outer?.removeEventListener('abort', abort);
  };
  return { signal: inner.signal, passed: () => passed, release };
}
