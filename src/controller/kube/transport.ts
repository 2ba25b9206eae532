/**
 * HTTP to the API server: credentials and trust come from client-node's KubeConfig, everything else is ours, because
 * client-node makes a new TLS connection per call, has no deadlines, and turns errors into messages with whole bodies.
 *
 * Invariants:
 * 1. Every exchange ends within its deadline, waiting for the first byte of a stream included; connections are reused.
 * 2. Client-side rate: exchanges wait for a token of one bucket before they start.
 * 3. A read that met a connection which the server had just closed is repeated once; a write never is.
 * 4. Where an answer does not come, no kept connection is used again: a network that has forgotten one of them has forgotten all, and each would
 *    cost a deadline, more than a lease lasts.
 * 5. Every exchange is counted by code, method and host.
 */
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { type Rate, tokenBucket } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import type { RuntimeMetrics } from '../metrics.ts';
import { errorOfStatus, errorOfTransport, KubeError, type StatusBody } from './errors.ts';

export interface TransportOptions {
  readonly config: KubeConfig;
  readonly clock: Clock;
  readonly metrics: Pick<RuntimeMetrics, 'request'>;
  /** Sent as User-Agent, such as `grue/0.1.0`. */
  readonly userAgent: string;
  readonly rate?: Rate;
  readonly timeoutMilliseconds?: number;
}

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query, below the server's own path. */
  readonly path: string;
  /** For error messages: what is attempted, such as `get pipelines flights/delays`. */
  readonly what: string;
  readonly body?: { readonly contentType: string; readonly value: unknown };
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMilliseconds?: number | undefined;
}

export interface Transport {
  /** The parsed JSON of a successful answer. @throws KubeError */
  call(exchange: Exchange): Promise<unknown>;
  /** The lines of a successful answer, as they come. The deadline is for its beginning only. @throws KubeError */
  lines(exchange: Exchange, onOpen?: () => void): AsyncIterable<string>;
  /** Closes idle connections. */
  close(): void;
}

// Idle connections are dropped before the API server does (after 90 s), or a write could meet a closing one.
const agentOptions = { keepAlive: true, keepAliveMsecs: 15_000, timeout: 60_000 };
const largestErrorBody = 64 * 1024;

