import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeClient } from '../../../src/controller/kube/client.ts';
import { stack } from '../../stack/for-tests.ts';
import { connectKube, eventually, startProcess, stopProcess } from '../../support/grue.ts';
import { openWorkspace, patienceSeconds, type Workspace, type Written } from '../../support/workspace.ts';
import { openRealm, type Realm } from './realm.ts';

export const commands = ['operator', 'worker'] as const;
export type Command = (typeof commands)[number];

/** A process of ours under the account that the chart gives to it. */
export interface Running extends AsyncDisposable {
  /** What it has logged. */
  log(): string;
}

/** `orders -> priced -> index` on a Kafka that asks for a password, in a realm. */
export interface Topology extends AsyncDisposable {
  readonly realm: Realm;
  /** As its users have it, who may do anything. */
  readonly kube: KubeClient;
  readonly workspace: Workspace;
  start(command: Command, ...flags: readonly string[]): Running;
  /** Applies what lies below the root, each with what is added to its spec. */
  apply(factor: number, more?: object): Promise<void>;
  /** Applies all of it for the first time, and waits until it is live. A worker and an operator have to run. */
  install(): Promise<void>;
}

export async function openTopology(): Promise<Topology> {
  const realm = await openRealm();
  const { namespace, users } = realm;
  const kube = connectKube(users.root);
  const { bootstrapServers, saslBootstrapServers, user, password } = stack().kafka;
  const workspace = await openWorkspace({ kube, namespace, bootstrapServers: [bootstrapServers], elasticsearchUrl: stack().elasticsearch.url });
  const directory = join(stack().directory, 'logs', namespace);
  mkdirSync(directory, { recursive: true });
  const root = `${namespace}-orders`;
  const alias = `${namespace}-priced`;
  const orders = Array.from({ length: 100 }, (_, id) => ({ id, amount: id % 50 }));
  const schema = { fields: ['id', 'amount'].map((name) => ({ name, type: 'BIGINT' })) };
  const below = (factor: number, more: object): readonly Written[] => [
    { kind: 'Pipeline', name: 'priced', spec: { sql: `INSERT INTO priced SELECT id, amount * ${factor} AS amount FROM orders`, ...more } },
    { kind: 'Stream', name: 'priced', spec: { type: 'Append', schema, ...more } },
    {
      kind: 'Connection',
      name: 'priced',
      spec: { type: 'Sink', connector: 'elasticsearch', stream: 'priced', destination: { alias, settings: { number_of_replicas: 0 } }, ...more },
    },
  ];
  const kafka = { bootstrapServers: [saslBootstrapServers], authentication: { mechanism: 'PLAIN', secretRef: { name: 'kafka' } } };
  const above: readonly Written[] = [
    { kind: 'Platform', name: 'default', spec: { kafka, elasticsearch: { url: stack().elasticsearch.url } } },
    { kind: 'Stream', name: 'orders', spec: { type: 'Append', external: { topic: root }, schema } },
  ];
  let started = 0;
  return {
    ...{ realm, kube, workspace },
    start(command, ...flags) {
      started += 1;
      const file = join(directory, `${command}-${started}.log`);
      const own = command === 'operator' ? ['--lease-namespace', namespace, '--settle', '500ms'] : [];
      const child = startProcess(command, ['--kubeconfig', users[command], '--namespace', namespace, ...own, ...flags], file);
      return { log: () => readFileSync(file, 'utf8'), [Symbol.asyncDispose]: () => stopProcess(child) };
    },
    apply: (factor, more = {}) => workspace.apply(...below(factor, more)),
    async install() {
      await realm.kubectl('root', ['create', 'secret', 'generic', 'kafka', `--from-literal=username=${user}`, `--from-literal=password=${password}`]);
      await workspace.createTopic(root, 2);
      const messages = orders.map((order) => ({ value: JSON.stringify(order) }));
      await workspace.produce(root, messages);
      await workspace.apply(...above, ...below(1, {}));
      await eventually('all documents', async () => ((await workspace.documents(alias)).length === orders.length ? true : undefined), patienceSeconds);
    },
    async [Symbol.asyncDispose]() {
      await workspace[Symbol.asyncDispose]();
      kube.close();
      await realm[Symbol.asyncDispose]();
    },
  };
}
