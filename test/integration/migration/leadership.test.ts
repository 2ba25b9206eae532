import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApiProxy } from '../../../bench/api-proxy.ts';
import { connectSearch, type Search } from '../../../demo/search.ts';
import type { StreamMigration } from '../../../src/api/stream-migration.ts';
import { findCondition } from '../../../src/controller/conditions.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { leaseType } from '../../../src/controller/lease.ts';
import { watchAliases } from '../../chaos/aliases.ts';
import { type Fleet, type Member, startFleet } from '../../chaos/fleet.ts';
import { stack } from '../../stack/for-tests.ts';
import { type FlakyProxy, startFlakyProxy } from '../../support/flaky-proxy.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds, type Row, type Written } from '../../support/workspace.ts';
import { contentBecomes, openScene, type Scene } from './scene.ts';

const schema = { fields: ['id', 'amount'].map((name) => ({ name, type: 'BIGINT' })) };
const records: readonly Row[] = Array.from({ length: 500 }, (_, id) => ({ id, amount: id % 50 }));

/** A topology of one pipeline, with its records in the index. */
async function goLive(scene: Scene, elasticsearch: string): Promise<void> {
  const topic = `${scene.namespace}-sales`;
  await scene.createTopic(topic, 2);
  await scene.produce(
    topic,
    records.map((record) => ({ value: JSON.stringify(record) })),
  );
  await scene.apply(
    { kind: 'Platform', name: 'default', spec: { kafka: { bootstrapServers: [stack().kafka.bootstrapServers] }, elasticsearch: { url: elasticsearch } } },
    { kind: 'Stream', name: 'sales', spec: { type: 'Append', external: { topic }, schema } },
    pipeline(1),
    { kind: 'Stream', name: 'taxed', spec: { type: 'Append', schema } },
    {
      kind: 'Connection',
      name: 'taxed-index',
      spec: { type: 'Sink', connector: 'elasticsearch', stream: 'taxed', destination: { alias: scene.namespace, settings: { number_of_replicas: 0 } } },
    },
  );
  await contentBecomes(scene, scene.namespace, records);
}

const pipeline = (by: number): Written => ({
  kind: 'Pipeline',
  name: 'taxed',
  spec: { sql: `INSERT INTO taxed SELECT id, amount * ${by} AS amount FROM sales` },
});
const rowsAt = (by: number): readonly Row[] => records.map(({ id, amount }) => ({ id, amount: Number(amount) * by }));
const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const secondsSince = (at: number): number => (performance.now() - at) / 1_000;

describe('two operators of which one leads', () => {
  let scene: Scene;
  let fleet: Fleet;
  let proxy: FlakyProxy;
  let search: Search;
  let factor = 1;

  beforeAll(async () => {
    scene = await openScene('leaders', { workers: 0 });
    fleet = startFleet(scene, () => {});
    const { hostname, port } = new URL(stack().elasticsearch.url);
    proxy = await startFlakyProxy({ host: hostname, port: Number(port) });
    search = connectSearch(stack().elasticsearch.url);
    await goLive(scene, proxy.url);
  });
  afterAll(async () => {
    await fleet?.stop();
    search?.close();
    await scene?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
  });

  const holder = async (): Promise<string> => {
    const { spec } = await scene.grue.kube.get(leaseType, { namespace: scene.namespace, name: 'grue-operator' });
    return (spec as { readonly holderIdentity?: string | null }).holderIdentity ?? '';
  };
  /** One leads, and the other has been looking at the lease for a while. */
  const bothStand = async (): Promise<Member> => {
    const leader = await eventually('two operators, one of which leads', async () => (fleet.ready('operator').length === 2 ? await fleet.leader() : undefined));
    await sleep(8_000);
    return leader;
  };
  /** @returns seconds until another one leads */
  const handOver = async (strike: () => Promise<unknown>): Promise<number> => {
    const before = await holder();
    const began = performance.now();
    const struck = strike();
    await eventually(
      'another leader',
      async () => {
        const now = await holder();
        return now !== '' && now !== before ? now : undefined;
      },
      60,
    );
    const seconds = secondsSince(began);
    await struck;
    return seconds;
  };
  const change = async (name: string, spec: object = {}) => {
    factor += 1;
    await scene.apply(pipeline(factor));
    await scene.migrate(name, ['Pipeline/taxed'], spec);
  };
  const flipsAsked = () => proxy.requests.filter((line) => line.startsWith('POST /_aliases')).length;
  const rounded = (all: readonly number[]) => all.map((seconds) => seconds.toFixed(2)).join(', ');

  test('hand over within 2 s when the leader is asked to stop, also in mid-migration, and readers are moved once', async () => {
    const waits: number[] = [];
    for (const round of [1, 2, 3]) {
      const leader = await bothStand();
      const asked = flipsAsked();
      await change(`graceful-${round}`);
      await eventually('green to exist', async () => ((await scene.revisions()).some(({ spec }) => spec.migration === `graceful-${round}`) ? true : undefined));
      waits.push(await handOver(() => fleet.kill(leader, 0, 'SIGTERM')));
      await scene.inPhase(`graceful-${round}`, 'Completed');
      expect(flipsAsked() - asked).toBe(1);
    }
    console.info(`graceful hand-overs took ${rounded(waits)} s`);
    expect(Math.max(...waits)).toBeLessThanOrEqual(2);
    await contentBecomes(scene, scene.namespace, rowsAt(factor));
  });

  test('follow each other within 17 s when the leader is killed in mid-migration, and readers are moved once', async () => {
    const waits: number[] = [];
    for (const round of [1, 2]) {
      const leader = await bothStand();
      const asked = flipsAsked();
      await change(`killed-${round}`);
      await eventually('green to exist', async () => ((await scene.revisions()).some(({ spec }) => spec.migration === `killed-${round}`) ? true : undefined));
      waits.push(await handOver(() => fleet.kill(leader, 0)));
      await scene.inPhase(`killed-${round}`, 'Completed');
      expect(flipsAsked() - asked).toBe(1);
    }
    console.info(`hand-overs after a kill took ${rounded(waits)} s`);
    expect(Math.max(...waits)).toBeLessThanOrEqual(17);
    await contentBecomes(scene, scene.namespace, rowsAt(factor));
  });

  test('a leader that stands still with the call under way, and its call that arrives after its heir has made it, move nobody a second time', async () => {
    const leader = await bothStand();
    const aliases = watchAliases(search, [scene.namespace]);
    const arrival = Promise.withResolvers<void>();
    const asked = flipsAsked();
    proxy.inject({ kind: 'HoldRequest', until: arrival.promise }, { when: 'POST /_aliases', times: 1 });
    await change('frozen', { soak: '30s' });
    await eventually('the call to be under way', async () => (flipsAsked() > asked ? true : undefined), patienceSeconds);
    const wait = await handOver(async () => fleet.pause(leader, 25_000));
    await scene.inPhase('frozen', 'Soaking');
    expect(flipsAsked() - asked).toBe(2);
    arrival.resolve();
    await eventually('the old leader to notice that it is none', async () => (fleet.selfEnded.length > 0 ? true : undefined), 60);
    expect(fleet.selfEnded).toEqual([{ name: leader.name, code: 1, wasPaused: true }]);
    await scene.inPhase('frozen', 'Completed');
    const { standings, wrong, reads } = await aliases.stop();
    console.info(`the heir of a leader that stood still led after ${wait.toFixed(2)} s`);
    expect({ moves: standings.length - 1, wrong, ...reads }).toMatchObject({ moves: 1, wrong: [], failed: 0, empty: 0, mixed: 0 });
    expect(wait).toBeLessThanOrEqual(17);
    await contentBecomes(scene, scene.namespace, rowsAt(factor));
  });
});

