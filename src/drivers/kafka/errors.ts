import { protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka';
import { GrueError } from '../../api/errors.ts';

/**
 * Something that passes by itself: a leader or a coordinator has just moved, a connection broke. The whole question is asked again;
 * `failure` is what the caller hears when it does not pass in time.
 */
export class Transient extends Error {
  readonly failure: GrueError;

  constructor(failure: GrueError) {
    super(failure.message);
    this.failure = failure;
  }
}

/** An answer that came and makes no sense to the library: damaged records, or a compression that it does not know. */
export class Undecodable extends Error {
  constructor(cause: unknown) {
    super(reasonsOf(cause), { cause });
  }
}

/** What a broker answered for one topic, partition or group. */
export interface Refusal {
  readonly errorCode: number;
  readonly errorMessage?: string | null | undefined;
}

/** @returns the protocol's name of an error code, such as NOT_COORDINATOR; NONE for 0 */
export const errorName = (code: number): string => protocolErrorsCodesById[code] ?? `error ${code}`;

/** Throws unless the answer is good. `subject` says what was asked, as in `topic orders`. */
export function accept(answer: Refusal, subject: string): void {
  if (answer.errorCode !== 0) throw refused(answer, subject);
}

/**
 * The error for a refusal that the asker has no better word for. It is {@link Transient} where Kafka says that the same request may
 * succeed later, so a caller to whom an answer such as UNKNOWN_TOPIC_OR_PARTITION is plain must look at it first.
 */
export function refused({ errorCode, errorMessage }: Refusal, subject: string): Error {
  const name = errorName(errorCode);
  const text = errorMessage ?? protocolErrors[name]?.message ?? 'no reason given';
  const fix = name.endsWith('AUTHORIZATION_FAILED') ? { fix: 'grant it to the user of this Platform' } : {};
  const failure = new GrueError('GRUE-KFK-008', `Kafka refuses a request about ${subject}: ${name}: ${text}`, fix);
  return protocolErrors[name]?.canRetry === true && !MAY_HAVE_HAPPENED.includes(name) ? new Transient(failure) : failure;
}

/** Kafka calls these retriable, but what was asked for may have been carried out: only the caller can find out. */
const MAY_HAVE_HAPPENED = ['REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'];

export const noSuchTopic = (topic: string): GrueError => new GrueError('GRUE-KFK-001', `topic ${topic} does not exist`);

/**
 * Whether the login was refused, at whatever depth the library says so. A connection that broke off during the login (a broker that is
 * being restarted) is also a failed login to the library: not to us, for the credentials may be right.
 */
export const isAuthentication = (error: unknown): boolean => tree(error).some((e) => codeOf(e) === 'PLT_KFK_AUTHENTICATION' && !isNetwork(e));

/** Whether no answer came: no connection, a broken one, or silence. The library gives its timeouts the same code. */
export const isNetwork = (error: unknown): boolean => tree(error).some((e) => codeOf(e) === 'PLT_KFK_NETWORK');

/** Whether the way of connecting is wrong, as plain text to a port that wants TLS. */
export const isMisuse = (error: unknown): boolean => tree(error).some((e) => codeOf(e) === 'PLT_KFK_USER');

export const isUnknownCompression = (error: unknown): boolean => tree(error).some((e) => codeOf(e) === 'PLT_KFK_UNSUPPORTED_COMPRESSION');

/** The reasons at the bottom of an error, in one text. */
export function reasonsOf(error: unknown): string {
  const reasons = tree(error).filter((e) => e.cause === undefined && !(e instanceof AggregateError));
  return [...new Set(reasons.map((e) => e.message))].join('; ');
}

function tree(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const below = [error.cause, ...(error instanceof AggregateError ? error.errors : [])];
  return [error, ...below.flatMap(tree)];
}

const codeOf = (error: Error): unknown => ('code' in error ? error.code : undefined);
