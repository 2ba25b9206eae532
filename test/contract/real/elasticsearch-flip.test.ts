import { describe, expect, test } from 'vitest';
import type { AliasMove } from '../../../src/api/stream-migration.ts';
import { stack } from '../../stack/for-tests.ts';
import { type Fault, startFlakyProxy } from '../../support/flaky-proxy.ts';
import { freshName, indexDefinition } from '../search-cluster.ts';
import { connect, connectWorld, targetOf } from './elasticsearch-world.ts';

const { url } = stack().elasticsearch;
const signal = new AbortController().signal;
const CALL = 'POST /_aliases';

/** An alias on one index and another index for it, a way to the cluster that can be spoiled, and one that cannot. */
async function scene(timeoutMilliseconds = 3_000) {
  const world = await connectWorld(url);
  const proxy = await startFlakyProxy(targetOf(url));
  const cluster = connect(proxy.url, { timeoutMilliseconds });
  const newIndex = async (what: string) => {
    const index = freshName(what);
    await world.cluster.createIndex({ name: index, ...indexDefinition }, signal);
    return { index, uuid: (await world.cluster.indices([index], signal)).get(index)?.uuid ?? '' };
  };
  const move: AliasMove = { alias: freshName('alias'), from: await newIndex('blue'), to: await newIndex('green') };
  await world.setAlias(move.alias, move.from.index);
  const whereIs = async () => (await world.cluster.aliases([move.alias], signal)).get(move.alias)?.map(({ index }) => index);
  return {
    world,
    proxy,
    cluster,
    move,
    whereIs,
    async [Symbol.asyncDispose]() {
      await cluster.close();
      await proxy[Symbol.asyncDispose]();
      await world.close();
    },
  };
}

describe('a flip over a bad network', () => {
  const unconfirmed = { moved: false, mayStillMove: true };
  const confirmed = { moved: true, milliseconds: expect.any(Number) };

  const cases: readonly [sentence: string, Fault, result: object, at: 'from' | 'to'][] = [
    ['that never brings the call to the server has not happened', { kind: 'DropRequest' }, unconfirmed, 'from'],
    ['that swallows the call has not happened', { kind: 'Blackhole' }, unconfirmed, 'from'],
    ['whose gateway gives up has not happened', { kind: 'Status', status: 504 }, unconfirmed, 'from'],
    ['that loses the answer is found done by the read-back', { kind: 'DropResponse' }, confirmed, 'to'],
    ['whose answer is later than the time-out is found done by the read-back', { kind: 'DelayResponse', milliseconds: 6_000 }, confirmed, 'to'],
  ];
  test.each(cases)('%s', async (_sentence, fault, result, at) => {
    await using on = await scene();
    on.proxy.inject(fault, { when: CALL });
    expect(await on.cluster.flip([on.move], signal)).toMatchObject(result);
    expect(on.proxy.struck).toBe(1);
    expect(await on.whereIs()).toEqual([on.move[at].index]);
  });

  test('whose call arrives after we have given up says that the aliases may still move, and they do', async () => {
    await using on = await scene();
    const held = Promise.withResolvers<void>();
    on.proxy.inject({ kind: 'HoldRequest', until: held.promise }, { when: CALL });
    expect(await on.cluster.flip([on.move], signal)).toMatchObject(unconfirmed);
    held.resolve();
    await expect.poll(on.whereIs, { timeout: 20_000 }).toEqual([on.move.to.index]);
    // and a repetition finds it done, rather than doing it again
    on.proxy.heal();
    expect(await on.cluster.flip([on.move], signal)).toEqual({ moved: true, milliseconds: 0 });
  });

  test('that is gone before the read-back leaves it open, as an error', async () => {
    await using on = await scene();
    let called = false;
    on.proxy.inject(
      { kind: 'DropRequest' },
      {
        when: (start) => {
          called ||= start.startsWith(CALL);
          return called;
        },
      },
    );
    await expect(on.cluster.flip([on.move], signal)).rejects.toMatchObject({ code: 'GRUE-PLT-003' });
  });
});

test('a rival that moves the alias after we have looked makes the whole call fail', async () => {
  await using on = await scene(30_000);
  const other: AliasMove = { ...on.move, alias: freshName('alias') };
  await on.world.setAlias(other.alias, other.from.index);
  const held = Promise.withResolvers<void>();
  on.proxy.inject({ kind: 'HoldRequest', until: held.promise }, { when: CALL });
  const flip = on.cluster.flip([other, on.move], signal);
  await expect.poll(() => on.proxy.struck, { timeout: 20_000 }).toBe(1);
  const rival = freshName('rival');
  await on.world.cluster.createIndex({ name: rival, ...indexDefinition }, signal);
  const uuid = (await on.world.cluster.indices([rival], signal)).get(rival)?.uuid ?? '';
  await on.world.cluster.flip([{ ...on.move, to: { index: rival, uuid } }], signal);
  held.resolve();
  expect(await flip).toEqual({ moved: false, reason: expect.stringContaining('missing') });
  expect(await on.whereIs()).toEqual([rival]);
  expect((await on.world.cluster.aliases([other.alias], signal)).get(other.alias)).toMatchObject([{ index: other.from.index }]);
});

test('a flip takes three requests: look, move, look again', async () => {
  await using on = await scene();
  await on.cluster.flip([on.move], signal);
  expect(on.proxy.requests.map((line) => line.split('?')[0])).toEqual([
    expect.stringMatching(/^GET /),
    expect.stringMatching(/^POST \/_aliases/),
    expect.stringMatching(/^GET /),
  ]);
});

test('a flip that is interrupted ends with the reason of the interruption', async () => {
  await using on = await scene(10_000);
  const stop = new AbortController();
  on.proxy.inject({ kind: 'Blackhole' }, { when: CALL });
  const flip = on.cluster.flip([on.move], stop.signal);
  await expect.poll(() => on.proxy.struck, { timeout: 20_000 }).toBe(1);
  stop.abort(new Error('the operator stops'));
  await expect(flip).rejects.toThrow('the operator stops');
});