const silences = [
  // six kinds of the operator, one of the worker
  { what: 'watches', title: 'silence', text: 'watch=', least: 7 },
  // and those that are kept for the next call, that of the lease among them
  { what: 'all connections to the API server', title: 'hush', text: '', least: 8 },
];

test.each(silences)(
  '$what that go silent and stay open are healed within 60 s, in the operator, which still leads, and in the worker',
  async ({ title, text, least }) => {
    const { kubeconfigPath } = stack().kubernetes;
    const file = (name: string) => join(stack().directory, `${title}-${name}.json`);
    await using api = await startApiProxy(kubeconfigPath, file('api'));
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(readFileSync(api.kubeconfigPath, 'utf8'))?.[1]);
    await using proxy = await startFlakyProxy({ host: '127.0.0.1', port });
    writeFileSync(file('silent'), readFileSync(api.kubeconfigPath, 'utf8').replaceAll(`:${port}`, `:${proxy.port}`));
    await using scene = await openScene(title, { kubeconfigPath: file('silent') });
    await goLive(scene, stack().elasticsearch.url);
    console.info(`live; ${text === '' ? 'everything' : text} goes silent`);

    const silencedAt = performance.now();
    const watches = proxy.silence(text);
    expect(watches).toBeGreaterThanOrEqual(least);
    // we come the same way, and are not who is judged: one call finds out
    await scene.grue.kube.get(leaseType, { namespace: scene.namespace, name: 'grue-operator' }, { timeoutMilliseconds: 500 }).catch(() => {});
    await scene.apply(pipeline(2));
    await scene.migrate('unheard', ['Pipeline/taxed']);
    const migration = async () => (await scene.object<StreamMigration & KubeObject>('StreamMigration', 'unheard'))?.status;
    const green = async () => (await scene.revisions()).filter(({ spec }) => spec.migration === 'unheard' && spec.stream === undefined);

    await eventually('the operator to hear of the migration', async () => ((await migration())?.phase === undefined ? undefined : true), patienceSeconds);
    const operator = secondsSince(silencedAt);
    // a plan made from caches of which only some have heard again would have nothing to do
    await eventually('green', async () => ((await green()).length > 0 ? true : undefined), 60, migration);
    const madeAt = performance.now();
    await eventually(
      'the worker to hear of green',
      async () => {
        const stages = await green();
        return stages.length > 0 && stages.every(({ status }) => findCondition(status?.conditions, 'WorkerReady')?.status === 'True') ? true : undefined;
      },
      patienceSeconds,
    );
    const worker = secondsSince(madeAt);
    console.info(
      `silent connections: ${watches}; the operator heard again after ${operator.toFixed(1)} s, the worker ${worker.toFixed(1)} s after there was something to hear`,
    );
    await scene.inPhase('unheard', 'Completed');
    await contentBecomes(scene, scene.namespace, rowsAt(2));
    expect(operator).toBeLessThanOrEqual(60);
    expect(worker).toBeLessThanOrEqual(60);
    const lease = await scene.grue.kube.get<KubeObject<{ readonly leaseTransitions?: number }>>(leaseType, {
      namespace: scene.namespace,
      name: 'grue-operator',
    });
    expect([scene.grue.operator.exitCode, lease.spec?.leaseTransitions ?? 0]).toEqual([null, 0]);
  },
  400_000,
);
