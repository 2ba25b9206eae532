import { describe, expect, test } from 'vitest';
import { type SearchWorld, searchClusterContract } from '../../contract/search-cluster.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { memorySearch } from './search.ts';

const signal = new AbortController().signal;

async function memoryWorld(): Promise<SearchWorld> {
  const search = memorySearch({ clock: virtualClock() });
  return {
    cluster: search.cluster,
    put: async (index, documents) => {
      const sources = documents.map(({ id, version = 1n, stamp, colour }) => {
        const { h, ...origin } = stamp ?? {};
        const grue = h === undefined ? undefined : { ...origin, h1: h[0], h2: h[1], h3: h[2], h4: h[3] };
        return { id, version, source: { grue, colour } };
      });
      search.put(index, sources);
    },
    setAlias: async (alias, index, properties) => search.setAlias(alias, index, properties),
    close: async () => {},
  };
}

describe('Elasticsearch in memory', () => {
  searchClusterContract(memoryWorld);
});

type Place = { readonly index: string; readonly uuid: string };

/** A cluster whose commands are on their way for so long. */
async function late(milliseconds: number) {
  const clock = virtualClock();
  return { clock, search: memorySearch({ clock, onTheWay: () => clock.sleep(milliseconds) }) };
}

describe('what befalls Elasticsearch in memory', () => {
  const scene = async () => {
    const clock = virtualClock();
    const search = memorySearch({ clock });
    await search.cluster.createIndex({ name: 'i', mappings: {}, settings: { refresh_interval: '1s', gc_deletes: '10m' } }, signal);
    const bulk = (...lines: readonly object[]) => {
      const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
      return search.writer().bulk('i', body, lines.filter((line) => ['create', 'index', 'delete'].some((action) => action in line)).length, signal);
    };
    const external = (version: number) => ({ _id: 'k', version, version_type: 'external' });
    return { clock, search, bulk, external };
  };

  test('a worker writes through the hidden alias, and raises no index that is gone', async () => {
    const { search, bulk } = await scene();
    expect(await bulk({ create: { _id: '1' } }, { a: 1 })).toEqual({ outcome: 'Answered', failures: [] });
    expect(search.documents('i')).toEqual([{ _index: 'i', _id: '1', _version: 1n, _source: { a: 1 } }]);
    expect(search.snapshot().aliases).toEqual({});
    search.deleteIndex('i');
    expect(await bulk({ create: { _id: '2' } }, { a: 2 })).toMatchObject({
      failures: [{ position: 0, id: '2', status: 404, type: 'index_not_found_exception' }],
    });
    search.createIndex({ name: 'i', mappings: {}, settings: {} });
    expect(await bulk({ create: { _id: '2' } }, { a: 2 })).toMatchObject({ failures: [{ status: 404 }] });
  });

  test('a document is created once, and what is older than the stored version is refused', async () => {
    const { bulk, external } = await scene();
    const conflict = { failures: [{ status: 409, type: 'version_conflict_engine_exception' }] };
    await bulk({ create: { _id: '1' } }, {});
    expect(await bulk({ create: { _id: '1' } }, {})).toMatchObject(conflict);
    await bulk({ index: external(5) }, {});
    expect(await bulk({ index: external(5) }, {})).toMatchObject(conflict);
    expect(await bulk({ delete: external(4) })).toMatchObject(conflict);
    expect(await bulk({ index: external(6) }, {})).toMatchObject({ failures: [] });
  });

  test('a deletion is remembered, so that an older write does not undo it, for as long as the index says', async () => {
    const { clock, search, bulk, external } = await scene();
    await bulk({ index: external(5) }, {});
    await bulk({ delete: external(7) });
    expect(await bulk({ index: external(6) }, {})).toMatchObject({ failures: [{ status: 409 }] });
    expect(search.documents('i')).toEqual([]);
    await clock.advance(601_000);
    expect(await bulk({ index: external(6) }, {})).toMatchObject({ failures: [] });
  });

  test('readers see what has been refreshed, through the filter of the alias, with the index that it came from', async () => {
    const { clock, search } = await scene();
    search.setAlias('red', 'i', { filter: { term: { colour: 'red' } } });
    search.put('i', [
      { id: '1', source: { colour: 'red' } },
      { id: '2', source: { colour: 'blue' } },
    ]);
    expect(search.read('red')).toEqual([]);
    await clock.advance(1_000);
    expect(search.read('red')).toEqual([{ _index: 'i', _id: '1', _version: 1n, _source: { colour: 'red' } }]);
    expect(await search.cluster.searchActivity('i', signal)).toEqual({ openContexts: 0, queries: 2 });
    search.removeAlias('red');
    expect(() => search.read('red')).toThrow('no such index [red]');
  });

  test('restored to an earlier time, everything is as it was then; from a repository it gets another uuid', async () => {
    const { search } = await scene();
    search.setAlias('a', 'i');
    search.put('i', [{ id: '1', source: {} }]);
    const snapshot = search.snapshot();
    const checkpoint = search.checkpoint();
    search.put('i', [{ id: '2', source: {} }]);
    search.createIndex({ name: 'j', mappings: {}, settings: {} });
    search.restore(checkpoint);
    expect(search.snapshot()).toEqual(snapshot);
    search.deleteIndex('i');
    search.restoreIndex(checkpoint, 'i');
    expect(search.documents('i')).toHaveLength(1);
    expect(search.snapshot()).toMatchObject({ aliases: { a: { i: {} } }, indices: { i: { uuid: 'index-0000000000000003' } } });
    expect(search.history()).toEqual([
      'created index i (index-0000000000000001)',
      'alias a: nothing -> i',
      'created index j (index-0000000000000002)',
      'deleted index i (index-0000000000000001)',
      'alias a: i -> nothing',
      'created index i (index-0000000000000003)',
      'alias a: nothing -> i',
    ]);
  });

  test('a view that nobody has used for longer than its keep-alive is gone', async () => {
    const { clock, search } = await scene();
    const uuid = (await search.cluster.indices(['i'], signal)).get('i')?.uuid ?? '';
    const view = await search.cluster.view('i', uuid, signal);
    await clock.advance(299_000);
    expect(await view.count(signal)).toBe(0);
    await clock.advance(301_000);
    await expect(view.count(signal)).rejects.toMatchObject({ code: 'GRUE-ES-006' });
    expect(await search.cluster.searchActivity('i', signal)).toMatchObject({ openContexts: 0 });
  });

  test('what a strict mapping does not name, and a type that does not exist, are refused', async () => {
    const { search } = await scene();
    search.createIndex({ name: 's', mappings: { dynamic: 'strict', properties: { a: { type: 'long' } } }, settings: {} });
    expect(() => search.put('s', [{ id: '1', source: { b: 1 } }])).toThrow('introduction of [b]');
    const spec = { name: 't', mappings: { properties: { a: { type: 'lon' } } }, settings: {} };
    await expect(search.cluster.createIndex(spec, signal)).rejects.toMatchObject({ code: 'GRUE-ES-002', at: 'field a' });
  });

  test('while it is down nobody is answered', async () => {
    const { search, bulk } = await scene();
    search.down = true;
    await expect(search.cluster.clusterUuid(signal)).rejects.toMatchObject({ code: 'GRUE-PLT-003' });
    expect(await bulk({ create: { _id: '1' } }, {})).toMatchObject({ outcome: 'Unreachable' });
    expect(search.documents('i')).toEqual([]);
  });

  test('a command rests on what was there before it was sent', async () => {
    const { clock, search } = await late(5_000);
    const [a, b] = ['a', 'b'].map((name) => ({ index: name, uuid: search.createIndex({ name, mappings: {}, settings: {} }).uuid })) as [Place, Place];
    const bound = search.cluster.bindAlias('x', 'a', a.uuid, signal).catch((error: unknown) => error);
    search.setAlias('x', 'b');
    await clock.advance(5_000);
    expect(await bound).toMatchObject({ code: 'GRUE-ES-003' });
    expect(search.snapshot().aliases).toEqual({ x: { b: {} } });
    const flipped = search.cluster.flip([{ alias: 'x', from: b, to: a }], signal);
    search.removeAlias('x', 'b');
    await clock.advance(5_000);
    expect(await flipped).toEqual({ moved: false, reason: expect.stringContaining('missing') });
    const deleted = search.cluster.deleteIndex('a', a.uuid, signal);
    search.deleteIndex('a');
    await clock.advance(5_000);
    expect(await deleted).toBe('Absent');
  });
});
