import { afterAll, describe, expect, test } from 'vitest';
import { type DocumentWriter, elasticsearchWriter } from '../../../src/drivers/elasticsearch/bulk.ts';
import type { SearchSettings } from '../../../src/drivers/elasticsearch/client.ts';
import { stack } from '../../stack/for-tests.ts';
import { startAuthProxy } from '../../support/auth-proxy.ts';
import { type Fault, startFlakyProxy } from '../../support/flaky-proxy.ts';
import { freshName, indexDefinition } from '../search-cluster.ts';
import { connect, targetOf } from './elasticsearch-world.ts';

const { url } = stack().elasticsearch;
const signal = new AbortController().signal;
const cluster = connect(url);
const writer = elasticsearchWriter({ url });
afterAll(async () => {
  await writer.close();
  await cluster.close();
});

const SUCCESS = { outcome: 'Answered', failures: [] };

async function newIndex(): Promise<string> {
  const name = freshName('sink');
  await cluster.createIndex({ name, ...indexDefinition }, signal);
  return name;
}

const create = (id: string, h1: unknown = 1) => `{"create":{"_id":"${id}"}}\n{"grue":{"o":1,"h1":${JSON.stringify(h1)},"h2":2,"h3":3,"h4":4}}\n`;
const index = (id: string, version: bigint) => `{"index":{"_id":"${id}","version":${version},"version_type":"external"}}\n{"colour":"red"}\n`;
const remove = (id: string, version: bigint) => `{"delete":{"_id":"${id}","version":${version},"version_type":"external"}}\n`;

async function count(name: string): Promise<number> {
  await cluster.refresh([name], signal);
  const view = await cluster.view(name, (await cluster.indices([name], signal)).get(name)?.uuid ?? '', signal);
  return view.count(signal).finally(() => view.close());
}

describe('a bulk request', () => {
  test('that succeeds has no failures', async () => {
    const name = await newIndex();
    expect(await writer.bulk(name, create('a') + create('b'), 2, signal)).toEqual(SUCCESS);
    expect(await count(name)).toBe(2);
  });

  test('may be a buffer, and hold any text', async () => {
    const name = await newIndex();
    const body = Buffer.from(`${create('größe→\\"x\\"')}${create('größe→\\"x\\"')}`);
    expect(await writer.bulk(name, body, 2, signal)).toMatchObject({ failures: [{ position: 1, id: 'größe→"x"', status: 409 }] });
  });

  test('tells of each operation that failed where it stood in the body, which id it had and why', async () => {
    const name = await newIndex();
    await writer.bulk(name, create('a') + index('v', 2n ** 60n + 1n), 2, signal);
    const body = [create('b'), create('a'), remove('absent', 1n), create('c', 'text'), index('v', 2n ** 60n), remove('v', 5n), create('d')].join('');
    expect(await writer.bulk(name, body, 7, signal)).toEqual({
      outcome: 'Answered',
      failures: [
        { position: 1, id: 'a', status: 409, type: 'version_conflict_engine_exception', reason: expect.stringContaining('already exists') },
        { position: 3, id: 'c', status: 400, type: 'document_parsing_exception', reason: expect.stringMatching(/grue\.h1.*For input string: "text"/) },
        { position: 4, id: 'v', status: 409, type: 'version_conflict_engine_exception', reason: expect.stringContaining(`${2n ** 60n + 1n}`) },
        { position: 5, id: 'v', status: 409, type: 'version_conflict_engine_exception', reason: expect.any(String) },
      ],
    });
  });

  test('that deletes what is not there is a success', async () => {
    expect(await writer.bulk(await newIndex(), remove('absent', 1n), 1, signal)).toEqual(SUCCESS);
  });

  test('to an index that was deleted fails, and does not raise it again', async () => {
    const name = await newIndex();
    const uuid = (await cluster.indices([name], signal)).get(name)?.uuid ?? '';
    await cluster.deleteIndex(name, uuid, signal);
    const outcome = await writer.bulk(name, create('a') + index('b', 1n) + remove('c', 1n), 3, signal);
    expect(outcome).toMatchObject({ failures: [0, 1, 2].map((position) => ({ position, status: 404, type: 'index_not_found_exception' })) });
    expect((await cluster.indices([name], signal)).size).toBe(0);
  });

  test('that holds another number of operations than said is an error', async () => {
    const name = await newIndex();
    await expect(writer.bulk(name, create('a'), 2, signal)).rejects.toMatchObject({
      code: 'GRUE-ES-006',
      message: expect.stringContaining('1 operations were acknowledged'),
    });
    await expect(writer.bulk(name, create('a'), 2, signal)).rejects.toMatchObject({ code: 'GRUE-ES-006' });
  });

  test('that is no NDJSON is refused as a whole', async () => {
    await expect(writer.bulk(await newIndex(), 'nonsense\n', 1, signal)).rejects.toMatchObject({ code: 'GRUE-ES-006' });
  });
});

