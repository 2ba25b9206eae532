import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@elastic/elasticsearch';
import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { processStart } from '../../../scripts/lock.js';
import { stack } from '../../stack/for-tests.ts';
import type { StackState } from '../../stack/protocol.ts';
import { attach, startStack } from '../../stack/stack.ts';

const unique = (name: string) => `${name}-${randomBytes(4).toString('hex')}`;

async function kubectl(args: readonly string[], kubeconfig = stack().kubernetes.kubeconfigPath): Promise<string> {
  const { stdout } = await promisify(execFile)(stack().kubernetes.kubectl, ['--kubeconfig', kubeconfig, ...args]);
  return stdout.trim();
}

function kafka(broker: string, sasl?: { readonly mechanism: 'plain' | 'scram-sha-256'; readonly password: string }): Kafka {
  const login = sasl && { sasl: { ...sasl, username: stack().kafka.user } as never };
  return new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 2, initialRetryTime: 50 }, ...login });
}

test('a user may do what RBAC gives to her group, and nothing else', async () => {
  const group = unique('viewers');
  const jane = await stack().kubernetes.makeUser('jane', [group]);
  await expect(kubectl(['get', 'configmaps', '-n', 'default'], jane)).rejects.toThrow(/User "jane" cannot list resource "configmaps"/);
  await kubectl(['create', 'clusterrolebinding', group, '--clusterrole=view', `--group=${group}`]);
  await expect.poll(() => kubectl(['auth', 'can-i', 'list', 'configmaps'], jane).catch(() => 'no'), { timeout: 20_000 }).toBe('yes');
  await expect(kubectl(['create', 'configmap', unique('map')], jane)).rejects.toThrow(/cannot create resource/);
});

test('what an object owns is collected after it, and a deleted namespace goes', async () => {
  const namespace = unique('stack');
  await kubectl(['create', 'namespace', namespace]);
  await kubectl(['create', 'configmap', 'owner', '-n', namespace]);
  const uid = await kubectl(['get', 'configmap', 'owner', '-n', namespace, '-o', 'jsonpath={.metadata.uid}']);
  await kubectl(['create', 'configmap', 'owned', '-n', namespace]);
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }];
  await kubectl(['patch', 'configmap', 'owned', '-n', namespace, '--patch', JSON.stringify({ metadata: { ownerReferences } })]);
  await kubectl(['delete', 'configmap', 'owner', '-n', namespace]);
  const names = () => kubectl(['get', 'configmaps', '-n', namespace, '-o', 'name']);
  await expect.poll(names, { timeout: 20_000 }).not.toContain('owned');
  await kubectl(['delete', 'namespace', namespace, '--wait', '--timeout=30s']);
});

test('Kafka and Elasticsearch listen on the address that they are given, tell it to their clients, and are not on loopback', async () => {
  const listen = '127.0.0.2';
  await using other = await startStack({ only: ['kafka', 'elasticsearch'], listen });
  const admin = kafka(other.kafka.bootstrapServers).admin();
  await admin.connect();
  expect((await admin.describeCluster()).brokers.map(({ host }) => host)).toEqual([listen]);
  await admin.disconnect();
  expect((await fetch(other.elasticsearch.url)).ok).toBe(true);
  await expect(fetch(other.elasticsearch.url.replace(listen, '127.0.0.1'))).rejects.toThrow();
});

test('an address that this machine does not have is refused before anything is started', async () => {
  await expect(startStack({ only: ['kafka'], listen: '192.0.2.77' })).rejects.toThrow(/STACK-HOST: this machine has no address 192\.0\.2\.77/);
});

test('Kafka lets in who knows the password, by PLAIN and by SCRAM, and nobody else', async () => {
  const { saslBootstrapServers, password } = stack().kafka;
  for (const mechanism of ['plain', 'scram-sha-256'] as const) {
    const admin = kafka(saslBootstrapServers, { mechanism, password }).admin();
    await admin.connect();
    expect((await admin.describeCluster()).brokers).toHaveLength(1);
    await admin.disconnect();
    const stranger = kafka(saslBootstrapServers, { mechanism, password: 'a guess' }).admin();
    await expect(stranger.connect()).rejects.toThrow(/authentication failed/i);
    await stranger.disconnect();
  }
});

test('a record of 10 MB fits, and retention takes it away within seconds', async () => {
  const client = kafka(stack().kafka.bootstrapServers);
  const [admin, producer, topic] = [client.admin(), client.producer(), unique('large')];
  await Promise.all([admin.connect(), producer.connect()]);
  await admin.createTopics({ topics: [{ topic, configEntries: [{ name: 'retention.ms', value: '500' }] }] });
  await producer.send({ topic, messages: [{ value: Buffer.alloc(10_000_000, 'x') }] });
  await expect.poll(async () => (await admin.fetchTopicOffsets(topic))[0]?.low, { timeout: 20_000 }).toBe('1');
  await admin.deleteTopics({ topics: [topic] });
  await Promise.all([admin.disconnect(), producer.disconnect()]);
});

test('Elasticsearch tells its version, is known as itself to its client, and compresses best', async () => {
  const client = new Client({ node: stack().elasticsearch.url });
  expect((await client.info()).version.number).toBe('9.5.3');
  const index = unique('compressed');
  await client.indices.create({ index, settings: { codec: 'best_compression', number_of_replicas: 0 } });
  await client.index({ index, document: { a: 1 }, refresh: true });
  expect((await client.count({ index })).count).toBe(1);
  await client.indices.delete({ index });
});

test('another process finds the stack through the environment', () => {
  expect(attach(stack().env).kafka).toEqual(stack().kafka);
});

test('a server that was killed comes back on its port with its data, and one that is paused answers later', async () => {
  await using own = await startStack({ only: ['kafka'] });
  expect(() => own.elasticsearch).toThrow('was started without elasticsearch');
  const admin = kafka(own.kafka.bootstrapServers).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'kept' }] });
  await own.kill('kafka');
  await expect(admin.listTopics()).rejects.toThrow();
  await own.startServer('kafka');
  await expect.poll(() => admin.listTopics().catch(() => []), { timeout: 20_000 }).toEqual(['kept']);
  await own.pause('kafka');
  const answer = admin.listTopics().then(() => 'answered');
  const silence = new Promise((resolve) => setTimeout(resolve, 500, 'silence'));
  expect(await Promise.race([answer, silence])).toBe('silence');
  await own.resume('kafka');
  expect(await answer).toBe('answered');
  await admin.disconnect();
});

test('a process that is killed with SIGKILL takes its real servers with it', async () => {
  const module = join(import.meta.dirname, '../../stack/stack.ts');
  const script = `import { startStack } from ${JSON.stringify(module)};
    const stack = await startStack({ only: ['kafka'] });
    console.log(stack.directory);
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const directory = await new Promise<string>((resolve) => owner.stdout.once('data', (line: Buffer) => resolve(line.toString().trim())));
  const { keeper } = JSON.parse(readFileSync(join(directory, 'stack.json'), 'utf8')) as StackState;
  owner.kill('SIGKILL');
  await expect.poll(() => processStart(keeper.pid), { timeout: 20_000 }).toBeUndefined();
  expect(existsSync(directory)).toBe(false);
  expect(execFileSync('ps', ['ax', '-o', 'args='], { encoding: 'utf8' })).not.toContain(directory);
});
