import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Batch, Position } from './ports.ts';

/** What one stage counts. */
export interface StageMetrics {
  /** A batch is durable. */
  settled(records: number, written: number, bad: number): void;
  position(batch: Batch, position: Position): void;
  bulk(operations: number, seconds: number): void;
  retried(): void;
  rebalanced(partitions: number): void;
  restarted(): void;
  /** Takes the series of this stage away. */
  remove(): void;
}

export interface WorkerMetrics {
  stage(namespace: string, revision: string): StageMetrics;
}

const labelNames = ['namespace', 'revision'] as const;
const sizes = [1, 10, 100, 1_000, 5_000, 10_000, 50_000];
const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The metrics of the worker, in a registry that is passed in. Every series of a stage is there with 0 from its start. */
export function workerMetrics(registry: Registry): WorkerMetrics {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[]) => new Histogram({ name, help, labelNames, buckets, registers });

  const read = counter('grue_worker_records_in_total', 'Records read and settled');
  const written = counter('grue_worker_records_out_total', 'Records or operations written and acknowledged');
  const dead = counter('grue_worker_dead_letters_total', 'Bad records set aside as dead letters');
  const retries = counter('grue_worker_retries_total', 'Requests that had to be repeated');
  const rebalances = counter('grue_worker_rebalances_total', 'Assignments of partitions to this worker');
  const restarts = counter('grue_worker_partition_restarts_total', 'Partitions that were started again from their commit');
  const assigned = gauge('grue_worker_partitions', 'Partitions assigned to this worker');
  const lag = new Gauge({
    name: 'grue_worker_lag_records',
    help: 'Offsets between the position and the high watermark',
    labelNames: [...labelNames, 'topic', 'partition'],
    registers,
  });
  const batches = histogram('grue_worker_batch_records', 'Records of a batch', sizes);
  const operations = histogram('grue_worker_bulk_operations', 'Operations of a bulk request', sizes);
  const latency = histogram('grue_worker_bulk_seconds', 'Time from a bulk request to its answer', seconds);
  const ofStage = [read, written, dead, retries, rebalances, restarts, assigned, batches, operations, latency];

  return {
    stage(namespace, revision) {
      const labels = { namespace, revision };
      const of = {
        read: read.labels(labels),
        written: written.labels(labels),
        dead: dead.labels(labels),
        retries: retries.labels(labels),
        rebalances: rebalances.labels(labels),
        restarts: restarts.labels(labels),
        assigned: assigned.labels(labels),
        batches: batches.labels(labels),
        operations: operations.labels(labels),
        latency: latency.labels(labels),
      };
      for (const one of [of.read, of.written, of.dead, of.retries, of.rebalances, of.restarts]) one.inc(0);
      const partitions = new Map<string, { readonly topic: string; readonly partition: string }>();
      const forget = (): void => {
        for (const where of partitions.values()) lag.remove({ ...labels, ...where });
        partitions.clear();
      };
      return {
        settled(records, output, bad) {
          of.read.inc(records);
          of.written.inc(output);
          of.dead.inc(bad);
          of.batches.observe(records);
        },
        position({ topic, partition, highWatermark }, position) {
          const where = { topic, partition: String(partition) };
          partitions.set(`${topic}/${partition}`, where);
          lag.set({ ...labels, ...where }, Math.max(0, highWatermark - position));
        },
        bulk(count, duration) {
          of.operations.observe(count);
          of.latency.observe(duration);
        },
        retried: () => of.retries.inc(),
        rebalanced(count) {
          forget();
          of.rebalances.inc();
          of.assigned.set(count);
        },
        restarted: () => of.restarts.inc(),
        remove() {
          forget();
          for (const metric of ofStage) metric.remove(labels);
        },
      };
    },
  };
}