describe('the digest of a stored document', () => {
  test('is known before a refresh, so that a conflict of the same document with itself is told from a collision', async () => {
    const name = await newIndex();
    await writer.bulk(name, create('a') + create('b', 7), 2, signal);
    expect(await writer.storedDigests(name, ['a', 'b', 'absent'], signal)).toEqual(
      new Map([
        ['a', '1-2-3-4'],
        ['b', '7-2-3-4'],
      ]),
    );
    expect(await writer.storedDigests(name, [], signal)).toEqual(new Map());
  });

  test('is an error when the index is gone', async () => {
    await expect(writer.storedDigests(freshName('absent'), ['a'], signal)).rejects.toMatchObject({ code: 'GRUE-ES-006' });
  });
});

describe('a bulk request without a clear answer', () => {
  const through = async (fault: Fault, settings: Partial<SearchSettings> = {}) => {
    const name = await newIndex();
    await using proxy = await startFlakyProxy(targetOf(url));
    await using flaky = disposable({ url: proxy.url, ...settings });
    proxy.inject(fault);
    const outcome = await flaky.bulk(name, create('a'), 1, signal);
    return { ...outcome, stored: await count(name) };
  };

  test('is ambiguous when the connection is lost before or after it was done', async () => {
    expect(await through({ kind: 'DropRequest' })).toMatchObject({ outcome: 'Ambiguous', stored: 0 });
    expect(await through({ kind: 'DropResponse' })).toMatchObject({ outcome: 'Ambiguous', stored: 1 });
  });

  test('is ambiguous after the time-out', async () => {
    expect(await through({ kind: 'Blackhole' }, { timeoutMilliseconds: 300 })).toMatchObject({ outcome: 'Ambiguous', reason: 'Request timed out' });
    expect(await through({ kind: 'DelayResponse', milliseconds: 1_500 }, { timeoutMilliseconds: 500 })).toMatchObject({ outcome: 'Ambiguous', stored: 1 });
  });

  test('is ambiguous when a gateway answers', async () => {
    for (const status of [500, 502, 503, 504]) expect(await through({ kind: 'Status', status })).toMatchObject({ outcome: 'Ambiguous' });
  });

  test('is rejected when there is too much to do', async () => {
    expect(await through({ kind: 'Status', status: 429 })).toMatchObject({ outcome: 'Rejected', status: 429 });
  });

  test('was never sent when there is no connection', async () => {
    for (const nobody of ['http://127.0.0.1:1', 'http://localhost:1', 'http://nobody.invalid:9200']) {
      await using unreachable = disposable({ url: nobody });
      expect(await unreachable.bulk('any', create('a'), 1, signal)).toMatchObject({ outcome: 'Unreachable' });
    }
  });

  test('is an error when the credentials are wrong', async () => {
    await using proxy = await startAuthProxy(url, { username: 'grue', password: 'right' });
    await using refused = disposable({ url: proxy.url, auth: { username: 'grue', password: 'wrong' } });
    await expect(refused.bulk('any', create('a'), 1, signal)).rejects.toMatchObject({ code: 'GRUE-PLT-005' });
  });

  test('ends with the reason of the signal when it is interrupted', async () => {
    await using proxy = await startFlakyProxy(targetOf(url));
    await using flaky = disposable({ url: proxy.url });
    proxy.inject({ kind: 'Blackhole' });
    const stop = new AbortController();
    const sent = flaky.bulk('any', create('a'), 1, stop.signal);
    await expect.poll(() => proxy.struck, { timeout: 20_000 }).toBe(1);
    stop.abort(new Error('membership lost'));
    await expect(sent).rejects.toThrow('membership lost');
  });
});

function disposable(settings: SearchSettings): DocumentWriter & AsyncDisposable {
  const made = elasticsearchWriter(settings);
  return { ...made, [Symbol.asyncDispose]: () => made.close() };
}
