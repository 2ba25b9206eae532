import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Kafka, logLevel, type Message, type Producer } from 'kafkajs';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { stack } from '../../stack/for-tests.ts';
import { apply, createNamespace, eventually, type Grue, startGrue } from '../../support/grue.ts';
import { installCrds } from '../api/server.ts';

/** A namespace of its own on the real servers, with an operator and workers as processes. */
export interface Scene extends AsyncDisposable {
  readonly namespace: string;
  readonly grue: Grue;
  /** Applies resources given without apiVersion and namespace. */
  apply(...resources: readonly Written[]): Promise<void>;
  createTopic(topic: string, partitions: number, config?: Readonly<Record<string, string>>): Promise<void>;
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

export const platform = (): Written => ({
  kind: 'Platform',
  name: 'default',
  spec: { kafka: { bootstrapServers: [stack().kafka.bootstrapServers].flat() }, elasticsearch: { url: stack().elasticsearch.url } },
});

export async function openScene(title: string, options: { readonly workers?: number; readonly settle?: string } = {}): Promise<Scene> {
  const namespace = `${title}-${randomBytes(3).toString('hex')}`;
  await installCrds();
  const { kubeconfigPath } = stack().kubernetes;
  const grue = await startGrue({ kubeconfigPath, namespace, logDirectory: join(stack().directory, 'logs', namespace), ...options });
  const kafka = new Kafka({ brokers: [stack().kafka.bootstrapServers].flat(), logLevel: logLevel.ERROR });
  const producer: Producer = kafka.producer();
  await Promise.all([createNamespace(grue.kube, namespace), producer.connect()]);

  const search = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const response = await fetch(`${stack().elasticsearch.url}/${path}`, { ...init, headers: { 'content-type': 'application/json' } });
    return response.json();
  };
  return {
    namespace,
    grue,
    search,
    async apply(...resources) {
      for (const { kind, name, spec } of resources)
        await apply(grue.kube, { apiVersion: 'grue.dev/v1alpha1', kind, metadata: { name, namespace }, spec } as KubeObject);
    },
    async createTopic(topic, partitions, config = {}) {
      const admin = kafka.admin();
      await admin.connect();
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }] });
      await admin.disconnect();
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
