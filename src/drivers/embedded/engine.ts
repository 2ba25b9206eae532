import { extname, join } from 'node:path';
import { GrueError } from '../../api/errors.ts';
import type { SqlEngine, SqlOutline } from '../ports.ts';
import { type LineProcess, ProcessEnded, ProcessSlow, startLines } from './child.ts';
import { type Answer, type Question, unpackOutline } from './protocol.ts';

export interface SqlEngineOptions {
  /** The checker's program. By default it lies beside this file and is of the same kind: TypeScript in the source, JavaScript in a bundle. */
  readonly checkerPath?: string;
  readonly execPath?: string;
  /** The process ends after this time without a question. */
  readonly idleMilliseconds?: number;
  /** Longest time for one question: hostile SQL costs this and no more. */
  readonly timeoutMilliseconds?: number;
  /** How many answers are remembered. */
  readonly remembered?: number;
}

/** The operator's side of the embedded engine: DuckDB runs in a process of its own, started when it is needed. */
export function createSqlEngine(options: SqlEngineOptions = {}): SqlEngine {
  const {
    checkerPath = join(import.meta.dirname, `checker${extname(import.meta.filename)}`),
    execPath = process.execPath,
    idleMilliseconds = 60_000,
    timeoutMilliseconds = 10_000,
    remembered = 2_000,
  } = options;
  const answers = new Map<string, Promise<Answer>>();
  let checker: LineProcess | undefined;
  let idle: NodeJS.Timeout | undefined;
  let line: Promise<unknown> = Promise.resolve();
  let closed = false;

  function stop(): void {
    clearTimeout(idle);
    checker?.stop();
    checker = undefined;
  }

  async function askProcess(question: string): Promise<Answer> {
    if (closed) throw new Error('the SQL engine is closed');
    clearTimeout(idle);
    checker ??= startLines(execPath, checkerPath);
    try {
      return JSON.parse(await checker.ask(question, timeoutMilliseconds)) as Answer;
    } catch (error) {
      stop();
      throw error;
    } finally {
      idle = setTimeout(stop, idleMilliseconds);
      idle.unref();
    }
  }

  /** A process that was killed from outside is started again once; a question that kills it twice is at fault itself. */
  const askTwice = (question: string): Promise<Answer> =>
    askProcess(question)
      .catch((error: unknown) => {
        if (error instanceof ProcessEnded && !closed) return askProcess(question);
        throw error;
      })
      .catch((error: unknown) => {
        if (error instanceof ProcessSlow)
          throw new GrueError('GRUE-SQL-004', `checking the SQL takes longer than ${timeoutMilliseconds} ms`, { fix: 'make it simpler', cause: error });
        if (error instanceof ProcessEnded)
          throw new GrueError('GRUE-SQL-004', `the SQL makes its checker end (${error.message})`, { fix: 'make it simpler', cause: error });
        throw error;
      });

  /** One question at a time, so that the time limit counts for the one that takes long and not for those behind it. */
  function ask(question: Question): Promise<Answer> {
    const key = JSON.stringify(question);
    const known = answers.get(key);
    if (known !== undefined) return known;
    const answer = line.then(() => askTwice(key));
    line = answer.catch(() => {});
    answers.set(key, answer);
    // A failure of the process says nothing about the SQL for ever.
    answer.catch(() => answers.delete(key));
    for (const oldest of answers.keys()) {
      if (answers.size <= remembered) break;
      answers.delete(oldest);
    }
    return answer;
  }

  return {
    async outline(sql, signal): Promise<SqlOutline> {
      const answer = judged(await abortable(ask({ ask: 'outline', sql }), signal));
      if (!('outline' in answer)) throw new Error('the checker answered another question');
      return unpackOutline(answer.outline);
    },
    async check(sql, inputs, output, signal): Promise<void> {
      judged(await abortable(ask({ ask: 'check', sql, inputs, output }), signal));
    },
    async close(): Promise<void> {
      closed = true;
      stop();
    },
  };
}

function judged(answer: Answer): Answer {
  if ('failed' in answer) throw new Error(`the SQL checker failed: ${answer.failed}`);
  if (!('refused' in answer)) return answer;
  const { code, message, at, fix } = answer.refused;
  throw new GrueError(code, message, { ...(at === undefined ? {} : { at }), ...(fix === undefined ? {} : { fix }) });
}

/** Gives up waiting; the answer is still remembered for the next one who asks. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
