import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../src/controller/logger.ts';
import { elasticsearchCluster } from '../src/drivers/elasticsearch/cluster.ts';
import { openKafkaCluster } from '../src/drivers/kafka/cluster.ts';
import { openProducer } from '../src/drivers/kafka/producer.ts';
import type { ServerSettings } from '../src/platform/settings.ts';
import { startStack } from '../test/stack/stack.ts';
import { flight } from './flights.ts';
import { canPin, runProgram } from './processes.ts';
import type { ReplayPlan, ReplayResult } from './replay-process.ts';
import { atLeast, number, type Progress, type Row, type Section } from './section.ts';
import type { Sizes } from './sizes.ts';
import type { StagePlan, StageResult } from './stage-process.ts';
import { indexOf, prepareStage, type Stage, type StageServers } from './stages.ts';
import { median } from './statistics.ts';

export interface WorkerFigures {
  readonly nullSinkRecordsPerSecond: number;
  readonly elasticsearchRatio: number;
  readonly nullSinkSamples: readonly number[];
  readonly nullSinkMicrosecondsOfProcessor: number;
  readonly pipelineRecordsPerSecond: number;
  readonly pipelineMicrosecondsOfProcessor: number;
  readonly elasticsearchRecordsPerSecond: readonly number[];
  readonly replayRecordsPerSecond: readonly number[];
  readonly rssMiB: number;
}

const PARTITIONS = 3;
/** Kafka's core; against Elasticsearch the worker, or the replay, is there as well. */
const FIRST = 0;
/** The core of the worker that writes into nothing, and of Elasticsearch. */
const SECOND = 1;
const NULL_GOAL = 100_000;
const RATIO_GOAL = 0.9;
const PRODUCED_AT_ONCE = 20_000;

const perSecond = ({ records, seconds }: { readonly records: number; readonly seconds: number }): number => records / seconds;
const microseconds = ({ records, processorSeconds }: StageResult): number => (processorSeconds * 1e6) / records;

