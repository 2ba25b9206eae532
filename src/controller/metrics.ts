/**
 * What the runtime counts, under the names of controller-runtime, so that existing dashboards and alerts fit.
 *
 * Invariants:
 * 1. Every label set is there with 0 from the start: a rate over an absent series is no answer.
 * 2. Metrics live in the registry that is passed in; nothing is global.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from './clock.ts';
import type { QueueObserver, WorkQueue } from './queue.ts';

const passSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60];
const queueSeconds = [0.001, 0.01, 0.1, 1, 10, 60, 300, 1000];
const passResults = ['success', 'error', 'requeue_after', 'terminal', 'deferred'] as const;

/** `terminal` and `deferred` (the cache was older than our own last write) are ours; the others are controller-runtime's. */
export type PassResult = (typeof passResults)[number];

export interface ControllerMetrics {
  passed(result: PassResult, seconds: number): void;
  panicked(): void;
  timedOut(): void;
  active(delta: 1 | -1): void;
  readonly queue: QueueObserver;
  /** Reads the queue's state when somebody scrapes. */
  observeQueue(queue: WorkQueue, clock: Clock): void;
}

export interface ReflectorMetrics {
  listed(): void;
  watched(): void;
  failed(kind: string): void;
  silent(): void;
  /** Read when somebody scrapes. */
  observe(read: { secondsSinceContact(): number; size(): number }): void;
}

export interface RuntimeMetrics {
  readonly registry: Registry;
  controller(name: string, concurrency: number): ControllerMetrics;
  reflector(kind: string): ReflectorMetrics;
  /** One HTTP exchange. `code` is `<error>` when there was no answer. */
  request(code: string, method: string, host: string): void;
  leading(lease: string, leads: boolean): void;
  event(result: 'sent' | 'dropped' | 'failed'): void;
}

interface ReadGauge<L extends string> {
  set(labels: Record<L, string>, value: number): void;
  add(labels: Record<L, string>, value: number): void;
  /** Calls `read`, which sets the gauge, whenever somebody scrapes. */
  onScrape(read: () => void): void;
}

