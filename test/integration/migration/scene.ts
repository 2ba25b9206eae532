import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Kafka, logLevel, type Message, type Producer } from 'kafkajs';
import { kinds } from '../../../src/api/kinds.ts';
import type { Verb } from '../../../src/api/requests.ts';
import type { Revision } from '../../../src/api/revision.ts';
import type { MigrationStep, Phase, RequestResult, StreamMigration } from '../../../src/api/stream-migration.ts';
import { request } from '../../../src/cli/requests.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { openKafkaCluster } from '../../../src/drivers/kafka/cluster.ts';
import { stack } from '../../stack/for-tests.ts';
import { apply, createNamespace, eventually, find, type Grue, type GrueOptions, phase, startGrue } from '../../support/grue.ts';
import { installCrds } from '../api/server.ts';

/** A namespace of its own on the real servers, with an operator and workers as processes. */
export interface Scene extends AsyncDisposable {
  readonly namespace: string;
  readonly grue: Grue;
  /** Applies resources given without apiVersion and namespace. */
  apply(...resources: readonly Written[]): Promise<void>;
  createTopic(topic: string, partitions: number, config?: Readonly<Record<string, string>>): Promise<void>;
  /** Applies a migration of these resources, `Kind/name`, with a short soak. */
  migrate(name: string, resources: readonly string[], spec?: object): Promise<void>;
  /** Waits until the migration is in one of the phases. */
  inPhase(name: string, ...phases: readonly Phase[]): Promise<StreamMigration>;
  /** Asks as a person would with the CLI. */
  ask(name: string, verb: Verb, step?: MigrationStep): Promise<RequestResult>;
  /** An object of ours as it is stored, or undefined. */
  object<T extends KubeObject>(kind: keyof typeof kinds, name: string): Promise<T | undefined>;
  revisions(): Promise<readonly Revision[]>;
  remove(kind: keyof typeof kinds, name: string): Promise<void>;
  /** Resolves when Kafka has acknowledged them. */
  produce(topic: string, messages: readonly Message[]): Promise<void>;
  /** Everything that readers of the alias see, by concrete index. */
  documents(alias: string): Promise<readonly Hit[]>;
  search(path: string, init?: RequestInit): Promise<unknown>;
}

export interface Written {
  readonly kind: string;
  readonly name: string;
  readonly spec: unknown;
}

export interface Hit {
  readonly _index: string;
  readonly _id: string;
  readonly _source: Readonly<Record<string, unknown>>;
}

/** How long something may take on a busy machine before it counts as stuck. */
export const patienceSeconds = 170;

export const platform = (): Written => ({
  kind: 'Platform',
  name: 'default',
  spec: { kafka: { bootstrapServers: [stack().kafka.bootstrapServers].flat() }, elasticsearch: { url: stack().elasticsearch.url } },
});

