import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import type { kinds } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { stack } from '../../stack/for-tests.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds, type Row, type Written } from '../../support/workspace.ts';
import { contentBecomes, openScene, platform, type Scene } from '../migration/scene.ts';

/** `orders -> priced -> index`, with what tests of deletion look at. */
export interface Topology extends AsyncDisposable {
  readonly scene: Scene;
  readonly alias: string;
  /** Applies the Platform and the external stream, as has been done at the beginning. */
  applyRoot(): Promise<void>;
  /** Applies all three logical resources below the root; each with what is added to its spec. */
  apply(factor: number, more?: object): Promise<void>;
  /** Deletes logical resources: `Kind/name`, all three when none is named. */
  remove(...resources: readonly string[]): Promise<void>;
  produce(count: number): Promise<void>;
  /** Waits until readers of the alias see all orders with this factor. */
  shows(factor: number): Promise<void>;
  /** Names of the topics, groups and indices of this namespace that are on the servers. */
  physical(): Promise<{ readonly topics: readonly string[]; readonly groups: readonly string[]; readonly indices: readonly string[] }>;
  /** What the operator has logged, and in this the lines of the audit log. */
  logged(): Promise<readonly LogLine[]>;
  audit(): Promise<readonly LogLine[]>;
}

type LogLine = Readonly<Record<string, unknown>>;

export const all = ['Connection/priced', 'Stream/priced', 'Pipeline/priced'] as const;

export async function openTopology(title: string, options: Parameters<typeof openScene>[1] = {}): Promise<Topology> {
  const scene = await openScene(title, options);
  const { namespace } = scene;
  const alias = `${namespace}-priced`;
  const root = `${namespace}-orders`;
  const orders: Row[] = [];
  const admin = new Kafka({ brokers: [stack().kafka.bootstrapServers].flat(), logLevel: logLevel.ERROR }).admin();
  await admin.connect();
  await scene.createTopic(root, 2);
  const schema = { fields: ['id', 'amount'].map((name) => ({ name, type: 'BIGINT' })) };
  const resources = (factor: number, more: object): readonly Written[] => [
    { kind: 'Pipeline', name: 'priced', spec: { sql: `INSERT INTO priced SELECT id, amount * ${factor} AS amount FROM orders`, ...more } },
    { kind: 'Stream', name: 'priced', spec: { type: 'Append', schema, ...more } },
    {
      kind: 'Connection',
      name: 'priced',
      spec: { type: 'Sink', connector: 'elasticsearch', stream: 'priced', destination: { alias, settings: { number_of_replicas: 0 } }, ...more },
    },
  ];
  const produce = async (count: number): Promise<void> => {
    const made = Array.from({ length: count }, (_, i) => ({ id: orders.length + i, amount: (orders.length + i) % 50 }));
    await scene.produce(
      root,
      made.map((order) => ({ value: JSON.stringify(order) })),
    );
    orders.push(...made);
  };
  const applyRoot = (): Promise<void> =>
    scene.apply(platform(), { kind: 'Stream', name: 'orders', spec: { type: 'Append', external: { topic: root }, schema } });
  await produce(100);
  await applyRoot();
  const logged = async (): Promise<readonly LogLine[]> => {
    const log = await readFile(join(stack().directory, 'logs', namespace, 'operator.log'), 'utf8');
    return log.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []));
  };
  const prefix = `grue.${namespace}.`;
  return {
    scene,
    alias,
    applyRoot,
    produce,
    apply: (factor, more = {}) => scene.apply(...resources(factor, more)),
    async remove(...named) {
      for (const resource of named.length > 0 ? named : all) {
        const [kind, name = ''] = resource.split('/');
        await scene.remove(kind as keyof typeof kinds, name);
      }
    },
    async shows(factor) {
      await contentBecomes(
        scene,
        alias,
        orders.map(({ id, amount }) => ({ id, amount: Number(amount) * factor })),
      );
    },
    async physical() {
      const [topics, { groups }, indices] = await Promise.all([admin.listTopics(), admin.listGroups(), scene.search('_cat/indices/grue.*?format=json')]);
      return {
        topics: topics.filter((name) => name.startsWith(prefix)).sort(),
        groups: groups.flatMap(({ groupId }) => (groupId.startsWith(prefix) ? [groupId] : [])).sort(),
        indices: (indices as readonly { readonly index: string }[]).flatMap(({ index }) => (index.startsWith(prefix) ? [index] : [])).sort(),
      };
    },
    logged,
    audit: async () => (await logged()).filter((line) => 'audit' in line),
    async [Symbol.asyncDispose]() {
      await admin.disconnect();
      await scene[Symbol.asyncDispose]();
    },
  };
}

/** Waits until a look at something gives what is wanted. */
export async function becomes<T>(what: string, look: () => Promise<T>, isIt: (found: T) => boolean, seconds = patienceSeconds): Promise<T> {
  const { found } = await eventually(
    what,
    async () => {
      const found = await look();
      return isIt(found) ? { found } : undefined;
    },
    seconds,
    look,
  );
  return found;
}

/** The kinds that a deleted object can be of, and whether it is gone. */
export const gone = async (scene: Scene, kind: keyof typeof kinds, name: string, seconds = patienceSeconds): Promise<void> => {
  await becomes(
    `${kind} ${name} to be gone`,
    () => scene.object<KubeObject>(kind, name),
    (found) => found === undefined,
    seconds,
  );
};
