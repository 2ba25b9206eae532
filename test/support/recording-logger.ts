import type { LogFields, Logger } from '../../src/controller/logger.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

export interface RecordingLogger extends Logger {
  readonly lines: readonly LogLine[];
}

/** Keeps what is said, for tests that look at it. */
export function recordingLogger(lines: LogLine[] = [], fixed: LogFields = {}): RecordingLogger {
  const say = (level: LogLine['level']) => (message: string, fields?: LogFields) => {
    lines.push({ level, message, fields: { ...fixed, ...fields } });
  };
  return {
    lines,
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: (fields) => recordingLogger(lines, { ...fixed, ...fields }),
  };
}
