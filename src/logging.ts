/**
 * The one place that knows winston.
 *
 * Invariants:
 * 1. One line per message, whatever is in it.
 * 2. No secret is written: values under telling keys, authorization headers, userinfo in URLs and `password=` pairs are replaced.
 * 3. Logging never fails: circular values, big integers, buffers and deep trees are written in a short form.
 */
import { config, createLogger, format, transports, type Logger as Winston } from 'winston';
import type { LogFields, Logger } from './controller/logger.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LoggingOptions {
  readonly level?: LogLevel;
  /** `json` for machines, `text` for people. */
  readonly format?: 'json' | 'text';
  /** Where lines go; standard output when absent. */
  readonly stream?: NodeJS.WritableStream;
}

/** A logger that writes one redacted line per message. */
export function winstonLogger(options: LoggingOptions = {}): Logger {
  const line = options.format === 'text' ? textLine : jsonLine;
  const winston = createLogger({
    level: options.level ?? 'info',
    levels: config.npm.levels,
    format: format.printf((info) => line(info.level, String(info.message), (info['fields'] ?? {}) as LogFields)),
    transports: [new transports.Stream({ stream: options.stream ?? process.stdout })],
  });
  return loggerOver(winston, {});
}

function loggerOver(winston: Winston, fixed: LogFields): Logger {
  const say = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (winston.isLevelEnabled(level)) winston.log(level, message, { fields: { ...fixed, ...fields } });
  };
  return {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: (fields) => loggerOver(winston, { ...fixed, ...fields }),
  };
}

function jsonLine(level: string, message: string, fields: LogFields): string {
  return JSON.stringify({ time: new Date().toISOString(), level, message: redactText(message), ...(redact(fields) as object) });
}

function textLine(level: string, message: string, fields: LogFields): string {
  const pairs = Object.entries(redact(fields) as object).map(([key, value]) => `${key}=${textValue(value)}`);
  return [new Date().toISOString(), level.toUpperCase().padEnd(5), oneLine(redactText(message)), ...pairs].join(' ');
}

function textValue(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
  const { error, reason } = (value ?? {}) as { error?: string; reason?: string };
  // A stack is for the JSON format: in a line for people it hides everything else.
  if (error !== undefined) return JSON.stringify(reason === undefined ? error : `${error} (${reason})`);
  return JSON.stringify(value);
}

function oneLine(text: string): string {
  return text.replace(/\r?\n/g, '\\n');
}

const hidden = '[redacted]';
const tellingKey = /(password|passwd|passphrase|secret|token|api[-_]?key|authorization|credentials?|private[-_]?key|cookie)$/i;
const deepest = 8;

/** `value` as plain data without secrets. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if (depth >= deepest) return '…';
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (value instanceof Map) return redact(Object.fromEntries(value), depth);
  if (Array.isArray(value) || value instanceof Set) return [...value].map((item) => redact(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, tellingKey.test(key) ? hidden : redact(member, depth + 1)]));
}

function redactError(error: Error, depth: number): object {
  const { name, message, stack, cause, ...others } = error as Error & Record<string, unknown>;
  return {
    error: redactText(`${error.name}: ${error.message}`),
    ...(redact(others, depth + 1) as object),
    ...(cause === undefined ? {} : { cause: redact(cause, depth + 1) }),
    ...(stack === undefined ? {} : { stack: redactText(stack) }),
  };
}

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${hidden}@`],
  [/\b(bearer|basic|apikey)\s+[\w.~+/=-]{6,}/gi, `$1 ${hidden}`],
  [/\b(password|passwd|secret|token|api[-_]?key)(["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&}]+)/gi, `$1$2${hidden}`],
];

function redactText(text: string): string {
  return patterns.reduce((redacted, [pattern, replacement]) => redacted.replace(pattern, replacement), text);
}