export function kubeTransport(options: TransportOptions): Transport {
  const cluster = options.config.getCurrentCluster();
  if (!cluster) throw new KubeError('Unexpected', 'the kubeconfig has no current cluster');
  const server = new URL(cluster.server);
  const secure = server.protocol === 'https:';
  const ownAgent = secure ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  const bucket = tokenBucket(options.rate ?? { perSecond: 50, burst: 100 }, options.clock);

  async function requestOptions(exchange: Exchange, body: string | undefined, signal: AbortSignal): Promise<RequestOptions> {
    const prepared: https.RequestOptions = {};
    await options.config.applyToHTTPSOptions(prepared);
    const headers: Record<string, string> = {
      ...(prepared.headers as Record<string, string> | undefined),
      accept: 'application/json',
      'user-agent': options.userAgent,
      // Said explicitly, because Node sends the body of a DELETE without a length, which no server can read.
      ...(exchange.body ? { 'content-type': exchange.body.contentType, 'content-length': String(Buffer.byteLength(body ?? '')) } : {}),
    };
    return {
      ...prepared,
      // The agent of client-node keeps no connection alive; it is needed only when there is a proxy to go through.
      agent: cluster?.proxyUrl ? prepared.agent : ownAgent,
      protocol: server.protocol,
      hostname: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port,
      path: server.pathname.replace(/\/$/, '') + exchange.path,
      method: exchange.method,
      headers,
      signal,
    };
  }

  function send(prepared: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(prepared, resolve);
      request.on('error', (error) => {
        reject(Object.assign(error, { staleConnection: request.reusedSocket && systemCode(error) === 'ECONNRESET' }));
      });
      request.on('socket', (socket) => socket.setKeepAlive(true, 15_000));
      request.end(body);
    });
  }

  /** The successful response, unread. */
  async function begin(exchange: Exchange, signal: AbortSignal): Promise<IncomingMessage> {
    const wait = bucket.reserve();
    if (wait > 0) await options.clock.sleep(wait, signal);
    const body = exchange.body && JSON.stringify(exchange.body.value);
    const prepared = await requestOptions(exchange, body, signal);
    const response = await send(prepared, body).catch((error) => {
      if (exchange.method === 'GET' && error.staleConnection) return send(prepared, body);
      options.metrics.request('<error>', exchange.method, server.host);
      throw error;
    });
    const code = response.statusCode ?? 0;
    options.metrics.request(String(code), exchange.method, server.host);
    if (code >= 200 && code < 300) return response;
    throw errorOfStatus(exchange.what, code, await statusBody(response), retryAfter(response));
  }

  /** Runs `work` under the caller's signal and a deadline; whatever it throws becomes what the contract promises. */
  async function guarded<T>(exchange: Exchange, work: (signal: AbortSignal, opened: () => void) => Promise<T>): Promise<T> {
    exchange.signal?.throwIfAborted();
    const deadline = new AbortController();
    const milliseconds = exchange.timeoutMilliseconds ?? options.timeoutMilliseconds ?? 30_000;
    const expired = new KubeError('Unavailable', `${exchange.what}: no answer within ${milliseconds} ms`, { reason: 'Timeout' });
    const timer = setTimeout(() => deadline.abort(expired), milliseconds);
    const signal = exchange.signal ? AbortSignal.any([exchange.signal, deadline.signal]) : deadline.signal;
    try {
      return await work(signal, () => clearTimeout(timer));
    } catch (error) {
      if (exchange.signal?.aborted) throw exchange.signal.reason;
      if (!deadline.signal.aborted) throw errorOfTransport(exchange.what, error);
      for (const idle of Object.values(ownAgent.freeSockets)) for (const socket of idle ?? []) socket.destroy();
      throw expired;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    call: (exchange) =>
      guarded(exchange, async (signal) => {
        const text = await textOf(await begin(exchange, signal));
        try {
          return JSON.parse(text) as unknown;
        } catch {
          throw new KubeError('Unexpected', `${exchange.what}: the answer is no JSON`);
        }
      }),

    async *lines(exchange, onOpen) {
      const response = await guarded(exchange, (signal) => begin(exchange, signal));
      onOpen?.();
      // Not AbortSignal.any of the opening: its deadline is over, only the caller may end the stream now.
      const abort = (): void => void response.destroy();
      exchange.signal?.addEventListener('abort', abort, { once: true });
      let rest = '';
      try {
        exchange.signal?.throwIfAborted();
        for await (const chunk of response.setEncoding('utf8')) {
          const pieces = (rest + chunk).split('\n');
          rest = pieces.pop() ?? '';
          yield* pieces.filter((piece) => piece !== '');
        }
        if (rest !== '') throw new KubeError('Unavailable', `${exchange.what}: the stream ended within a line`);
      } catch (error) {
        if (exchange.signal?.aborted) throw exchange.signal.reason;
        throw errorOfTransport(exchange.what, error);
      } finally {
        exchange.signal?.removeEventListener('abort', abort);
        response.destroy();
      }
    },

    close: () => ownAgent.destroy(),
  };
}

async function textOf(response: IncomingMessage, atMost = Number.POSITIVE_INFINITY): Promise<string> {
  const chunks: string[] = [];
  let length = 0;
  for await (const chunk of response.setEncoding('utf8')) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > atMost) break;
  }
  return chunks.join('');
}

async function statusBody(response: IncomingMessage): Promise<StatusBody> {
  try {
    const body: unknown = JSON.parse(await textOf(response, largestErrorBody));
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {}; // A proxy in between answers in its own words; the code is what counts.
  }
}

function retryAfter(response: IncomingMessage): number | undefined {
  const seconds = Number(response.headers['retry-after']);
  return Number.isFinite(seconds) && response.headers['retry-after'] !== undefined ? seconds * 1000 : undefined;
}

function systemCode(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}
