/**
 * Everything that can go wrong in a call to the API server, as one type with a closed list of kinds.
 *
 * Invariants:
 * 1. No error carries a request or response body, a header or a credential: only the server's own one-line message.
 * 2. Whatever a transport throws becomes a KubeError; callers never look at `cause.code`.
 * 3. An abort by the caller is not an error of the server: the caller's reason is thrown as it is.
 */

export type KubeErrorKind =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  /** A write was based on an older version of the object, or another field manager owns the field. */
  | 'Conflict'
  /** The resource version or continue token is too old: list again. */
  | 'Gone'
  /** The object breaks its schema or a rule. */
  | 'Invalid'
  | 'TooManyRequests'
  /** The server said so itself, the connection failed, or the deadline passed. A write may or may not have happened. */
  | 'Unavailable'
  /** The answer is not what the protocol promises. */
  | 'Unexpected';

export interface KubeErrorDetails {
  /** HTTP status; 0 when there was no answer. */
  readonly status?: number;
  /** `reason` of the server's Status object, or the system's error code. */
  readonly reason?: string;
  /** How long the server asks to wait. */
  readonly retryAfterMilliseconds?: number | undefined;
}

export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly kind: KubeErrorKind;
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMilliseconds: number | undefined;

  constructor(kind: KubeErrorKind, message: string, details: KubeErrorDetails = {}) {
    super(message);
    this.kind = kind;
    this.status = details.status ?? 0;
    this.reason = details.reason ?? kind;
    this.retryAfterMilliseconds = details.retryAfterMilliseconds;
  }
}

/** True if `error` is a KubeError of one of `kinds` (of any kind if none is given). */
export function isKubeError(error: unknown, ...kinds: readonly KubeErrorKind[]): error is KubeError {
  return error instanceof KubeError && (kinds.length === 0 || kinds.includes(error.kind));
}

/** The server's `Status` object, as far as we read it. */
export interface StatusBody {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/**
 * The error for an HTTP status and the server's Status object (which a proxy in between may have left out).
 * `what` says what was attempted, such as `get pipelines flights/delays`.
 */
export function errorOfStatus(what: string, code: number, body: StatusBody, retryAfterMilliseconds?: number): KubeError {
  const told = body.details?.retryAfterSeconds;
  return new KubeError(kindOf(code, body.reason), `${what}: ${oneLine(body.message) || `HTTP ${code}`}`, {
    status: code,
    ...(body.reason ? { reason: body.reason } : {}),
    retryAfterMilliseconds: retryAfterMilliseconds ?? (told === undefined ? undefined : told * 1000),
  });
}

/** The error for a call that got no answer. */
export function errorOfTransport(what: string, cause: unknown): KubeError {
  if (cause instanceof KubeError) return cause;
  const code = systemCode(cause);
  const told = cause instanceof Error ? cause.message : String(cause);
  return new KubeError('Unavailable', `${what}: ${code ?? oneLine(told)}`, { reason: code ?? 'NoAnswer' });
}

function kindOf(code: number, reason: string | undefined): KubeErrorKind {
  switch (code) {
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
      return 'NotFound';
    case 409:
      return reason === 'AlreadyExists' ? 'AlreadyExists' : 'Conflict';
    case 410:
      return 'Gone';
    case 422:
      return 'Invalid';
    case 429:
      return 'TooManyRequests';
    default:
      if (code >= 500 || code === 408) return 'Unavailable';
      return code >= 400 ? 'BadRequest' : 'Unexpected';
  }
}

function systemCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return systemCode(cause.cause);
}

// A message may quote the refused object; 500 characters are enough to say why and not enough to copy a Secret.
function oneLine(message: string | undefined): string {
  return (message ?? '').replace(/\s+/g, ' ').slice(0, 500);
}
