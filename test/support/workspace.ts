import '../../src/drivers/kafka/kafkajs-repairs.ts';
import { Kafka, logLevel, type Message } from 'kafkajs';
import { kinds } from '../../src/api/kinds.ts';
import type { Verb } from '../../src/api/requests.ts';
import type { Revision } from '../../src/api/revision.ts';
import type { MigrationStep, Phase, RequestResult, StreamMigration } from '../../src/api/stream-migration.ts';
import { request } from '../../src/cli/requests.ts';
import type { KubeObject } from '../../src/controller/kube/api.ts';
import type { KubeClient } from '../../src/controller/kube/client.ts';
import { openKafkaCluster } from '../../src/drivers/kafka/cluster.ts';
import { apply, find, phase } from './grue.ts';

/** A namespace and the servers behind it, as those have them who write records, search documents and edit resources. */
export interface Workspace {
  readonly namespace: string;
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

export type Row = Readonly<Record<string, unknown>>;

/** A document as its readers know it: without provenance. */
export const rowOf = ({ _source: { grue: _, ...row } }: Hit): Row => row;

/** How long something may take on a busy machine before it counts as stuck. */
export const patienceSeconds = 170;

export interface WorkspaceOptions {
  readonly kube: KubeClient;
  readonly namespace: string;
  readonly bootstrapServers: readonly string[];
  readonly elasticsearchUrl: string;
}

/** The namespace need not be there yet. */
export async function openWorkspace({ kube, namespace, bootstrapServers, elasticsearchUrl }: WorkspaceOptions): Promise<Workspace & AsyncDisposable> {
  const brokers = [...bootstrapServers];
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();

  const search = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const response = await fetch(`${elasticsearchUrl}/${path}`, { ...init, headers: { 'content-type': 'application/json' } });
    return response.json();
  };
  const applyAll = async (...resources: readonly Written[]): Promise<void> => {
    for (const { kind, name, spec } of resources)
      await apply(kube, { apiVersion: 'grue.dev/v1alpha1', kind, metadata: { name, namespace }, spec } as KubeObject);
  };
  return {
    namespace,
    search,
    apply: applyAll,
    async migrate(name, resources, spec = {}) {
      const named = resources.map((resource) => resource.split('/')).map(([kind, name]) => ({ kind, name }));
      await applyAll({ kind: 'StreamMigration', name, spec: { resources: named, soak: '2s', ...spec } });
    },
    inPhase: (name, ...phases) => phase(kube, namespace, name, phases, patienceSeconds),
    ask: (name, verb, step) => request(kube, { namespace, name, verb, step }),
    object: (kind, name) => find(kube, kind, namespace, name),
    revisions: async () => (await kube.list<Revision & KubeObject>(kinds.Revision, { namespace })).items,
    async remove(kind, name) {
      const found = await find(kube, kind, namespace, name);
      if (found) await kube.delete(kinds[kind], { namespace, name }, { uid: found.metadata.uid ?? '' });
    },
    async createTopic(name, partitions, config = {}) {
      // Its leaders have answered before anybody writes: an idempotent producer of kafkajs loses count when its first send meets none.
      const cluster = openKafkaCluster({ bootstrapServers: brokers, clientId: 'test' });
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
    [Symbol.asyncDispose]: () => producer.disconnect(),
  };
}
