import { randomBytes } from 'node:crypto';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { kinds } from '../../../src/api/kinds.ts';
import type { Revision } from '../../../src/api/revision.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { silentLogger } from '../../../src/controller/logger.ts';
import { elasticsearchCluster } from '../../../src/drivers/elasticsearch/cluster.ts';
import { openKafkaCluster } from '../../../src/drivers/kafka/cluster.ts';
import { openProducer } from '../../../src/drivers/kafka/producer.ts';
import { runWorker } from '../../../src/worker/main.ts';
import { installCrds } from '../../integration/api/server.ts';
import { stack } from '../../stack/for-tests.ts';
import { apply, connectKube, createNamespace, eventually, find } from '../../support/grue.ts';

const signal = new AbortController().signal;
const fields = [
  { name: 'id', type: 'BIGINT' },
  { name: 'delay', type: 'INT' },
];

beforeAll(installCrds);

/** What the operator would have made: topics, groups with a start, an index, a Platform and Revisions. The workers are real. */
async function scene() {
  const name = `worker-${randomBytes(3).toString('hex')}`;
  const settings = { bootstrapServers: [stack().kafka.bootstrapServers], clientId: name };
  const kube = connectKube(stack().kubernetes.kubeconfigPath);
  const kafka = openKafkaCluster(settings);
  const search = elasticsearchCluster({ url: stack().elasticsearch.url });
  const producer = openProducer(settings, silentLogger);
  const [root, mid, index] = [`${name}.root`, `${name}.mid`, `${name}.index`];
  const groups = [`${name}.pipeline`, `${name}.sink`] as const;
  for (const topic of [root, mid]) await kafka.createTopic({ name: topic, partitions: 2, config: {} }, signal);
  for (const group of groups) await kafka.createTopic({ name: `${group}.dead`, partitions: 1, config: { 'cleanup.policy': 'compact' } }, signal);
  await kafka.commitStart(groups[0], new Map([[root, [0n, 0n]]]), signal);
  await kafka.commitStart(groups[1], new Map([[mid, [0n, 0n]]]), signal);
  await search.createIndex({ name: index, mappings: {}, settings: { number_of_replicas: 0 } }, signal);
  await createNamespace(kube, name);

  const workers: { readonly stop: AbortController; readonly ended: Promise<void> }[] = [];
  onTestFinished(async () => {
    for (const { stop } of workers) stop.abort();
    await Promise.all(workers.map(({ ended }) => ended));
    await Promise.allSettled([producer.close(), kafka.close(), search.close()]);
    kube.close();
  });

  const stream = (topic: string, isRoot: boolean) => ({
    stream: isRoot ? 'flights' : 'delays',
    revision: 'x',
    topic,
    root: isRoot,
    epoch: 0,
    type: 'Append',
    fields,
  });
  const common = async (kind: 'Pipeline' | 'Connection', of: string, group: string) => ({
    of: { kind, name: of },
    number: 1,
    fingerprint: 'v1:0',
    accepted: '0',
    migration: '',
    inputs: [],
    platform: { name: 'default', kafkaClusterId: await kafka.clusterId(signal), elasticsearchUuid: await search.clusterUuid(signal) },
    physical: { group, deadLetters: `${group}.dead`, ...(kind === 'Connection' ? { index } : {}) },
  });
  const object = (kind: string, objectName: string, spec: unknown): KubeObject => ({
    apiVersion: 'grue.dev/v1alpha1',
    kind,
    metadata: { name: objectName, namespace: name },
    spec,
  });

  return {
    name,
    kafka,
    kube,
    groups,
    async platform() {
      await apply(
        kube,
        object('Platform', 'default', { kafka: { bootstrapServers: [stack().kafka.bootstrapServers] }, elasticsearch: { url: stack().elasticsearch.url } }),
      );
    },
    async revisions() {
      const sql = 'INSERT INTO delays SELECT id, delay FROM flights WHERE delay >= 0';
      const pipeline = { engine: 'embedded', sql, reads: [stream(root, true)], writes: stream(mid, false), path: '' };
      const connection = { connector: 'elasticsearch', keepVersions: 1, reads: stream(mid, false), destination: { alias: name } };
      await apply(kube, object('Revision', 'pipeline-delays-1', { ...(await common('Pipeline', 'delays', groups[0])), pipeline }));
      await apply(kube, object('Revision', 'connection-index-1', { ...(await common('Connection', 'index', groups[1])), connection }));
      for (const revision of ['pipeline-delays-1', 'connection-index-1']) await this.want(revision, 'Running');
    },
    async want(revision: string, wanted: 'Running' | 'Stopped') {
      const status = {
        wanted,
        state: 'Running',
        conditions: [{ type: 'Ready', status: 'True', reason: 'Running', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      };
      await kube.applyStatus(kinds.Revision, { ...object('Revision', revision, undefined), status }, { fieldManager: 'grue-operator', force: true });
    },
    worker(id: string) {
      const stop = new AbortController();
      const options = {
        kubeconfig: stack().kubernetes.kubeconfigPath,
        namespace: name,
        id,
        endpoints: { listen: { host: '127.0.0.1', port: 0 } },
        logger: silentLogger,
      };
      const ended = runWorker({ ...options, sessionTimeoutMilliseconds: 3_000 }, stop.signal);
      workers.push({ stop, ended });
      return { stop: () => stop.abort(), ended };
    },
    produce: (values: readonly unknown[]) =>
      producer.send(
        root,
        values.map((value, n) => ({ partition: n % 2, key: null, value: typeof value === 'string' ? value : JSON.stringify(value) })),
      ),
    async documents() {
      const response = await fetch(`${stack().elasticsearch.url}/${index}/_search?size=5000`, { method: 'POST' });
      await fetch(`${stack().elasticsearch.url}/${index}/_refresh`, { method: 'POST' });
      const { hits } = (await response.json()) as { hits: { hits: { _source: { id: number; delay: number; grue: object } }[] } };
      return hits.hits.map(({ _source }) => _source);
    },
    async condition(revision: string, type: string) {
      const found = await find<Revision & KubeObject>(kube, 'Revision', name, revision);
      return found?.status?.conditions?.find((condition) => condition.type === type);
    },
  };
}

const flights = (count: number, from = 0) => Array.from({ length: count }, (_, n) => ({ id: from + n, delay: n % 10 === 0 ? -1 : n % 60 }));
const passing = (count: number, from = 0) => flights(count, from).flatMap(({ id, delay }) => (delay >= 0 ? [id] : []));
const ids = (documents: readonly { readonly id: number }[]) => documents.map(({ id }) => id).toSorted((a, b) => a - b);

test('records go through SQL into the index, and what the workers say stands beside what the operator says', async () => {
  const world = await scene();
  await world.platform();
  await world.revisions();
  world.worker('worker-a');
  await world.produce(flights(1_000));
  await eventually('all documents', async () => ((await world.documents()).length === 900 ? true : undefined));
  const documents = await world.documents();
  expect(ids(documents)).toEqual(passing(1_000));
  expect(documents[0]).toMatchObject({ grue: { root: 'flights', epoch: 0, path: '', rev: 'connection-index-1' } });
  for (const type of ['WorkerReady', 'RecordsAccepted', 'HistoryIntact', 'OriginIntact'])
    await eventually(`${type} is true`, async () => ((await world.condition('connection-index-1', type))?.status === 'True' ? true : undefined));
  expect(await world.condition('connection-index-1', 'Ready')).toMatchObject({ status: 'True' });
});

test('what is wanted to stop stops, and goes on where it was when it is wanted again', async () => {
  const world = await scene();
  await world.platform();
  await world.revisions();
  world.worker('worker-a');
  await world.produce(flights(100));
  await eventually('the first documents', async () => ((await world.documents()).length === 90 ? true : undefined));
  await world.want('connection-index-1', 'Stopped');
  await eventually('it is told', async () => ((await world.condition('connection-index-1', 'WorkerReady'))?.reason === 'Stopped' ? true : undefined));
  expect((await world.kafka.group(world.groups[1], signal)).members).toBe(0);
  await world.produce(flights(100, 100));
  await world.want('connection-index-1', 'Running');
  await eventually('all documents', async () => ((await world.documents()).length === 180 ? true : undefined));
  expect(ids(await world.documents())).toEqual([...passing(100), ...passing(100, 100)]);
});

test('two workers share the stages, and one of them may go', async () => {
  const world = await scene();
  await world.platform();
  await world.revisions();
  const [a] = [world.worker('worker-a'), world.worker('worker-b')];
  await eventually('both have joined', async () => ((await world.kafka.group(world.groups[1], signal)).members === 2 ? true : undefined));
  await world.produce(flights(500));
  const before = performance.now();
  a.stop();
  await a.ended;
  expect(performance.now() - before).toBeLessThan(10_000);
  await world.produce(flights(500, 500));
  await eventually('all documents', async () => ((await world.documents()).length === 900 ? true : undefined));
  expect(ids(await world.documents())).toEqual([...passing(500), ...passing(500, 500)]);
});

test('a stage whose Platform is missing says so, and runs when it is there', async () => {
  const world = await scene();
  await world.revisions();
  world.worker('worker-a');
  const told = await eventually('it is told', async () => {
    const condition = await world.condition('connection-index-1', 'WorkerReady');
    return condition?.status === 'False' ? condition : undefined;
  });
  expect(told.message).toBe(`worker-a: GRUE-PLT-001: there is no Platform default in namespace ${world.name}`);
  await world.platform();
  await world.produce(flights(10));
  await eventually('all documents', async () => ((await world.documents()).length === 9 ? true : undefined));
});

test('a stream full of bad records pauses the stage, loses none of them, and passes when somebody says so', async () => {
  const world = await scene();
  await world.platform();
  await world.revisions();
  await world.produce([...flights(1_000), ...Array.from({ length: 1_000 }, (_, n) => `no JSON ${n}`)]);
  world.worker('worker-a');
  const paused = await eventually('it is told', async () => {
    const condition = await world.condition('pipeline-delays-1', 'RecordsAccepted');
    return condition?.status === 'False' ? condition : undefined;
  });
  expect(paused).toMatchObject({ reason: 'TooManyBadRecords', message: expect.stringContaining('GRUE-REC-001') });
  const revision = {
    apiVersion: 'grue.dev/v1alpha1',
    kind: 'Revision',
    metadata: { name: 'pipeline-delays-1', namespace: world.name, annotations: { 'grue.dev/resume': 'yes' } },
  };
  await world.kube.mergePatch(kinds.Revision, { name: 'pipeline-delays-1', namespace: world.name }, revision, { fieldManager: 'test' });
  await eventually('it goes on', async () => ((await world.condition('pipeline-delays-1', 'RecordsAccepted'))?.status === 'True' ? true : undefined));
  await eventually('all documents', async () => ((await world.documents()).length === 900 ? true : undefined));
  expect((await world.condition('pipeline-delays-1', 'RecordsAccepted'))?.message).toMatch(/bad records set aside/);
});