/** The worker's stages from Kafka into nothing, into Kafka, and into Elasticsearch beside a blind replay of the same bodies. */
export async function benchWorker(sizes: Sizes, progress: Progress): Promise<Section<WorkerFigures>> {
  await using stack = await startStack({ only: ['kafka', 'elasticsearch'], ...(canPin ? { pin: { kafka: [FIRST], elasticsearch: [SECOND] } } : {}), progress });
  const settings: ServerSettings = {
    kafka: { bootstrapServers: [stack.kafka.bootstrapServers], clientId: 'bench' },
    search: { url: stack.elasticsearch.url },
  };
  const directory = mkdtempSync(join(tmpdir(), 'grue-bench-'));
  const kafka = openKafkaCluster(settings.kafka);
  const search = elasticsearchCluster(settings.search);
  try {
    const bodies = join(directory, 'bodies');
    const bench = workerBench({ settings, kafka, search }, bodies, progress);
    await bench.produce('flights', sizes.flights);
    const pipelines: StageResult[] = [];
    const sinks: StageResult[] = [];
    for (let round = 1; round <= sizes.rounds; round++) pipelines.push(await bench.pipeline('flights', `delays-${round}`, sizes.flights));
    const delays = pipelines[0]?.written ?? 0;
    for (let round = 1; round <= sizes.rounds; round++) sinks.push(await bench.nullSink('delays-1', delays));

    // Fewer, and all of a topic: what is under way when a stage is stopped in the middle would count for nobody.
    await bench.produce('some-flights', sizes.flightsIntoElasticsearch);
    const { written: documents } = await bench.pipeline('some-flights', 'some-delays', sizes.flightsIntoElasticsearch);
    await bench.nullSink('some-delays', documents, bodies);
    // the first of each is for the server to get warm
    await bench.worker('some-delays', documents);
    await bench.replay();
    const workers: StageResult[] = [];
    const replays: ReplayResult[] = [];
    for (let round = 1; round <= sizes.elasticsearchRounds; round++) {
      workers.push(await bench.worker('some-delays', documents));
      replays.push(await bench.replay());
    }
    return section({ pipelines, sinks, workers, replays });
  } finally {
    await Promise.allSettled([kafka.close(), search.close()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

function workerBench(servers: StageServers, bodies: string, progress: Progress) {
  const { settings, kafka, search } = servers;
  const { signal } = new AbortController();
  let runs = 0;

  async function run(stage: Stage, options: Omit<StagePlan, 'revision' | 'settings'>, core: number): Promise<StageResult> {
    const revision = await prepareStage(stage, `run-${++runs}`, servers, signal);
    return runProgram<StageResult>('stage-process.ts', { revision, settings, ...options } satisfies StagePlan, core);
  }

  /** A new index for the time of a round, so that all rounds begin alike. */
  async function withIndex<T>(work: (index: string) => Promise<T>): Promise<T> {
    const index = `bench-${++runs}`;
    await search.createIndex(indexOf(index), signal);
    try {
      return await work(index);
    } finally {
      const uuid = (await search.indices([index], signal)).get(index)?.uuid ?? '';
      await search.deleteIndex(index, uuid, signal);
    }
  }

  const told = <R extends { readonly records: number; readonly seconds: number }>(what: string, result: R): R => {
    progress(`${what}: ${number(perSecond(result))} records/s (${number(result.records)} in ${result.seconds.toFixed(1)} s)`);
    return result;
  };
  return {
    async produce(topic: string, count: number): Promise<void> {
      progress(`producing ${number(count)} records into ${topic}`);
      await kafka.createTopic({ name: topic, partitions: PARTITIONS, config: {} }, signal);
      const producer = openProducer(settings.kafka, silentLogger);
      for (let from = 0; from < count; from += PRODUCED_AT_ONCE) {
        const length = Math.min(PRODUCED_AT_ONCE, count - from);
        await producer.send(
          topic,
          Array.from({ length }, (_, i) => ({ partition: i % PARTITIONS, key: null, value: JSON.stringify(flight(from + i)) })),
        );
      }
      await producer.close();
    },

    async pipeline(from: string, to: string, records: number): Promise<StageResult> {
      await kafka.createTopic({ name: to, partitions: PARTITIONS, config: {} }, signal);
      return told('pipeline', await run({ kind: 'pipeline', from, to }, { records, bodies: 'Nothing' }, SECOND));
    },

    /** @param keep file for the bodies that are made */
    nullSink: (from: string, records: number, keep?: string): Promise<StageResult> =>
      withIndex(async (index) => {
        const plan = { records, bodies: 'Nothing', ...(keep === undefined ? {} : { keep }) } as const;
        return told('sink into nothing', await run({ kind: 'sink', from, index }, plan, SECOND));
      }),

    worker: (from: string, records: number): Promise<StageResult> =>
      withIndex(async (index) => told('worker into Elasticsearch', await run({ kind: 'sink', from, index }, { records, bodies: 'Sent' }, FIRST))),

    replay: (): Promise<ReplayResult> =>
      withIndex(async (index) => {
        // the same request as the worker's, so that the server has the same to do
        const url = `${settings.search.url}/${index}.writer/_bulk?require_alias=true&timeout=15000ms&filter_path=errors,items.*.status,items.*.error`;
        return told('replay', await runProgram<ReplayResult>('replay-process.ts', { file: bodies, url } satisfies ReplayPlan, FIRST));
      }),
  };
}

interface Results {
  readonly pipelines: readonly StageResult[];
  readonly sinks: readonly StageResult[];
  readonly workers: readonly StageResult[];
  readonly replays: readonly ReplayResult[];
}

function section({ pipelines, sinks, workers, replays }: Results): Section<WorkerFigures> {
  const rates = { sink: sinks.map(perSecond), worker: workers.map(perSecond), replay: replays.map(perSecond) };
  const figures: WorkerFigures = {
    nullSinkRecordsPerSecond: median(rates.sink),
    elasticsearchRatio: median(rates.worker) / median(rates.replay),
    nullSinkSamples: rates.sink,
    nullSinkMicrosecondsOfProcessor: median(sinks.map(microseconds)),
    pipelineRecordsPerSecond: median(pipelines.map(perSecond)),
    pipelineMicrosecondsOfProcessor: median(pipelines.map(microseconds)),
    elasticsearchRecordsPerSecond: rates.worker,
    replayRecordsPerSecond: rates.replay,
    rssMiB: Math.max(...sinks.map(({ rssMiB }) => rssMiB)),
  };
  const { nullSinkRecordsPerSecond, elasticsearchRatio } = figures;
  const rows: Row[] = [
    {
      what: 'worker: sink stage into nothing (all but the HTTP send), 1 core, records/s',
      observed: number(nullSinkRecordsPerSecond),
      goal: atLeast(nullSinkRecordsPerSecond, NULL_GOAL, number(NULL_GOAL)),
    },
    { what: '  processor time per record, us', observed: number(figures.nullSinkMicrosecondsOfProcessor, 2) },
    { what: '  memory of the process at the end, MiB', observed: number(figures.rssMiB) },
    { what: 'worker: pipeline stage Kafka -> SQL -> Kafka, 1 core, records read/s', observed: number(figures.pipelineRecordsPerSecond) },
    { what: '  processor time per record, us', observed: number(figures.pipelineMicrosecondsOfProcessor, 2) },
    {
      what: 'worker into Elasticsearch / blind replay of the same bodies',
      observed: number(elasticsearchRatio, 2),
      goal: atLeast(elasticsearchRatio, RATIO_GOAL, number(RATIO_GOAL, 2)),
    },
    { what: '  worker, documents/s', observed: number(median(rates.worker)) },
    { what: '  replay, documents/s', observed: number(median(rates.replay)) },
  ];
  return { figures, rows };
}
