import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@elastic/elasticsearch';
import { Kafka, logLevel } from 'kafkajs';
import type { Revision } from '../../../src/api/revision.ts';
import { silentLogger } from '../../../src/controller/logger.ts';
import { elasticsearchCluster } from '../../../src/drivers/elasticsearch/cluster.ts';
import { openKafkaCluster } from '../../../src/drivers/kafka/cluster.ts';
import { openProducer } from '../../../src/drivers/kafka/producer.ts';
import type { KafkaCluster } from '../../../src/drivers/ports.ts';
import type { RecordProducer } from '../../../src/worker/ports.ts';
import type { StageProcessPlan } from '../../support/stage-process.ts';

const signal = new AbortController().signal;
const SESSION_MS = 3_000;
let made = 0;

export interface StageProcess {
  readonly child: ChildProcess;
  /** What it has said, one object per line. */
  readonly said: readonly Readonly<Record<string, unknown>>[];
  readonly log: () => string;
  /** How it ended: a signal or an exit code. */
  readonly ended: Promise<string>;
}

/** A stage over real servers: an input with some partitions, a group, dead letters, and an index or an output topic. */
export class WorkerWorld implements AsyncDisposable {
  readonly kafka: KafkaCluster;
  readonly name: string;
  readonly partitions: number;
  readonly search: Client;
  readonly #producer: RecordProducer;
  readonly #kafka: Kafka;
  readonly #settings: StageProcessPlan['settings'];
  readonly #processes: StageProcess[] = [];
  #revision: Revision | undefined;
  #produced = 0;