/** @param registry where the metrics go; process metrics with the event loop's delay are added to it */
export function runtimeMetrics(registry = new Registry()): RuntimeMetrics {
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]): ReadGauge<L> => {
    const reads: (() => void)[] = [];
    const collect = (): void => {
      for (const read of reads) read();
    };
    const made = new Gauge({ name, help, labelNames: [...labelNames], registers, collect });
    return { set: (labels, value) => made.set(labels, value), add: (labels, value) => made.inc(labels, value), onScrape: (read) => void reads.push(read) };
  };
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]): Histogram<L> =>
    new Histogram({ name, help, labelNames: [...labelNames], buckets, registers });

  const ofController = ['controller'] as const;
  const ofQueue = ['name', 'controller'] as const;
  const passes = counter('controller_runtime_reconcile_total', 'Passes by result', ['controller', 'result']);
  const errors = counter('controller_runtime_reconcile_errors_total', 'Passes that failed', ofController);
  const terminal = counter('controller_runtime_terminal_reconcile_errors_total', 'Passes that failed for good', ofController);
  const panics = counter('controller_runtime_reconcile_panics_total', 'Passes that failed by a programming error', ofController);
  const timeouts = counter('controller_runtime_reconcile_timeouts_total', 'Passes that ran out of time', ofController);
  const passTime = histogram('controller_runtime_reconcile_time_seconds', 'Length of a pass', ofController, passSeconds);
  const maximum = gauge('controller_runtime_max_concurrent_reconciles', 'Most passes at once', ofController);
  const active = gauge('controller_runtime_active_workers', 'Passes running now', ofController);

  const depth = gauge('workqueue_depth', 'Keys waiting for a worker', ofQueue);
  const adds = counter('workqueue_adds_total', 'Additions to the queue', ofQueue);
  const retries = counter('workqueue_retries_total', 'Additions after a failure', ofQueue);
  const waited = histogram('workqueue_queue_duration_seconds', 'Wait of a ready key for a worker', ofQueue, queueSeconds);
  const worked = histogram('workqueue_work_duration_seconds', 'Time a key was handed out', ofQueue, queueSeconds);
  const unfinished = gauge('workqueue_unfinished_work_seconds', 'Sum of the ages of running passes', ofQueue);
  const longest = gauge('workqueue_longest_running_processor_seconds', 'Age of the oldest running pass', ofQueue);

  const requests = counter('rest_client_requests_total', 'HTTP exchanges with the API server', ['code', 'method', 'host']);
  const leader = gauge('leader_election_master_status', '1 while this process leads', ['name']);
  const lists = counter('reflector_lists_total', 'Complete lists', ['kind']);
  const watches = counter('reflector_watches_total', 'Watches that the server accepted', ['kind']);
  const failures = counter('reflector_failures_total', 'Lists and watches that failed, by kind of error', ['kind', 'error']);
  const silences = counter(
    'reflector_silent_watches_total',
    'Watches given up because nothing was heard; a kind that falls quiet has one, a dead connection several',
    ['kind'],
  );
  const contact = gauge('reflector_seconds_since_contact', 'Since the last list, event or bookmark', ['kind']);
  const cached = gauge('reflector_cached_objects', 'Objects in the cache', ['kind']);
  const events = counter('event_recorder_events_total', 'Events by what became of them', ['result']);
  for (const result of ['sent', 'dropped', 'failed']) events.inc({ result }, 0);

  return {
    registry,
    controller(controller, concurrency) {
      const queue = { name: controller, controller };
      for (const result of passResults) passes.inc({ controller, result }, 0);
      for (const metric of [errors, terminal, panics, timeouts]) metric.inc({ controller }, 0);
      for (const metric of [adds, retries]) metric.inc(queue, 0);
      for (const metric of [depth, unfinished, longest]) metric.set(queue, 0);
      for (const metric of [waited, worked]) metric.zero(queue);
      passTime.zero({ controller });
      active.set({ controller }, 0);
      maximum.set({ controller }, concurrency);
      return {
        passed(result, seconds) {
          passes.inc({ controller, result });
          if (result === 'error' || result === 'terminal') errors.inc({ controller });
          if (result === 'terminal') terminal.inc({ controller });
          if (result !== 'deferred') passTime.observe({ controller }, seconds);
        },
        panicked: () => panics.inc({ controller }),
        timedOut: () => timeouts.inc({ controller }),
        active: (delta) => active.add({ controller }, delta),
        queue: {
          added: () => adds.inc(queue),
          retried: () => retries.inc(queue),
          taken: (milliseconds) => waited.observe(queue, milliseconds / 1000),
          done: (milliseconds) => worked.observe(queue, milliseconds / 1000),
        },
        observeQueue(of, clock) {
          const ages = (): number[] => [...of.locked().values()].map((since) => (clock.monotonic() - since) / 1000);
          depth.onScrape(() => depth.set(queue, of.depth()));
          unfinished.onScrape(() =>
            unfinished.set(
              queue,
              ages().reduce((sum, age) => sum + age, 0),
            ),
          );
          longest.onScrape(() => longest.set(queue, Math.max(0, ...ages())));
        },
      };
    },
    reflector(kind) {
      lists.inc({ kind }, 0);
      watches.inc({ kind }, 0);
      silences.inc({ kind }, 0);
      return {
        listed: () => lists.inc({ kind }),
        watched: () => watches.inc({ kind }),
        failed: (error) => failures.inc({ kind, error }),
        silent: () => silences.inc({ kind }),
        observe(read) {
          contact.onScrape(() => contact.set({ kind }, read.secondsSinceContact()));
          cached.onScrape(() => cached.set({ kind }, read.size()));
        },
      };
    },
    request: (code, method, host) => requests.inc({ code, method, host }),
    leading: (name, leads) => leader.set({ name }, leads ? 1 : 0),
    event: (result) => events.inc({ result }),
  };
}
