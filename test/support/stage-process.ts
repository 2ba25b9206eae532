/**
 * One stage in a process of its own, which dies by SIGKILL before or after the nth call of a port. The failure sits in what the test
 * puts around the ports; the worker knows nothing of it.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import type { Revision } from '../../src/api/revision.ts';
import { systemClock } from '../../src/controller/clock.ts';
import { elasticsearchWriter } from '../../src/drivers/elasticsearch/bulk.ts';
import { elasticsearchCluster } from '../../src/drivers/elasticsearch/cluster.ts';
import { openKafkaCluster } from '../../src/drivers/kafka/cluster.ts';
import { groupConsumer } from '../../src/drivers/kafka/consumer.ts';
import { openProducer } from '../../src/drivers/kafka/producer.ts';
import { winstonLogger } from '../../src/logging.ts';
import type { ServerSettings } from '../../src/platform/settings.ts';
import { workerMetrics } from '../../src/worker/metrics.ts';
import { type Openers, openStage } from '../../src/worker/open.ts';
import { problemOf } from '../../src/worker/problem.ts';
import { Runner, type RunReport } from '../../src/worker/run.ts';
import type { TransformEngine } from '../../src/worker/transform/ports.ts';
import { plainEngine } from './plain-engine.ts';

export interface StageProcessPlan {
  readonly revision: Revision;
  readonly settings: ServerSettings;
  readonly sessionTimeoutMilliseconds: number;
  readonly fetchBytes: number;
  /** Where to die. */
  readonly kill?: { readonly call: PortCall; readonly when: 'before' | 'after'; readonly nth: number };
  /** Batches with this partition and offset wait before anything of them is prepared, as long as the file exists. */
  readonly hold?: { readonly partition: number; readonly offset: number; readonly while: string };
}

/** Everything that a stage waits for. */
export const portCalls = ['committed', 'offsets', 'prepare', 'bulk', 'digests', 'produce', 'dead-letters', 'commit'] as const;
export type PortCall = (typeof portCalls)[number];

async function run(plan: StageProcessPlan): Promise<void> {
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  const logger = winstonLogger({ level: 'info', format: 'text', stream: process.stderr });
  const calls = new Map<PortCall, number>();
  const mortal =
    <A extends unknown[], R>(call: PortCall, work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const nth = (calls.get(call) ?? 0) + 1;
      calls.set(call, nth);
      const fatal = plan.kill?.call === call && plan.kill.nth === nth ? plan.kill.when : undefined;
      if (fatal === 'before') die(call);
      const answer = await work(...args);
      if (fatal === 'after') die(call);
      return answer;
    };
  const deadLetters = plan.revision.spec.physical.deadLetters;
  const open: Openers = {
    kafka: (settings) => {
      const kafka = openKafkaCluster(settings);
      return { ...kafka, committed: mortal('committed', kafka.committed), offsets: mortal('offsets', kafka.offsets) };
    },
    consumer: (options) => {
      const consumer = groupConsumer(options);
      const commit = mortal('commit', consumer.commit.bind(consumer));
      return new Proxy(consumer, { get: (target, name) => (name === 'commit' ? commit : bound(target, name)) });
    },
    producer: (settings, log) => {
      const producer = openProducer(settings, log);
      const produce = mortal('produce', producer.send);
      const bury = mortal('dead-letters', producer.send);
      return { ...producer, send: (topic, records) => (topic === deadLetters ? bury : produce)(topic, records) };
    },
    search: elasticsearchCluster,
    writer: (settings) => {
      const writer = elasticsearchWriter(settings);
      return { ...writer, bulk: mortal('bulk', writer.bulk), storedDigests: mortal('digests', writer.storedDigests) };
    },
  };
  const key = `test/${plan.revision.metadata.name}`;
  const runner = new Runner({
    revisions: { get: (asked) => (asked === key ? plan.revision : undefined) },
    clock: systemClock,
    logger,
    report: () => report,
    open: (revision, _, signal) =>
      openStage(
        revision,
        {
          open,
          engine: holding(plainEngine, plan.hold, (work) => mortal('prepare', work)),
          settings: plan.settings,
          topicId: () => undefined,
          sessionTimeoutMilliseconds: plan.sessionTimeoutMilliseconds,
          fetchBytes: plan.fetchBytes,
          metrics: workerMetrics(new Registry()).stage('test', revision.metadata.name),
          report,
          clock: systemClock,
          logger,
        },
        signal,
      ),
  });
  runner.changed(key);
  // the runner's timers and sockets come and go; this keeps the process until it is told to stop
  const alive = setInterval(() => {}, 60_000);
  await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
  await runner.close();
  clearInterval(alive);
  say({ ended: true });
}

const report: RunReport = {
  assigned: (partitions) => say({ assigned: partitions.map(({ partition }) => partition) }),
  problem: (where, problem) => say({ problem: problem === undefined ? null : problemOf(problem).reason, partition: where.partition }),
  setAside: (where, bad) => say({ setAside: bad, partition: where.partition }),
  failed: (error) => say({ failed: String(error) }),
  stopped: async () => {},
  close: async () => {},
};

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function die(call: PortCall): never {
  say({ dies: call });
  process.kill(process.pid, 'SIGKILL');
  // the signal is on its way; nothing may happen any more
  for (;;);
}

function bound(target: object, name: string | symbol): unknown {
  const value = Reflect.get(target, name, target);
  return typeof value === 'function' ? value.bind(target) : value;
}

type Wrap = <A extends unknown[], R>(work: (...args: A) => Promise<R>) => (...args: A) => Promise<R>;

/** The engine, with every transformation wrapped and one record held back. */
function holding(engine: TransformEngine, hold: StageProcessPlan['hold'], wrap: Wrap): TransformEngine {
  const held = async (batch: { readonly partition: number; readonly records: readonly { readonly offset: string }[] }): Promise<void> => {
    if (hold?.partition !== batch.partition || !batch.records.some(({ offset }) => Number(offset) === hold.offset)) return;
    while (existsSync(hold.while)) await sleep(50);
  };
  return {
    ...engine,
    pipeline: async (definition, revision) => {
      const stage = await engine.pipeline(definition, revision);
      return { ...stage, transform: wrap(async (batch, partitions) => held(batch).then(() => stage.transform(batch, partitions))) };
    },
    sink: async (definition, revision) => {
      const stage = await engine.sink(definition, revision);
      return { ...stage, transform: wrap(async (batch, bytes) => held(batch).then(() => stage.transform(batch, bytes))) };
    },
  };
}

const plan = JSON.parse(process.env['STAGE_PLAN'] ?? 'null') as StageProcessPlan | null;
if (plan) await run(plan);