/** @param options.kubeconfigPath for Grue and the test alike; that of the stack without */
export async function openScene(
  title: string,
  options: Partial<Pick<GrueOptions, 'workers' | 'settle' | 'letGo' | 'leaseNamespace' | 'kubeconfigPath'>> = {},
): Promise<Scene> {
  const namespace = `${title}-${randomBytes(3).toString('hex')}`;
  await installCrds();
  const { kubeconfigPath } = stack().kubernetes;
  const grue = await startGrue({ kubeconfigPath, namespace, logDirectory: join(stack().directory, 'logs', namespace), ...options });
  const kafka = new Kafka({ brokers: [stack().kafka.bootstrapServers].flat(), logLevel: logLevel.ERROR });
  const producer: Producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await Promise.all([createNamespace(grue.kube, namespace), producer.connect()]);

  const search = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const response = await fetch(`${stack().elasticsearch.url}/${path}`, { ...init, headers: { 'content-type': 'application/json' } });
    return response.json();
  };
  const applyAll = async (...resources: readonly Written[]): Promise<void> => {
    for (const { kind, name, spec } of resources)
      await apply(grue.kube, { apiVersion: 'grue.dev/v1alpha1', kind, metadata: { name, namespace }, spec } as KubeObject);
  };
  return {
    namespace,
    grue,
    search,
    apply: applyAll,
    async migrate(name, resources, spec = {}) {
      const named = resources.map((resource) => resource.split('/')).map(([kind, name]) => ({ kind, name }));
      await applyAll({ kind: 'StreamMigration', name, spec: { resources: named, soak: '2s', ...spec } });
    },
    inPhase: (name, ...phases) => phase(grue.kube, namespace, name, phases, patienceSeconds),
    ask: (name, verb, step) => request(grue.kube, { namespace, name, verb, step }),
    object: (kind, name) => find(grue.kube, kind, namespace, name),
    revisions: async () => (await grue.kube.list<Revision & KubeObject>(kinds.Revision, { namespace })).items,
    async remove(kind, name) {
      const found = await find(grue.kube, kind, namespace, name);
      if (found) await grue.kube.delete(kinds[kind], { namespace, name }, { uid: found.metadata.uid ?? '' });
    },
    async createTopic(name, partitions, config = {}) {
      // Its leaders have answered before anybody writes: an idempotent producer of kafkajs loses count when its first send meets none.
      const cluster = openKafkaCluster({ bootstrapServers: [stack().kafka.bootstrapServers].flat(), clientId: 'test' });
      const signal = AbortSignal.timeout(60_000);
      try {
        await cluster.createTopic({ name, partitions, config }, signal);
        await cluster.offsets([name], 'HighWatermark', signal);
      } finally {
        await cluster.close();
      }
    },
    async produce(topic, messages) {
      for (let from = 0; from < messages.length; from += 1_000) await producer.send({ topic, acks: -1, messages: messages.slice(from, from + 1_000) });
    },
    async documents(alias) {
      await search(`${alias}/_refresh`, { method: 'POST' });
      const found: Hit[] = [];
      for (let after: unknown[] | undefined; ; ) {
        const body = {
          size: 5_000,
          query: { match_all: {} },
          sort: [{ 'grue.p': 'asc' }, { 'grue.o': 'asc' }, { 'grue.path': 'asc' }],
          ...(after ? { search_after: after } : {}),
        };
        const answer = (await search(`${alias}/_search`, { method: 'POST', body: JSON.stringify(body) })) as { hits?: { hits: (Hit & { sort: unknown[] })[] } };
        const hits = answer.hits?.hits ?? [];
        found.push(...hits);
        after = hits.at(-1)?.sort;
        if (hits.length < 5_000) return found;
      }
    },
    async [Symbol.asyncDispose]() {
      await producer.disconnect();
      await grue.stop();
    },
  };
}

/** Waits until readers of the alias see exactly as many documents. */
export async function documentsBecome(scene: Scene, alias: string, count: number, seconds = 60): Promise<readonly Hit[]> {
  return eventually(
    `${count} documents behind ${alias}`,
    async () => {
      const found = await scene.documents(alias);
      return found.length === count ? found : undefined;
    },
    seconds,
    async () => (await scene.documents(alias)).length,
  );
}

export type Row = Readonly<Record<string, unknown>>;

/** A document as its readers know it: without provenance. */
export const rowOf = ({ _source: { grue: _, ...row } }: Hit): Row => row;

const textOf = (row: Row): string => JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))));

/** Waits until readers of the alias see exactly these documents, in any order. */
export async function contentBecomes(scene: Scene, alias: string, expected: Iterable<Row>): Promise<readonly Hit[]> {
  const wanted = [...expected].map(textOf).sort();
  const look = async () => {
    const hits = await scene.documents(alias);
    const found = hits.map((hit) => textOf(rowOf(hit))).sort();
    return { hits, missing: without(wanted, found), surplus: without(found, wanted) };
  };
  return eventually(
    `${wanted.length} documents behind ${alias}`,
    async () => {
      const { hits, missing, surplus } = await look();
      return missing.length + surplus.length === 0 ? hits : undefined;
    },
    patienceSeconds,
    async () => {
      const { missing, surplus } = await look();
      return { missing: missing.length, surplus: surplus.length, examples: [...missing.slice(0, 3), ...surplus.slice(0, 3)].map((text) => text.slice(0, 300)) };
    },
  );
}

/** What is in the first list more often than in the second. */
function without(these: readonly string[], those: readonly string[]): readonly string[] {
  const left = new Map<string, number>();
  for (const text of those) left.set(text, (left.get(text) ?? 0) + 1);
  return these.filter((text) => {
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count <= 0;
  });
}
