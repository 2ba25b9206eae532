import { afterAll, describe, expect, test } from 'vitest';
import type { AliasMove } from '../../src/api/stream-migration.ts';
import type { AliasTarget, IndexView, SearchCluster } from '../../src/drivers/ports.ts';

/** What the suite needs beside the port to bring about what it asks for. */
export interface SearchWorld {
  readonly cluster: SearchCluster;
  /** Stores documents as a worker does; a refresh makes them visible. */
  put(index: string, documents: readonly WorldDocument[]): Promise<void>;
  /** Puts an alias on an index, as an administrator does by hand. */
  setAlias(alias: string, index: string, properties?: Omit<AliasTarget, 'index' | 'uuid'>): Promise<void>;
  close(): Promise<void>;
}

export interface WorldDocument {
  readonly id: string;
  readonly version?: bigint;
  /** Without one the document is foreign. */
  readonly stamp?: {
    readonly root: string;
    readonly epoch: number;
    readonly p: number;
    readonly o: bigint;
    readonly h: readonly [number, number, number, number];
  };
  /** A field to filter by. */
  readonly colour?: string;
}

const signal = new AbortController().signal;
const LAST_SAFE = 2n ** 53n;
let names = 0;

/** A name that nobody had before, in this run or another one. */
export const freshName = (what: string): string => `contract.${what}-${Date.now().toString(36)}-${names++}`;

/** Settings and mappings of an index as the sinks of Grue have them, with one field more. */
export const indexDefinition = {
  settings: { number_of_replicas: 0, refresh_interval: '-1' },
  mappings: {
    _meta: { grue: { installation: 'contract' } },
    properties: {
      colour: { type: 'keyword' },
      grue: {
        properties: {
          ...Object.fromEntries(['root', 'path', 'rev', 'proj'].map((name) => [name, { type: 'keyword' }])),
          ...Object.fromEntries(['epoch', 'p', 'h1', 'h2', 'h3', 'h4'].map((name) => [name, { type: 'integer' }])),
          o: { type: 'long' },
        },
      },
    },
  },
} as const;

