import { type Clock, kubeTime } from '../controller/clock.ts';
import { type Condition, mergeConditions } from '../controller/conditions.ts';
import { type KubeApi, type KubeObject, type ResourceType, refOf } from '../controller/kube/api.ts';
import { isKubeError } from '../controller/kube/errors.ts';
import type { Logger } from '../controller/logger.ts';
import { type WorkerView, workerConditions } from './conditions.ts';
import { partitionKey, type TopicPartition } from './ports.ts';
import { conditionTypes, type Problem, problemOf } from './problem.ts';
import type { StageReport } from './stage.ts';

export interface ReporterParts {
  readonly kube: Pick<KubeApi, 'get' | 'applyStatus'>;
  readonly type: ResourceType;
  /** Key of the Revision. */
  readonly revision: string;
  readonly worker: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each problem of a partition as it comes. */
  readonly onProblem?: (problem: unknown) => void;
}

type StoredRevision = KubeObject<unknown, { readonly conditions?: readonly Condition[] }>;

const EVERY_MS = 10_000;
const FIELD_MANAGER = 'grue-worker';
const owns = (type: string): boolean => (conditionTypes as readonly string[]).includes(type);

/** Says in the Revision's status how its stage fares in this worker: on change, and at most every ten seconds. Never fails. */
export class Reporter implements StageReport {
  readonly #parts: ReporterParts;
  readonly #problems = new Map<string, Problem>();
  readonly #setAside = new Map<string, number>();
  #partitions: readonly TopicPartition[] = [];
  #failure: Problem | undefined;
  #stopped = false;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #unsaid = false;
  #saying: Promise<void> | undefined;
  readonly #end = new AbortController();

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  assigned(partitions: readonly TopicPartition[]): void {
    const ours = new Set(partitions.map(partitionKey));
    for (const key of this.#problems.keys()) if (!ours.has(key)) this.#problems.delete(key);
    for (const key of this.#setAside.keys()) if (!ours.has(key)) this.#setAside.delete(key);
    this.#partitions = partitions;
    this.#failure = undefined;
    // one that was assigned nothing has nothing to say about the whole
    if (partitions.length > 0) this.#changed();
  }

  problem(where: TopicPartition, problem: unknown): void {
    if (problem === undefined) this.#problems.delete(partitionKey(where));
    else {
      this.#problems.set(partitionKey(where), problemOf(problem));
      this.#parts.onProblem?.(problem);
    }
    this.#changed();
  }

  setAside(where: TopicPartition, bad: number): void {
    this.#setAside.set(partitionKey(where), (this.#setAside.get(partitionKey(where)) ?? 0) + bad);
    this.#changed();
  }

  /** The stage does not run in this worker. */
  failed(error: unknown): void {
    this.#partitions = [];
    this.#failure = problemOf(error);
    this.#changed();
  }

  /** The stage was asked to stop, and has. */
  async stopped(): Promise<void> {
    await this.close();
    this.#stopped = true;
    await this.#write();
  }

  /** Says nothing more. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#saying;
  }

  #changed(): void {
    this.#unsaid = true;
    this.#saying ??= this.#sayAll().finally(() => {
      this.#saying = undefined;
    });
  }

  /** Changes within the ten seconds after a write wait for their end and are one. */
  async #sayAll(): Promise<void> {
    const { clock } = this.#parts;
    while (this.#unsaid && !this.#end.signal.aborted) {
      await clock.sleep(Math.max(0, this.#writtenAt + EVERY_MS - clock.monotonic()), this.#end.signal).catch(() => {});
      if (this.#end.signal.aborted) return;
      this.#writtenAt = clock.monotonic();
      this.#unsaid = false;
      this.#unsaid = !(await this.#write()) || this.#unsaid;
    }
  }

  /** @returns false if it has to be tried again */
  async #write(): Promise<boolean> {
    const { kube, type, revision, logger } = this.#parts;
    try {
      await this.#apply(await kube.get<StoredRevision>(type, refOf(revision)));
      return true;
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return true;
      logger.warn('the conditions of the Revision were not written', { error });
      return false;
    }
  }

  /** Another worker may write at the same time: then the server refuses, for the lines of both have to be there. */
  async #apply(stored: StoredRevision): Promise<void> {
    const { kube, type, clock } = this.#parts;
    const { name, namespace, uid, resourceVersion, generation } = stored.metadata;
    const before = stored.status?.conditions?.filter((condition) => owns(condition.type)) ?? [];
    const conditions = mergeConditions(before, workerConditions(before, this.#view()), { now: kubeTime(clock.now()), generation });
    if (JSON.stringify(conditions) === JSON.stringify(before)) return;
    const metadata = { name, ...(namespace && { namespace }), ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
    await kube.applyStatus(
      type,
      { apiVersion: stored.apiVersion, kind: stored.kind, metadata, status: { conditions } },
      { fieldManager: FIELD_MANAGER, force: true },
    );
  }

  #view(): WorkerView {
    return {
      worker: this.#parts.worker,
      partitions: this.#partitions,
      problems: this.#problems,
      setAside: this.#setAside,
      failure: this.#failure,
      stopped: this.#stopped,
    };
  }
}
