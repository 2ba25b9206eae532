import type { Revision } from '../api/revision.ts';
import { type Backoff, backoffMilliseconds, type Random } from '../controller/backoff.ts';
import type { Clock } from '../controller/clock.ts';
import type { Logger } from '../controller/logger.ts';
import type { Stage, StageReport } from './stage.ts';

/** The Revisions as far as this process has heard. */
export interface RevisionSource {
  get(key: string): Revision | undefined;
}

/** What is said about one stage: by itself, and by the runner when it cannot run. */
export interface RunReport extends StageReport {
  failed(error: unknown): void;
  stopped(): Promise<void>;
  close(): Promise<void>;
}

export interface RunnerParts {
  readonly revisions: RevisionSource;
  /** Opens the stage of a Revision, with what it reports through. */
  readonly open: (
    revision: Revision,
    report: RunReport,
    signal: AbortSignal,
  ) => Promise<{
    readonly stage: Pick<Stage, 'run' | 'poke'>;
    /** Aborts when it has to be opened anew, because it was opened with what no longer holds. */
    readonly outdated?: AbortSignal;
    close(): Promise<void>;
  }>;
  readonly report: (key: string) => RunReport;
  readonly clock: Clock;
  /** For the jitter of waits; a number in [0, 1). */
  readonly random?: Random | undefined;
  readonly logger: Logger;
}

/** Whoever changes its value wants a stage that pauses to go on, bad records or not. */
export const resumeAnnotation = 'grue.dev/resume';

const backoff: Backoff = { baseMilliseconds: 500, maxMilliseconds: 60_000, jitter: 0.3 };
/** A stage that ran so long was well; its next failure is the first one again. */
const WELL_MS = 60_000;

interface Run {
  readonly uid: string;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  resume: string | undefined;
  stage?: Pick<Stage, 'poke'> | undefined;
}

/** Runs the stages of the Revisions that are wanted to run, each until that changes. */
export class Runner {
  readonly #parts: RunnerParts;
  readonly #runs = new Map<string, Run>();
  #closing = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Looks at one Revision again. */
  changed(key: string): void {
    const revision = this.#parts.revisions.get(key);
    const run = this.#runs.get(key);
    if (run === undefined) {
      if (!this.#closing && isWanted(revision)) this.#start(key, revision);
    } else if (!isWanted(revision) || revision.metadata.uid !== run.uid) {
      run.stop.abort();
    } else if (run.resume !== resumeOf(revision)) {
      run.resume = resumeOf(revision);
      run.stage?.poke(true);
    }
  }

  /** Stops all stages; resolves when they are over. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const { stop } of this.#runs.values()) stop.abort();
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended));
  }

  #start(key: string, revision: Revision): void {
    const stop = new AbortController();
    const ended = Promise.resolve().then(async () => {
      await this.#keepRunning(key, run);
      this.#runs.delete(key);
      this.changed(key);
    });
    const run: Run = { uid: revision.metadata.uid, stop, ended, resume: resumeOf(revision) };
    this.#runs.set(key, run);
  }

  async #keepRunning(key: string, run: Run): Promise<void> {
    const { clock, logger, random = Math.random } = this.#parts;
    const { signal } = run.stop;
    const report = this.#parts.report(key);
    for (let failures = 0; !signal.aborted; ) {
      const startedAt = clock.monotonic();
      try {
        await this.#runOnce(key, run, report);
      } catch (error) {
        if (signal.aborted) break;
        failures = clock.monotonic() - startedAt > WELL_MS ? 1 : failures + 1;
        logger.warn('the stage starts again', { revision: key, failures, error });
        report.failed(error);
        await clock.sleep(backoffMilliseconds(backoff, failures, random), signal).catch(() => {});
      }
    }
    const left = this.#parts.revisions.get(key);
    // of one that is being deleted everybody knows that it stops
    if (!this.#closing && left?.metadata.uid === run.uid && left.metadata.deletionTimestamp === undefined) await report.stopped();
    else await report.close();
  }

  async #runOnce(key: string, run: Run, report: RunReport): Promise<void> {
    const revision = this.#parts.revisions.get(key);
    if (revision === undefined) return run.stop.abort();
    const open = await this.#parts.open(revision, report, run.stop.signal);
    run.stage = open.stage;
    try {
      this.#parts.logger.info('the stage runs', { revision: key });
      await open.stage.run(AbortSignal.any([run.stop.signal, ...(open.outdated ? [open.outdated] : [])]));
    } finally {
      run.stage = undefined;
      await open.close();
    }
  }
}

/** Whether this kind of worker is asked to run it. */
function isWanted(revision: Revision | undefined): revision is Revision {
  if (revision === undefined || revision.metadata.deletionTimestamp !== undefined || revision.status?.wanted !== 'Running') return false;
  return revision.spec.pipeline?.engine === 'embedded' || revision.spec.connection !== undefined;
}

const resumeOf = ({ metadata }: Revision): string | undefined => metadata.annotations?.[resumeAnnotation];