/** What every implementation of the port does. */
export function searchClusterContract(make: () => Promise<SearchWorld>): void {
  const made = make();
  afterAll(async () => (await made).close());

  const uuidOf = async (index: string): Promise<string> => {
    const { cluster } = await made;
    return (await cluster.indices([index], signal)).get(index)?.uuid ?? 'none';
  };
  const newIndex = async (what = 'index'): Promise<{ index: string; uuid: string }> => {
    const { cluster } = await made;
    const index = freshName(what);
    await cluster.createIndex({ name: index, ...indexDefinition }, signal);
    return { index, uuid: await uuidOf(index) };
  };
  /** An alias on one new index, and another index for it to move to. */
  const newMove = async (properties?: Omit<AliasTarget, 'index' | 'uuid'>): Promise<AliasMove> => {
    const { setAlias } = await made;
    const move = { alias: freshName('alias'), from: await newIndex('blue'), to: await newIndex('green') };
    await setAlias(move.alias, move.from.index, properties);
    return move;
  };
  const targets = async (alias: string): Promise<readonly AliasTarget[]> => {
    const { cluster } = await made;
    return (await cluster.aliases([alias], signal)).get(alias) ?? [];
  };
  const stamp = (p: number, o: bigint, root = 'flights') => ({ root, epoch: 0, p, o, h: [1, 2, 3, 4] as const });
  const viewOf = async (documents: readonly WorldDocument[]): Promise<IndexView> => {
    const { cluster, put } = await made;
    const { index, uuid } = await newIndex();
    await put(index, documents);
    await cluster.refresh([index], signal);
    return cluster.view(index, uuid, signal);
  };

  describe('indices', () => {
    test('the cluster has one identity', async () => {
      const { cluster } = await made;
      expect(await cluster.clusterUuid(signal)).toMatch(/./);
      expect(await cluster.clusterUuid(signal)).toBe(await cluster.clusterUuid(signal));
    });

    test('an index is created once, and its facts are those of its definition', async () => {
      const { cluster } = await made;
      const name = freshName('index');
      expect(await cluster.createIndex({ name, ...indexDefinition }, signal)).toBe('Created');
      expect(await cluster.createIndex({ name, ...indexDefinition }, signal)).toBe('Exists');
      const facts = await cluster.indices([name, freshName('absent')], signal);
      expect([...facts.keys()]).toEqual([name]);
      expect(facts.get(name)).toMatchObject({ name, meta: { grue: { installation: 'contract' } }, replicas: 0, refreshInterval: '-1', health: 'green' });
      expect(facts.get(name)?.uuid).toMatch(/./);
    });

    test('no names have no facts', async () => {
      const { cluster } = await made;
      expect((await cluster.indices([], signal)).size).toBe(0);
      expect((await cluster.aliases([], signal)).size).toBe(0);
    });

    test('an index that is made anew under the same name has another uuid', async () => {
      const { cluster } = await made;
      const { index, uuid } = await newIndex();
      expect(await cluster.deleteIndex(index, uuid, signal)).toBe('Deleted');
      await cluster.createIndex({ name: index, ...indexDefinition }, signal);
      expect(await uuidOf(index)).not.toBe(uuid);
    });

    test('only the index of the given uuid is deleted', async () => {
      const { cluster } = await made;
      const { index, uuid } = await newIndex();
      expect(await cluster.deleteIndex(index, 'another', signal)).toBe('OtherIdentity');
      expect(await uuidOf(index)).toBe(uuid);
      expect(await cluster.deleteIndex(index, uuid, signal)).toBe('Deleted');
      expect(await cluster.deleteIndex(index, uuid, signal)).toBe('Absent');
    });

    test('facts of many indices with long names come in one call', async () => {
      const { cluster } = await made;
      const { index } = await newIndex();
      const many = Array.from({ length: 60 }, (_, n) => `${freshName('absent')}-${'x'.repeat(150)}${n}`);
      expect([...(await cluster.indices([...many, index], signal)).keys()]).toEqual([index]);
    });

    test('an index that does not exist cannot be refreshed', async () => {
      const { cluster } = await made;
      await expect(cluster.refresh([freshName('absent')], signal)).rejects.toMatchObject({ code: 'GRUE-ES-005' });
    });

    test('open views and queries on an index are told', async () => {
      const { cluster } = await made;
      const { index, uuid } = await newIndex();
      expect(await cluster.searchActivity(index, signal)).toEqual({ openContexts: 0, queries: 0 });
      const view = await cluster.view(index, uuid, signal);
      await view.count(signal);
      const during = await cluster.searchActivity(index, signal);
      expect(during.openContexts).toBe(1);
      expect(during.queries).toBeGreaterThan(0);
      await view.close();
      expect((await cluster.searchActivity(index, signal)).openContexts).toBe(0);
    });
  });

  describe('marks', () => {
    const prefix = (): string => freshName('marks').replaceAll('.', '-');
    const markedIndex = async (name: string, meta: Readonly<Record<string, unknown>> | undefined): Promise<string> => {
      const { cluster } = await made;
      const mappings = { ...indexDefinition.mappings, dynamic: 'strict', _meta: meta };
      await cluster.createIndex({ name, settings: indexDefinition.settings, mappings }, signal);
      return uuidOf(name);
    };

    test('all indices of a prefix that carry our mark are found, by name, with their facts', async () => {
      const { cluster, setAlias } = await made;
      const ours = prefix();
      await markedIndex(`${ours}.flights.b`, { grue: { revision: 'b' } });
      await markedIndex(`${ours}.flights.a`, { grue: { revision: 'a' }, team: 'search' });
      await markedIndex(`${ours}.flights.unmarked`, { team: 'search' });
      await markedIndex(`${ours}.flights.bare`, undefined);
      await markedIndex(`${ours}x.flights.other`, { grue: { revision: 'other prefix' } });
      const elsewhere = freshName('elsewhere');
      await markedIndex(elsewhere, { grue: { revision: 'elsewhere' } });
      await setAlias(`${ours}.alias`, elsewhere);
      const found = await cluster.marked(ours, signal);
      expect(found.map(({ name }) => name)).toEqual([`${ours}.flights.a`, `${ours}.flights.b`]);
      expect(found[0]).toEqual((await cluster.indices([`${ours}.flights.a`], signal)).get(`${ours}.flights.a`));
      expect(found[0]?.meta).toEqual({ grue: { revision: 'a' }, team: 'search' });
    });

    test('where nothing is marked, nothing is found', async () => {
      const { cluster } = await made;
      expect(await cluster.marked(prefix(), signal)).toEqual([]);
    });

    test('a mark is replaced whole, and what others wrote beside it stays', async () => {
      const { cluster } = await made;
      const name = freshName('marked');
      const uuid = await markedIndex(name, { grue: { revision: 'a', chain: [1] }, team: 'search' });
      await cluster.remark(name, uuid, { revision: 'a', rejected: ['x'] }, signal);
      await cluster.remark(name, uuid, { revision: 'a', rejected: ['x', 'y'] }, signal);
      const facts = (await cluster.indices([name], signal)).get(name);
      expect(facts).toMatchObject({ uuid, meta: { grue: { revision: 'a', rejected: ['x', 'y'] }, team: 'search' } });
      expect(facts?.meta?.['grue']).not.toHaveProperty('chain');
    });

    test('an index that had no mark gets one', async () => {
      const { cluster } = await made;
      const name = freshName('bare');
      await cluster.remark(name, await markedIndex(name, undefined), { revision: 'a' }, signal);
      expect((await cluster.indices([name], signal)).get(name)?.meta).toEqual({ grue: { revision: 'a' } });
    });

    test('an index of another uuid, or none, is not marked', async () => {
      const { cluster } = await made;
      const { index } = await newIndex();
      await expect(cluster.remark(index, 'another', {}, signal)).rejects.toMatchObject({ code: 'GRUE-ES-005' });
      await expect(cluster.remark(freshName('absent'), 'any', {}, signal)).rejects.toMatchObject({ code: 'GRUE-ES-005' });
      expect((await cluster.indices([index], signal)).get(index)?.meta).toEqual({ grue: { installation: 'contract' } });
    });
  });

  describe('claims', () => {
    const prefix = (): string => freshName('claims').replaceAll('.', '-');

    test('the first one gets it, and keeps it however often both ask', async () => {
      const { cluster } = await made;
      const ours = prefix();
      for (let i = 0; i < 3; i++) {
        expect(await cluster.claim(ours, 'a', signal)).toEqual({ outcome: 'Ours' });
        expect(await cluster.claim(ours, 'b', signal)).toEqual({ outcome: 'Others', installation: 'a' });
      }
    });

    test('another prefix is another claim', async () => {
      const { cluster } = await made;
      expect(await cluster.claim(prefix(), 'a', signal)).toEqual({ outcome: 'Ours' });
      expect(await cluster.claim(prefix(), 'b', signal)).toEqual({ outcome: 'Ours' });
    });

    test('of several at once exactly one gets it, and all others hear which', async () => {
      const { cluster } = await made;
      const ours = prefix();
      const names = ['a', 'b', 'c', 'd'];
      const claims = await Promise.all(names.map((name) => cluster.claim(ours, name, signal)));
      const winners = names.filter((_, i) => claims[i]!.outcome === 'Ours');
      expect(winners).toHaveLength(1);
      expect(claims.filter(({ outcome }) => outcome === 'Others')).toEqual(Array(3).fill({ outcome: 'Others', installation: winners[0] }));
    });

    test('a released claim is free, and nobody releases that of another', async () => {
      const { cluster } = await made;
      const ours = prefix();
      await cluster.release(ours, 'nobody', signal);
      await cluster.claim(ours, 'a', signal);
      await cluster.release(ours, 'b', signal);
      expect(await cluster.claim(ours, 'b', signal)).toEqual({ outcome: 'Others', installation: 'a' });
      await cluster.release(ours, 'a', signal);
      expect(await cluster.claim(ours, 'b', signal)).toEqual({ outcome: 'Ours' });
    });

    test('a take-over ends the claim of the other one, and needs none', async () => {
      const { cluster } = await made;
      const ours = prefix();
      await cluster.claim(ours, 'a', signal);
      expect(await cluster.takeOver(ours, 'b', signal)).toEqual({ outcome: 'Ours' });
      expect(await cluster.takeOver(ours, 'b', signal)).toEqual({ outcome: 'Ours' });
      expect(await cluster.claim(ours, 'a', signal)).toEqual({ outcome: 'Others', installation: 'b' });
      expect(await cluster.takeOver(prefix(), 'b', signal)).toEqual({ outcome: 'Ours' });
    });

    test('the claim is no marked index, and an index of its name that is not ours is not used', async () => {
      const { cluster } = await made;
      const ours = prefix();
      await cluster.claim(ours, 'a', signal);
      expect(await cluster.marked(ours, signal)).toEqual([]);
      const theirs = prefix();
      await cluster.createIndex({ name: `${theirs}.registry`, ...indexDefinition }, signal);
      await expect(cluster.claim(theirs, 'a', signal)).rejects.toMatchObject({ code: 'GRUE-KFK-002' });
    });
  });

  describe('aliases', () => {
    test('an alias that does not exist has no targets, and is not concrete', async () => {
      const { cluster } = await made;
      const alias = freshName('alias');
      expect(await targets(alias)).toEqual([]);
      expect(await cluster.isConcrete(alias, signal)).toBe(false);
    });

    test('a target is told with its filter, routing and flags', async () => {
      const { setAlias } = await made;
      const { index, uuid } = await newIndex();
      const alias = freshName('alias');
      const properties = { filter: { term: { colour: 'red' } }, indexRouting: 'a', searchRouting: 'b', isWriteIndex: true, isHidden: true };
      await setAlias(alias, index, properties);
      expect(await targets(alias)).toEqual([{ index, uuid, ...properties }]);
    });

    test('an index is concrete, an alias is not', async () => {
      const { cluster } = await made;
      const { alias, from } = await newMove();
      expect(await cluster.isConcrete(from.index, signal)).toBe(true);
      expect(await cluster.isConcrete(alias, signal)).toBe(false);
    });

    test('a new alias is bound, and binding it again changes nothing', async () => {
      const { cluster } = await made;
      const { index, uuid } = await newIndex();
      const alias = freshName('alias');
      await cluster.bindAlias(alias, index, uuid, signal);
      await cluster.bindAlias(alias, index, uuid, signal);
      expect(await targets(alias)).toEqual([{ index, uuid }]);
    });

    test('an alias that is elsewhere is not bound', async () => {
      const { cluster } = await made;
      const { alias, from, to } = await newMove();
      await expect(cluster.bindAlias(alias, to.index, to.uuid, signal)).rejects.toMatchObject({ code: 'GRUE-ES-003' });
      expect(await targets(alias)).toEqual([from]);
    });

    test('a name that is an index is not bound', async () => {
      const { cluster } = await made;
      const { index, uuid } = await newIndex();
      const other = await newIndex();
      await expect(cluster.bindAlias(other.index, index, uuid, signal)).rejects.toMatchObject({ code: 'GRUE-ES-001' });
    });

    test('an index of another uuid gets no alias', async () => {
      const { cluster } = await made;
      const { index } = await newIndex();
      const alias = freshName('alias');
      await expect(cluster.bindAlias(alias, index, 'another', signal)).rejects.toMatchObject({ code: 'GRUE-ES-005' });
      expect(await targets(alias)).toEqual([]);
    });
  });

  describe('flip', () => {
    test('all aliases move, and the result says how long that took', async () => {
      const { cluster } = await made;
      const moves = [await newMove(), await newMove()];
      const result = await cluster.flip(moves, signal);
      expect(result).toMatchObject({ moved: true });
      expect(result.moved && result.milliseconds).toBeGreaterThan(0);
      for (const { alias, to } of moves) expect(await targets(alias)).toEqual([to]);
    });

    test('filter, routing and flags are carried over', async () => {
      const { cluster } = await made;
      const properties = { filter: { term: { colour: 'red' } }, indexRouting: 'a', searchRouting: 'a,b', isWriteIndex: true, isHidden: true };
      const move = await newMove(properties);
      expect(await cluster.flip([move], signal)).toMatchObject({ moved: true });
      expect(await targets(move.alias)).toEqual([{ ...move.to, ...properties }]);
    });

    test('other aliases of the old index stay where they are', async () => {
      const { cluster, setAlias } = await made;
      const move = await newMove();
      const other = freshName('alias');
      await setAlias(other, move.from.index);
      await cluster.flip([move], signal);
      expect(await targets(other)).toEqual([move.from]);
    });

    test('a flip that is done already is a success that took no time', async () => {
      const { cluster } = await made;
      const move = await newMove();
      await cluster.flip([move], signal);
      expect(await cluster.flip([move], signal)).toEqual({ moved: true, milliseconds: 0 });
    });

    test('back is a flip like any other', async () => {
      const { cluster } = await made;
      const { alias, from, to } = await newMove();
      await cluster.flip([{ alias, from, to }], signal);
      expect(await cluster.flip([{ alias, from: to, to: from }], signal)).toMatchObject({ moved: true });
      expect(await targets(alias)).toEqual([from]);
    });

    const refusal = async (moves: readonly AliasMove[], reason: RegExp): Promise<void> => {
      const { cluster } = await made;
      const before = await cluster.aliases(
        moves.map(({ alias }) => alias),
        signal,
      );
      expect(await cluster.flip(moves, signal)).toEqual({ moved: false, reason: expect.stringMatching(reason) });
      for (const { alias } of moves) expect(await targets(alias)).toEqual(before.get(alias));
    };

    test('nothing moves when one alias is not where the plan says', async () => {
      const { setAlias } = await made;
      const strayed = await newMove();
      const elsewhere = await newIndex();
      await setAlias(strayed.alias, elsewhere.index);
      await refusal([await newMove(), strayed], /^GRUE-ES-004: alias .* is on .* and /);
    });

    test('an alias that does not exist does not move', async () => {
      await refusal([{ ...(await newMove()), alias: freshName('alias') }], /^GRUE-ES-004/);
    });

    test('an index of another uuid is neither left nor moved to', async () => {
      const move = await newMove();
      await refusal([{ ...move, to: { ...move.to, uuid: 'another' } }], /^GRUE-ES-005/);
      await refusal([{ ...move, from: { ...move.from, uuid: 'another' } }], /^GRUE-ES-005/);
    });

    test('an index that is gone is not moved to', async () => {
      const { cluster } = await made;
      const move = await newMove();
      await cluster.deleteIndex(move.to.index, move.to.uuid, signal);
      await refusal([move], /^GRUE-ES-005: index .* does not exist/);
    });
  });

  describe('view', () => {
    test('an index that is absent or of another uuid has no view', async () => {
      const { cluster } = await made;
      const { index } = await newIndex();
      await expect(cluster.view(index, 'another', signal)).rejects.toMatchObject({ code: 'GRUE-ES-005' });
      await expect(cluster.view(freshName('absent'), 'any', signal)).rejects.toMatchObject({ code: 'GRUE-ES-005' });
      expect(await cluster.searchActivity(index, signal)).toMatchObject({ openContexts: 0 });
    });

    test('a view does not change while documents are written', async () => {
      const { cluster, put } = await made;
      await using view = disposable(await viewOf([{ id: 'a', stamp: stamp(0, 1n) }]));
      await put(view.index, [{ id: 'b', stamp: stamp(0, 2n) }]);
      await cluster.refresh([view.index], signal);
      expect(await view.count(signal)).toBe(1);
    });

    test('documents that were not refreshed are not in a view', async () => {
      const { cluster, put } = await made;
      const { index, uuid } = await newIndex();
      await put(index, [{ id: 'a' }]);
      await using view = disposable(await cluster.view(index, uuid, signal));
      expect(await view.count(signal)).toBe(0);
    });

    test('a view ends with its index, as an error and not as 0', async () => {
      const { cluster } = await made;
      await using view = disposable(await viewOf([{ id: 'a' }]));
      await cluster.deleteIndex(view.index, view.uuid, signal);
      await expect(view.count(signal)).rejects.toMatchObject({ code: 'GRUE-ES-006' });
    });

    test('documents are counted by their origin, in the order of the ranges', async () => {
      const documents = [0n, 1n, 5n].map((o) => ({ id: `p0-${o}`, stamp: stamp(0, o) }));
      const others = [
        { id: 'p1', stamp: stamp(1, 1n) },
        { id: 'other', stamp: stamp(0, 1n, 'weather') },
        { id: 'epoch', stamp: { ...stamp(0, 1n), epoch: 1 } },
      ];
      await using view = disposable(await viewOf([...documents, ...others, { id: 'foreign' }]));
      const range = (partition: number, from: bigint, to: bigint, root = 'flights') => ({ root, epoch: 0, partition, from, to });
      const ranges = [range(1, 0n, 9n), range(0, 0n, 5n), range(0, 0n, 6n), range(0, 1n, 1n), range(2, 0n, 9n), range(0, 0n, 9n, 'weather')];
      expect(await view.countByOrigin(ranges, signal)).toEqual([1, 2, 3, 0, 0, 1]);
      expect(await view.countByOrigin([], signal)).toEqual([]);
    });

    test('thousands of ranges are counted', async () => {
      await using view = disposable(await viewOf([{ id: 'a', stamp: stamp(1_777, 3n) }]));
      const ranges = Array.from({ length: 2_000 }, (_, partition) => ({ root: 'flights', epoch: 0, partition, from: 0n, to: 9n }));
      const counts = await view.countByOrigin(ranges, signal);
      expect(counts).toHaveLength(2_000);
      expect(counts.flatMap((count, at) => (count > 0 ? [at] : []))).toEqual([1_777]);
    });

    test('offsets beyond 2^53 are exact to the last', async () => {
      const offsets = [LAST_SAFE, LAST_SAFE + 1n, LAST_SAFE + 2n, LAST_SAFE + 3n];
      await using view = disposable(await viewOf(offsets.slice(1).map((o) => ({ id: `${o}`, stamp: stamp(0, o) }))));
      const one = offsets.map((from) => ({ root: 'flights', epoch: 0, partition: 0, from, to: from + 1n }));
      expect(await view.countByOrigin(one, signal)).toEqual([0, 1, 1, 1]);
      expect(await view.minimumOrigins(signal)).toEqual([{ root: 'flights', epoch: 0, partition: 0, offset: LAST_SAFE + 1n }]);
    });

    test('the smallest origin is told for every partition of every root and epoch', async () => {
      const documents = [stamp(0, 7n), stamp(0, 3n), stamp(1, 9n), stamp(0, 4n, 'weather'), { ...stamp(0, 1n), epoch: 1 }];
      await using view = disposable(await viewOf([...documents.map((one, n) => ({ id: `${n}`, stamp: one })), { id: 'foreign' }]));
      const origins = await view.minimumOrigins(signal);
      expect(origins.map(({ root, epoch, partition, offset }) => `${root}/${epoch}/${partition}=${offset}`).sort()).toEqual([
        'flights/0/0=3',
        'flights/0/1=9',
        'flights/1/0=1',
        'weather/0/0=4',
      ]);
    });

    test('more partitions than fit into one answer are all told', async () => {
      await using view = disposable(await viewOf(Array.from({ length: 1_201 }, (_, p) => ({ id: `${p}`, stamp: stamp(p, BigInt(p)) }))));
      const origins = await view.minimumOrigins(signal);
      expect(origins).toHaveLength(1_201);
      expect(origins.every(({ partition, offset }) => BigInt(partition) === offset)).toBe(true);
    });

    test('an empty index has no origins', async () => {
      await using view = disposable(await viewOf([]));
      expect(await view.minimumOrigins(signal)).toEqual([]);
      expect(await view.count(signal)).toBe(0);
    });

    test('a document without a stamp, or from a root that is not named, is foreign', async () => {
      await using view = disposable(await viewOf([{ id: 'a', stamp: stamp(0, 1n) }, { id: 'b', stamp: stamp(0, 1n, 'weather') }, { id: 'c' }]));
      expect(await view.countForeign(['flights', 'weather'], signal)).toBe(1);
      expect(await view.countForeign(['flights'], signal)).toBe(2);
      expect(await view.countForeign([], signal)).toBe(3);
    });

    test('versions and digests are told for those ids that exist', async () => {
      const version = 3n * 2n ** 48n + 5n;
      await using view = disposable(
        await viewOf([
          { id: 'a', version, stamp: { ...stamp(0, 5n), h: [11, 0, 16_777_215, 4] } },
          { id: 'b', version: 1n },
        ]),
      );
      expect(await view.versions(['a', 'b', 'absent'], signal)).toEqual(
        new Map([
          ['a', { version: `${version}`, digest: '11-0-16777215-4' }],
          ['b', { version: '1', digest: '' }],
        ]),
      );
      expect(await view.versions([], signal)).toEqual(new Map());
    });

    test('versions beyond 2^53 keep every digit', async () => {
      const versions = [LAST_SAFE + 1n, 2n ** 62n + 1n, 2n ** 63n - 2n];
      await using view = disposable(await viewOf(versions.map((version) => ({ id: `${version}`, version }))));
      const found = await view.versions(
        versions.map((version) => `${version}`),
        signal,
      );
      for (const version of versions) expect(found.get(`${version}`)?.version).toBe(`${version}`);
    });

    test('versions of more ids than fit into one request are told', async () => {
      const ids = Array.from({ length: 2_300 }, (_, n) => `id-${n}`);
      await using view = disposable(await viewOf(ids.map((id) => ({ id, version: 7n }))));
      expect((await view.versions(ids, signal)).size).toBe(2_300);
    });

    test('documents are counted through the filter of an alias, and through its routing', async () => {
      await using view = disposable(await viewOf([{ id: 'a', colour: 'red' }, { id: 'b', colour: 'blue' }, { id: 'c' }]));
      expect(await view.countThrough({ term: { colour: 'red' } }, undefined, signal)).toBe(1);
      expect(await view.countThrough(undefined, undefined, signal)).toBe(3);
      // one shard, so every routing leads to all of it
      expect(await view.countThrough({ term: { colour: 'red' } }, 'somewhere', signal)).toBe(1);
    });
  });

  test('a signal that has ended ends a call with its reason', async () => {
    const { cluster } = await made;
    await expect(cluster.indices(['any'], AbortSignal.abort(new Error('the operator stops')))).rejects.toThrow('the operator stops');
  });
}

const disposable = (view: IndexView): IndexView & AsyncDisposable => ({ ...view, [Symbol.asyncDispose]: () => view.close() });
