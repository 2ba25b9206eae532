/** How the runtime speaks. The winston implementation is `src/logging.ts`; tests pass a recording one. */

/** Facts that belong to a message. Values must be plain data; an `Error` is allowed under the key `error`. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to everything it says. */
  child(fields: LogFields): Logger;
}

const nothing = (): void => {};

/** Says nothing. For parts that are used without a log, and for tests that do not look at it. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
