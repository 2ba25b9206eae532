import { GrueError } from '../api/errors.ts';
import type { Revision } from '../api/revision.ts';
import type { Clock } from '../controller/clock.ts';
import type { Logger } from '../controller/logger.ts';
import type { DocumentWriter } from '../drivers/elasticsearch/bulk.ts';
import type { GroupConsumerOptions } from '../drivers/kafka/consumer.ts';
import type { KafkaCluster, SearchCluster } from '../drivers/ports.ts';
import type { ServerSettings } from '../platform/settings.ts';
import { deadLetters } from './dead-letters.ts';
import { type InputTopic, partitionFacts } from './facts.ts';
import type { StageMetrics } from './metrics.ts';
import type { Prepare } from './partition.ts';
import { pipelineWork } from './pipeline.ts';
import type { GroupConsumer, RecordProducer } from './ports.ts';
import { sinkWork } from './sink.ts';
import { Stage, type StageParts, type StageReport } from './stage.ts';
import type { TransformEngine } from './transform/ports.ts';

/** How a worker gets at systems. Tests and benchmarks put something in between, or something else in place. */
export interface Openers {
  readonly kafka: (settings: ServerSettings['kafka']) => KafkaCluster;
  readonly consumer: (options: GroupConsumerOptions) => GroupConsumer;
  readonly producer: (settings: ServerSettings['kafka'], logger: Logger) => RecordProducer;
  readonly search: (settings: ServerSettings['search']) => SearchCluster;
  readonly writer: (settings: ServerSettings['search']) => DocumentWriter;
}

export interface StageContext {
  readonly open: Openers;
  readonly engine: TransformEngine;
  readonly settings: ServerSettings;
  /** Identity that was recorded for the topic of a Stream's Revision. */
  readonly topicId: (revision: string) => string | undefined;
  readonly sessionTimeoutMilliseconds: number;
  readonly fetchBytes: number;
  readonly metrics: StageMetrics;
  readonly report: StageReport;
  readonly clock: Clock;
  readonly random?: StageParts['random'];
  readonly logger: Logger;
}

/** A stage with all that it needs. `close` ends every connection; after `run` has ended. */
export interface OpenStage {
  readonly stage: Stage;
  close(): Promise<void>;
}

type Binding = NonNullable<Revision['spec']['connection']>['reads'];

/**
 * Connects a Revision's stage, and makes sure that the servers, the topics and the index are those that were recorded.
 * @throws GrueError when something is missing or another one than it was
 */
export async function openStage(revision: Revision, context: StageContext, signal: AbortSignal): Promise<OpenStage> {
  const { open, settings, logger, clock, random, metrics, report } = context;
  const { group, deadLetters: deadLetterTopic } = revision.spec.physical;
  if (group === undefined || deadLetterTopic === undefined)
    throw new GrueError('GRUE-API-001', 'a stage needs the names of its group and of its dead letters', { at: 'spec.physical' });
  const closers: (() => Promise<void> | void)[] = [metrics.remove];
  const close = async (): Promise<void> => void (await Promise.allSettled(closers.map((end) => end())));
  try {
    const kafka = open.kafka(settings.kafka);
    closers.push(() => kafka.close());
    await requireCluster('Kafka', revision.spec.platform.kafkaClusterId, kafka.clusterId(signal));
    const reads = revision.spec.pipeline?.reads ?? (revision.spec.connection ? [revision.spec.connection.reads] : []);
    const inputs = reads.map((binding) => inputOf(binding, context));
    const topics = inputs.map(({ topic }) => topic);
    const partitions = sum([...(await requireTopics(kafka, inputs, signal)).values()]);
    const { sessionTimeoutMilliseconds, fetchBytes } = context;
    const consumer = open.consumer({ settings: settings.kafka, group, topics, partitions, fetchBytes, sessionTimeoutMilliseconds, clock, logger });
    const producer = open.producer(settings.kafka, logger);
    closers.push(() => producer.close());
    const prepare = await openWork(revision, { ...context, kafka, consumer, producer, closers }, signal);
    const stage = new Stage({
      consumer,
      facts: partitionFacts(kafka, group, inputs),
      prepare,
      deadLetters: deadLetters(producer, deadLetterTopic, revision.metadata.name, clock),
      metrics,
      clock,
      random,
      logger,
      report,
    });
    return { stage, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface WorkContext extends StageContext {
  readonly kafka: KafkaCluster;
  readonly consumer: GroupConsumer;
  readonly producer: RecordProducer;
  readonly closers: (() => Promise<void> | void)[];
}

async function openWork({ spec, metadata, status }: Revision, context: WorkContext, signal: AbortSignal): Promise<Prepare> {
  const { engine, kafka, producer, consumer, closers, metrics, clock, random } = context;
  if (spec.pipeline) {
    const { writes } = spec.pipeline;
    const partitions = (await requireTopics(kafka, [inputOf(writes, context)], signal)).get(writes.topic) ?? 0;
    const stage = await engine.pipeline(spec.pipeline, metadata.name);
    closers.push(() => stage.close());
    return pipelineWork({ stage, producer, topic: writes.topic, partitions });
  }
  const index = spec.physical.index;
  if (spec.connection === undefined || index === undefined)
    throw new GrueError('GRUE-API-001', 'a sink needs its definition and the name of its index', { at: 'spec' });
  await requireIndex(index, status?.uuids?.index, spec.platform.elasticsearchUuid, context, signal);
  const writer = context.open.writer(context.settings.search);
  closers.push(() => writer.close());
  const stage = await engine.sink(spec.connection, metadata.name);
  closers.push(() => stage.close());
  return sinkWork({ stage, writer, index, consumer, metrics, clock, random });
}

const inputOf = ({ topic, revision, root, type }: Binding, { topicId }: StageContext): InputTopic => ({
  topic,
  id: topicId(revision),
  fixedPartitions: root && type === 'Change',
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

async function requireCluster(what: string, recorded: string, asked: Promise<string>): Promise<void> {
  const found = await asked;
  if (found !== recorded) throw new GrueError('GRUE-PLT-007', `the ${what} cluster has the id ${found}; the one that was recorded is ${recorded}`);
}

/** @returns the number of partitions of each */
async function requireTopics(kafka: KafkaCluster, inputs: readonly InputTopic[], signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const found = await kafka.topics(
    inputs.map(({ topic }) => topic),
    signal,
  );
  return new Map(
    inputs.map(({ topic, id }) => {
      const facts = found.get(topic);
      if (facts === undefined) throw new GrueError('GRUE-KFK-001', `topic ${topic} does not exist`);
      if (id !== undefined && id !== facts.id) throw new GrueError('GRUE-KFK-004', `topic ${topic} has the id ${facts.id}; the one that was recorded is ${id}`);
      return [topic, facts.partitions];
    }),
  );
}

async function requireIndex(index: string, uuid: string | undefined, cluster: string, { open, settings }: StageContext, signal: AbortSignal): Promise<void> {
  const search = open.search(settings.search);
  try {
    await requireCluster('Elasticsearch', cluster, search.clusterUuid(signal));
    const found = (await search.indices([index], signal)).get(index);
    if (found === undefined) throw new GrueError('GRUE-ES-005', `index ${index} does not exist`);
    if (uuid !== undefined && found.uuid !== uuid)
      throw new GrueError('GRUE-ES-005', `index ${index} has the UUID ${found.uuid}; the one that was recorded is ${uuid}`);
  } finally {
    await search.close();
  }
}
