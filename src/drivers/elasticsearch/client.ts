import { Client } from '@elastic/elasticsearch';
import { BoundedConnection } from './connection.ts';
import { ExactSerializer } from './json.ts';

/** How to reach a cluster. Nothing of it but the address appears in an error or a log. */
export interface SearchSettings {
  readonly url: string;
  readonly auth?: { readonly username: string; readonly password: string } | { readonly apiKey: string };
  /** `ca`: certificate authority as PEM, instead of those of the system. */
  readonly tls?: { readonly ca: string };
  /** Longest time of one request, its answer included. */
  readonly timeoutMilliseconds?: number;
}

const TIMEOUT_MILLISECONDS = 30_000;

/** @returns the time-out of one request under these settings */
export const timeoutOf = (settings: SearchSettings): number => settings.timeoutMilliseconds ?? TIMEOUT_MILLISECONDS;

/**
 * For requests that change nothing: one more try, because a server or a proxy may close an idle connection at the moment
 * in which it is used again. All other requests go out once, and their caller reads back.
 */
export const readOnly = { maxRetries: 1, retryBackoff: () => 0.05 } as const;

/** A client that sends nothing yet, repeats nothing by itself and follows nobody (no sniffing). To be closed by the caller. */
export function searchClient(settings: SearchSettings): Client {
  return new Client({
    node: withoutCredentials(settings.url),
    ...(settings.auth === undefined ? {} : { auth: settings.auth }),
    ...(settings.tls === undefined ? {} : { tls: settings.tls }),
    requestTimeout: timeoutOf(settings),
    maxRetries: 0,
    Connection: BoundedConnection,
    Serializer: ExactSerializer,
    redaction: { type: 'remove' },
    enableMetaHeader: false,
  });
}

/** The library would take credentials out of the address and show them again in its errors. */
function withoutCredentials(address: string): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url.href;
}
