import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GateResult, StreamMigration } from '../../../src/api/stream-migration.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { eventually } from '../../support/grue.ts';
import { keepOn } from '../../support/workload/traffic.ts';
import { type Hit, patienceSeconds, type Row, type Written } from '../../support/workspace.ts';
import { startReaders } from './readers.ts';
import { contentBecomes, openScene, platform, type Scene } from './scene.ts';
import { type Ledger, ledgerOf } from './traffic.ts';

/** What is done to green behind the worker's back must be found, and what cannot be known must not pass for good. */
describe('parity on real servers', () => {
  let scene: Scene;
  let prices: Ledger;
  const trades: Row[] = [];
  const alias = (name: string) => `${scene.namespace}-${name}`;
  const fields = ['id', 'amount'].map((name) => ({ name, type: 'BIGINT' }));
  const root = (name: string, type: 'Append' | 'Change'): Written => ({
    kind: 'Stream',
    name,
    spec: { type, external: { topic: `${scene.namespace}-${name}` }, schema: { fields }, ...(type === 'Change' ? { keys: { primary: ['id'] } } : {}) },
  });
  const sink = (stream: string): Written => ({
    kind: 'Connection',
    name: stream,
    spec: {
      type: 'Sink',
      connector: 'elasticsearch',
      stream,
      keepVersions: 0,
      destination: { alias: alias(stream), settings: { number_of_replicas: 0 } },
    },
  });
  const trade = async (count: number) => {
    const made = Array.from({ length: count }, (_, i) => ({ id: trades.length + i, amount: (trades.length + i) % 31 }));
    await scene.produce(
      `${scene.namespace}-trades`,
      made.map((one) => ({ value: JSON.stringify(one) })),
    );
    trades.push(...made);
  };

  beforeAll(async () => {
    scene = await openScene('honest');
    await scene.createTopic(`${scene.namespace}-trades`, 2);
    await scene.createTopic(`${scene.namespace}-prices`, 2);
    await scene.createTopic(`${scene.namespace}-silence`, 2);
    prices = ledgerOf(scene, `${scene.namespace}-prices`);
    await trade(200);
    await prices.change(Array.from({ length: 100 }, (_, id) => [{ id }, { amount: id }] as const));
    await scene.apply(platform(), root('trades', 'Append'), root('prices', 'Change'), root('silence', 'Append'), ...['trades', 'prices', 'silence'].map(sink));
    await contentBecomes(scene, alias('trades'), trades);
    await contentBecomes(scene, alias('prices'), prices.rows.values());
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  /** Fills green while the migration is paused, so that it can be spoilt before anything is judged. */
  const spoilt = async (name: string, stream: string, spoil: (index: string, documents: readonly Hit[]) => Promise<unknown>, count: number) => {
    const [worker] = scene.grue.workers;
    worker?.kill('SIGSTOP');
    await scene.migrate(name, [`Connection/${stream}`], { rebuild: true, retry: 1 });
    await scene.inPhase(name, 'CatchingUp');
    expect((await scene.ask(name, 'pause')).result).toBe('accepted');
    worker?.kill('SIGCONT');
    const green = (await scene.revisions()).find(({ spec }) => spec.migration === name && spec.connection)?.spec.physical.index ?? '';
    const documents = await eventually(
      `${count} documents in green`,
      async () => {
        const found = await scene.documents(green);
        return found.length === count ? found : undefined;
      },
      patienceSeconds,
    );
    await spoil(green, documents);
    expect((await scene.ask(name, 'resume')).result).toBe('accepted');
    const ended = await scene.inPhase(name, 'Held', 'Completed', 'Soaking');
    expect(ended.status?.phase).toBe('Held');
    expect(await scene.documents(alias(stream))).toHaveLength(count);
    expect((await scene.ask(name, 'abort')).result).toBe('accepted');
    await scene.inPhase(name, 'Aborted');
    return (gate: string): GateResult | undefined => ended.status?.gates?.find((one) => one.name === gate);
  };
  const remove = (index: string, id: string) => scene.search(`${index}/_doc/${encodeURIComponent(id)}`, { method: 'DELETE' });
  const add = (index: string, id: string, source: unknown) => scene.search(`${index}/_create/${id}`, { method: 'POST', body: JSON.stringify(source) });

  test('a document that green has lost is missed, with the numbers', async () => {
    const gate = await spoilt('lossy', 'trades', (index, [first]) => remove(index, first?._id ?? ''), 200);
    expect(gate('Parity')).toMatchObject({ outcome: 'Fail', observed: expect.stringContaining('199 in green, 200 in blue, 1 apart') });
  });

  test('a document that green has twice is found, with the numbers', async () => {
    const gate = await spoilt('doubled', 'trades', (index, [first]) => add(index, 'again', first?._source), 200);
    expect(gate('Parity')).toMatchObject({ outcome: 'Fail', observed: expect.stringContaining('201 in green, 200 in blue, 1 apart') });
  });

  test('one too many does not make up for one too few', async () => {
    const gate = await spoilt(
      'swapped',
      'trades',
      async (index, documents) => {
        const inPartition = (p: number) => documents.find(({ _source: { grue } }) => (grue as { p: number }).p === p);
        await remove(index, inPartition(0)?._id ?? '');
        await add(index, 'again', inPartition(1)?._source);
      },
      200,
    );
    expect(gate('Parity')).toMatchObject({ outcome: 'Fail', observed: expect.stringContaining('200 in green, 200 in blue, 2 apart') });
  });

  test('a document of unknown origin is found, although it belongs to no record', async () => {
    const gate = await spoilt('foreign', 'trades', (index) => add(index, 'stray', { id: 1, amount: 1 }), 200);
    expect(gate('HistoryCovered')).toMatchObject({ outcome: 'Fail', observed: expect.stringContaining('without a stamp') });
  });

  test('a row of a Change stream that green has lost is missed', async () => {
    const gate = await spoilt('lossy-change', 'prices', (index, [first]) => remove(index, first?._id ?? ''), 100);
    expect(gate('Parity')).toMatchObject({ outcome: 'Fail', observed: expect.stringContaining('99 in green, 100 in blue') });
  });

  test('two empty sides agree about nothing: it is inconclusive, until there is something to compare', async () => {
    await scene.migrate('nothing', ['Connection/silence'], { rebuild: true });
    const parity = async () => (await scene.object<StreamMigration & KubeObject>('StreamMigration', 'nothing'))?.status;
    await eventually(
      'an inconclusive verdict at a third fence',
      async () => {
        const gate = (await parity())?.gates?.find(({ name }) => name === 'Parity');
        return gate?.outcome === 'Inconclusive' && (gate.fence ?? 0) >= 3 ? true : undefined;
      },
      patienceSeconds,
      parity,
    );
    await scene.produce(`${scene.namespace}-silence`, [{ value: '{"id":1,"amount":1}' }]);
    await scene.inPhase('nothing', 'Completed');
    await contentBecomes(scene, alias('silence'), [{ id: 1, amount: 1 }]);
  });

  test('readers see no failure, no gap and no mixture through a flip, a flip back, and the deletion of what they read before', async () => {
    const readers = startReaders(scene, [alias('trades')]);
    const traffic = keepOn(300, () => trade(3));
    await scene.migrate('there', ['Connection/trades'], { rebuild: true, retry: 1 });
    await scene.inPhase('there', 'Completed');
    await scene.migrate('and-back', ['Connection/trades'], { rebuild: true, retry: 1, soak: '10m' });
    await scene.inPhase('and-back', 'Soaking');
    expect((await scene.ask('and-back', 'rollback')).result).toBe('accepted');
    await scene.inPhase('and-back', 'RolledBack');
    await traffic.pause();
    const reads = await readers.stop();
    expect(reads).toMatchObject({ failed: 0, empty: 0, mixed: 0 });
    expect(reads.total).toBeGreaterThan(200);
    await contentBecomes(scene, alias('trades'), trades);
    expect(Object.keys((await scene.search(`grue.${scene.namespace}.trades.*`)) as object)).toHaveLength(1);
  });
});
