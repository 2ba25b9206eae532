/**
 * One stage of the worker in a process of its own, until it has settled a number of records. It is the worker's own code from the
 * consumer to the writer; only the HTTP send can be left out.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { Registry } from 'prom-client';
import type { Revision } from '../src/api/revision.ts';
import { systemClock } from '../src/controller/clock.ts';
import { elasticsearchWriter } from '../src/drivers/elasticsearch/bulk.ts';
import { elasticsearchCluster } from '../src/drivers/elasticsearch/cluster.ts';
import { openKafkaCluster } from '../src/drivers/kafka/cluster.ts';
import { groupConsumer } from '../src/drivers/kafka/consumer.ts';
import { openProducer } from '../src/drivers/kafka/producer.ts';
import { winstonLogger } from '../src/logging.ts';
import type { ServerSettings } from '../src/platform/settings.ts';
import { FETCH_BYTES, SESSION_TIMEOUT_MS } from '../src/worker/main.ts';
import { type StageMetrics, workerMetrics } from '../src/worker/metrics.ts';
import { type Openers, openStage } from '../src/worker/open.ts';
import { openTransformEngine } from '../src/worker/transform/engine.ts';
import type { TransformEngine } from '../src/worker/transform/ports.ts';
import { encodeBody } from './bodies.ts';
import { planOf, tell } from './processes.ts';

export interface StagePlan {
  readonly revision: Revision;
  readonly settings: ServerSettings;
  /** Settled records after which the stage is over. */
  readonly records: number;
  /** What becomes of bulk bodies. `Nothing`: everything but the HTTP send. */
  readonly bodies: 'Sent' | 'Nothing';
  /** File that the bodies are kept in as well. */
  readonly keep?: string;
}

export interface StageResult {
  readonly records: number;
  readonly written: number;
  /** From the assignment of the partitions to the last record settled. */
  readonly seconds: number;
  /** Of the processor, by this process, in that time. */
  readonly processorSeconds: number;
  readonly rssMiB: number;
}

const plan = planOf<StagePlan>();
const logger = winstonLogger({ level: 'warn', format: 'text', stream: process.stderr });
const metrics = workerMetrics(new Registry()).stage('bench', plan.revision.metadata.name);
const stop = new AbortController();
let started: { readonly at: number; readonly cpu: NodeJS.CpuUsage } | undefined;
let records = 0;
let written = 0;
let result: StageResult | undefined;

const counting: StageMetrics = {
  ...metrics,
  rebalanced(partitions) {
    metrics.rebalanced(partitions);
    started = { at: performance.now(), cpu: process.cpuUsage() };
  },
  settled(batch, output, bad) {
    metrics.settled(batch, output, bad);
    records += batch;
    written += output;
    if (started === undefined || result !== undefined || records < plan.records) return;
    const { user, system } = process.cpuUsage(started.cpu);
    result = {
      records,
      written,
      seconds: (performance.now() - started.at) / 1_000,
      processorSeconds: (user + system) / 1e6,
      rssMiB: process.memoryUsage.rss() / 1024 ** 2,
    };
    stop.abort();
  },
};

const fail = (error: unknown): void => {
  if (error !== undefined) throw error instanceof Error ? error : new Error(String(error));
};

const open: Openers = {
  kafka: openKafkaCluster,
  consumer: groupConsumer,
  producer: openProducer,
  search: elasticsearchCluster,
  writer: (settings) => ({
    ...elasticsearchWriter(settings),
    ...(plan.bodies === 'Nothing' ? { bulk: async () => ({ outcome: 'Answered', failures: [] }) } : {}),
  }),
};

const kept = plan.keep === undefined ? undefined : openSync(plan.keep, 'w');
const plain = await openTransformEngine();
const engine: TransformEngine = kept === undefined ? plain : keeping(plain, kept);

/** The engine, with every body that it makes written to a file, with the partition that it belongs to. */
function keeping(inner: TransformEngine, file: number): TransformEngine {
  return {
    ...inner,
    sink: async (definition, name) => {
      const stage = await inner.sink(definition, name);
      return {
        ...stage,
        transform: async (batch, limit) => {
          const output = await stage.transform(batch, limit);
          for (const { bytes, count } of output.bodies) for (const part of encodeBody({ lane: batch.partition, count, bytes })) writeSync(file, part);
          return output;
        },
      };
    },
  };
}

const { stage, close } = await openStage(
  plan.revision,
  {
    open,
    engine,
    settings: plan.settings,
    topicId: () => undefined,
    sessionTimeoutMilliseconds: SESSION_TIMEOUT_MS,
    fetchBytes: FETCH_BYTES,
    metrics: counting,
    report: { assigned: () => {}, problem: (_, problem) => fail(problem), setAside: (_, bad) => fail(new Error(`${bad} bad records`)) },
    clock: systemClock,
    logger,
  },
  stop.signal,
);
await stage.run(stop.signal);
await close();
engine.close();
if (kept !== undefined) closeSync(kept);
if (result === undefined) throw new Error(`the stage ended after ${records} of ${plan.records} records`);
await tell(result);
process.exit(0);