  constructor(servers: { readonly kafka: string; readonly elasticsearch: string }, partitions: number) {
    this.name = `worker-${process.pid}-${Date.now().toString(36)}-${made++}`;
    this.partitions = partitions;
    this.#settings = { kafka: { bootstrapServers: [servers.kafka], clientId: this.name }, search: { url: servers.elasticsearch } };
    this.#kafka = new Kafka({ clientId: this.name, brokers: [servers.kafka], logLevel: logLevel.NOTHING });
    this.kafka = openKafkaCluster(this.#settings.kafka);
    this.search = new Client({ node: servers.elasticsearch });
    this.#producer = openProducer(this.#settings.kafka, silentLogger);
  }

  get input(): string {
    return `${this.name}.in`;
  }
  get output(): string {
    return `${this.name}.out`;
  }
  get group(): string {
    return `${this.name}.group`;
  }
  get deadLetters(): string {
    return `${this.name}.dead`;
  }

  /** Makes everything that the operator makes before a stage starts. */
  async create(
    kind: 'sink' | 'pipeline',
    inputConfig: Readonly<Record<string, string>> = {},
    outputConfig: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.kafka.createTopic({ name: this.input, partitions: this.partitions, config: inputConfig }, signal);
    await this.kafka.createTopic({ name: this.deadLetters, partitions: 1, config: { 'cleanup.policy': 'compact' } }, signal);
    if (kind === 'pipeline') await this.kafka.createTopic({ name: this.output, partitions: 2, config: outputConfig }, signal);
    const cluster = elasticsearchCluster(this.#settings.search);
    try {
      const properties = {
        grue: { properties: { h1: { type: 'long' }, h2: { type: 'long' }, h3: { type: 'long' }, h4: { type: 'long' } } },
        id: { type: 'long' },
      };
      if (kind === 'sink') await cluster.createIndex({ name: this.name, mappings: { properties }, settings: { number_of_replicas: 0 } }, signal);
      this.#revision = await this.#define(kind, await cluster.clusterUuid(signal));
    } finally {
      await cluster.close();
    }
  }

  /** Commits a start for every partition, as the operator does. */
  async commitStart(at = 0n): Promise<void> {
    await this.kafka.commitStart(this.group, new Map([[this.input, Array(this.partitions).fill(at)]]), signal);
  }

  /** Produces numbered records, round robin over the partitions; each `badEvery`th is no JSON. */
  async produce(count: number, badEvery = 0): Promise<void> {
    const records = Array.from({ length: count }, () => {
      const id = this.#produced++;
      const bad = badEvery > 0 && id % badEvery === badEvery - 1;
      return { partition: id % this.partitions, key: null, value: bad ? `bad ${id}` : JSON.stringify({ id, text: 'x'.repeat(50) }) };
    });
    await this.#producer.send(this.input, records);
  }

  async produceText(value: string): Promise<void> {
    await this.#producer.send(this.input, [{ partition: 0, key: null, value }]);
  }

  async produceKeyed(keys: readonly string[]): Promise<void> {
    await this.#producer.send(
      this.input,
      keys.map((key) => ({ partition: 0, key, value: JSON.stringify({ id: this.#produced++ }) })),
    );
  }

  /** Produces numbered records in a transaction, and ends it. */
  async transaction(partition: number, count: number, end: 'commit' | 'abort'): Promise<void> {
    const producer = this.#kafka.producer({ transactionalId: `${this.name}-${partition}`, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    try {
      const transaction = await producer.transaction();
      const messages = Array.from({ length: count }, () => ({ partition, value: JSON.stringify({ id: this.#produced++ }) }));
      await transaction.send({ topic: this.input, messages });
      await transaction[end]();
    } finally {
      await producer.disconnect();
    }
  }

  /** Removes the records before an offset, as retention does. */
  async trim(partition: number, before: bigint): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      // the library deletes only in topics that it happens to know already
      await admin.fetchTopicOffsets(this.input);
      await admin.deleteTopicRecords({ topic: this.input, partitions: [{ partition, offset: `${before}` }] });
    } finally {
      await admin.disconnect();
    }
  }

  start(options: Partial<Pick<StageProcessPlan, 'kill' | 'hold' | 'fetchBytes' | 'sessionTimeoutMilliseconds'>> = {}): StageProcess {
    if (!this.#revision) throw new Error('create the world first');
    const plan: StageProcessPlan = {
      revision: this.#revision,
      settings: this.#settings,
      sessionTimeoutMilliseconds: SESSION_MS,
      fetchBytes: 262_144,
      ...options,
    };
    const entry = fileURLToPath(new URL('../../support/stage-process.ts', import.meta.url));
    const child = spawn(process.execPath, [entry], { env: { ...process.env, STAGE_PLAN: JSON.stringify(plan) }, stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Readonly<Record<string, unknown>>[] = [];
    let log = '';
    let rest = '';
    child.stderr.on('data', (data: Buffer) => {
      log += data.toString();
    });
    child.stdout.on('data', (data: Buffer) => {
      const lines = (rest + data.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) said.push(JSON.parse(line));
    });
    const ended = once(child, 'close').then(([code, by]) => String(by ?? code));
    const started = { child, said, ended, log: () => log };
    this.#processes.push(started);
    return started;
  }

  /** Waits until the commits are at the end of the input. */
  async caughtUp(withinMs = 30_000): Promise<void> {
    await until(withinMs, () => this.#late(), `${this.group} at the end of ${this.input}`);
  }

  async committed(): Promise<readonly (bigint | undefined)[]> {
    return (await this.kafka.committed(this.group, [this.input], signal)).get(this.input) ?? [];
  }

  /** Ids of all documents. */
  async documentIds(): Promise<number[]> {
    await this.search.indices.refresh({ index: this.name });
    const { id } = await this.search.openPointInTime({ index: this.name, keep_alive: '1m' });
    const ids: number[] = [];
    for (let after: [number] | undefined; ; ) {
      const { hits } = await this.search.search({
        pit: { id },
        size: 5_000,
        _source: false,
        docvalue_fields: ['id'],
        sort: ['_shard_doc'],
        ...(after ? { search_after: after } : {}),
      });
      if (hits.hits.length === 0) return ids;
      ids.push(...hits.hits.map(({ fields }) => fields?.['id'][0] as number));
      after = hits.hits.at(-1)?.sort as [number];
    }
  }

  /** Values of a topic, all partitions. */
  async values(topic: string): Promise<string[]> {
    const [from, to] = await Promise.all([this.kafka.offsets([topic], 'Earliest', signal), this.kafka.offsets([topic], 'HighWatermark', signal)]);
    const found: string[] = [];
    for (const [partition, end] of (to.get(topic) ?? []).entries()) {
      const start = from.get(topic)?.[partition] ?? 0n;
      for await (const { value } of this.kafka.read(topic, partition, start, end ?? start, signal)) found.push(value?.toString() ?? '');
    }
    return found;
  }

  /** Ids of the records that are in the dead letters, each once. */
  async buriedIds(): Promise<number[]> {
    const letters = (await this.values(this.deadLetters)).map((letter) => JSON.parse(letter).value.text as string);
    return [...new Set(letters.map((text) => Number(text.slice('bad '.length))))].sort((a, b) => a - b);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#processes) child.kill('SIGKILL');
    await Promise.all(this.#processes.map(({ ended }) => ended));
    await Promise.allSettled([this.#producer.close(), this.kafka.close(), this.search.indices.delete({ index: this.name }, { ignore: [404] })]);
    await this.search.close();
  }

  async #late(): Promise<boolean> {
    const ends = (await this.kafka.offsets([this.input], 'HighWatermark', signal)).get(this.input) ?? [];
    const commits = await this.committed();
    return ends.every((end, partition) => commits[partition] === end);
  }

  async #define(kind: 'sink' | 'pipeline', elasticsearchUuid: string): Promise<Revision> {
    const binding = (topic: string, root: boolean) => ({ stream: 'events', revision: 'stream-events-1', topic, root, epoch: 0, type: 'Append', fields: [] });
    const definition =
      kind === 'sink'
        ? {
            connection: {
              connector: 'elasticsearch',
              keepVersions: 1,
              reads: binding(this.input, true),
              destination: { alias: this.name, mappings: {}, settings: {} },
            },
          }
        : {
            pipeline: {
              engine: 'embedded',
              sql: 'INSERT INTO out SELECT * FROM events',
              reads: [binding(this.input, true)],
              writes: binding(this.output, false),
              path: '',
            },
          };
    return {
      apiVersion: 'grue.dev/v1alpha1',
      kind: 'Revision',
      metadata: { name: `${kind}-1`, namespace: 'test', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '' },
      spec: {
        of: { kind: kind === 'sink' ? 'Connection' : 'Pipeline', name: 'test' },
        number: 1,
        fingerprint: 'v1:0',
        accepted: '0',
        migration: '',
        inputs: [],
        platform: { name: 'default', kafkaClusterId: await this.kafka.clusterId(signal), elasticsearchUuid },
        physical: { group: this.group, deadLetters: this.deadLetters, ...(kind === 'sink' ? { index: this.name } : {}) },
        ...definition,
      } as Revision['spec'],
      status: { wanted: 'Running' },
    };
  }
}

export async function until(withinMs: number, holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(50);
  }
}
