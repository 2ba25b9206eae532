import './kafkajs-repairs.ts';
import { isIP } from 'node:net';
import { Kafka, type KafkaConfig, type LogEntry, logLevel } from 'kafkajs';
import { GrueError } from '../../api/errors.ts';
import type { Logger } from '../../controller/logger.ts';
import { installCodecs } from './codecs.ts';
import { brokerAddress, type KafkaSettings } from './connection.ts';

installCodecs();

/** A kafkajs client. It connects to nothing yet. What the library logs goes to `logger`, one level lower, since we report failures ourselves. */
export function kafkajs(settings: KafkaSettings, logger: Logger): Kafka {
  return new Kafka({
    clientId: settings.clientId,
    brokers: [...settings.bootstrapServers],
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 100, maxRetryTime: 3_000, retries: 5 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => log(logger, entry),
    ...security(settings),
  });
}

function security({ bootstrapServers, sasl, tls }: KafkaSettings): Pick<KafkaConfig, 'sasl' | 'ssl'> {
  const host = brokerAddress(bootstrapServers[0] ?? '').host;
  return {
    ...(tls && { ssl: { ...(tls.ca === undefined ? {} : { ca: tls.ca }), ...(isIP(host) === 0 ? { servername: host } : {}) } }),
    ...(sasl && { sasl: { mechanism: mechanisms[sasl.mechanism], username: sasl.username, password: sasl.password } }),
  } as Pick<KafkaConfig, 'sasl' | 'ssl'>;
}

const mechanisms = { PLAIN: 'plain', 'SCRAM-SHA-256': 'scram-sha-256', 'SCRAM-SHA-512': 'scram-sha-512' } as const;

function log(logger: Logger, { namespace, level, log: { message, error } }: LogEntry): void {
  const fields = error === undefined ? {} : { reason: String(error) };
  const text = `kafkajs ${namespace}: ${message}`;
  if (level === logLevel.ERROR) logger.info(text, fields);
  else logger.debug(text, fields);
}

/**
 * The coded error for whatever kafkajs throws: GRUE-PLT-002 (unreachable), GRUE-PLT-004 (credentials), GRUE-KFK-001 (no such topic),
 * GRUE-KFK-005 (compression), GRUE-KFK-008 (else). An error that is not the library's stays what it is.
 * @param what the attempt as part of a sentence: `reading topic a`
 */
export function coded(what: string, { bootstrapServers }: KafkaSettings, error: unknown): Error {
  const chain = causes(error);
  const own = chain.at(-1);
  if (own instanceof GrueError || (own !== undefined && !own.name.startsWith('KafkaJS'))) return own;
  const names = new Set(chain.map(({ name }) => name));
  const types = new Set(chain.map(typeOf));
  const reason = chain.at(-1)?.message ?? String(error);
  const cluster = `Kafka at ${bootstrapServers.join(', ')}`;
  if (names.has('KafkaJSSASLAuthenticationError') || types.has('SASL_AUTHENTICATION_FAILED'))
    return new GrueError('GRUE-PLT-004', `${cluster} refuses the login: ${reason}`);
  if (names.has('KafkaJSNotImplemented'))
    return new GrueError('GRUE-KFK-005', `${what}: ${reason}`, { fix: 'let the producers use gzip, snappy, lz4, zstd or no compression' });
  if (types.has('UNKNOWN_TOPIC_OR_PARTITION')) return new GrueError('GRUE-KFK-001', `${what}: the topic does not exist`);
  if ([...names].some((name) => unreachable.has(name))) return new GrueError('GRUE-PLT-002', `${cluster} cannot be reached: ${reason}`);
  return new GrueError('GRUE-KFK-008', `${what}: ${reason}`, { cause: error });
}

const unreachable = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSGroupCoordinatorNotFound',
]);

/** The protocol's name of what a broker answered, such as MESSAGE_TOO_LARGE, wherever in the chain of causes it stands. */
export const answerOf = (error: unknown): string | undefined =>
  causes(error)
    .map(typeOf)
    .find((type) => type !== undefined);

const typeOf = (error: Error): string | undefined => ('type' in error && typeof error.type === 'string' ? error.type : undefined);

function causes(error: unknown): Error[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : [];
}
