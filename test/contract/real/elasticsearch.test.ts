import { describe, expect, test } from 'vitest';
import { stack } from '../../stack/for-tests.ts';
import { startAuthProxy } from '../../support/auth-proxy.ts';
import { startFlakyProxy } from '../../support/flaky-proxy.ts';
import { freshName, indexDefinition, searchClusterContract } from '../search-cluster.ts';
import { connect, connectWorld, targetOf } from './elasticsearch-world.ts';

const signal = new AbortController().signal;
const { url } = stack().elasticsearch;

describe('Elasticsearch as a search cluster', () => {
  searchClusterContract(() => connectWorld(url));
});

describe('what the real cluster refuses', () => {
  const refused = async (definition: object): Promise<unknown> => {
    await using cluster = connect(url);
    return await cluster.createIndex({ name: freshName('refused'), ...indexDefinition, ...definition }, signal).catch((error: unknown) => error);
  };

  test('a mapping of an unknown type is refused with the reason and the field', async () => {
    expect(await refused({ mappings: { properties: { hours: { type: 'strin' } } } })).toMatchObject({
      code: 'GRUE-ES-002',
      at: 'field hours',
      message: expect.stringContaining('[strin]'),
    });
  });

  test('an unknown parameter of a mapping is refused with the field', async () => {
    expect(await refused({ mappings: { properties: { hours: { type: 'long', ignore_abov: 3 } } } })).toMatchObject({ code: 'GRUE-ES-002', at: 'field hours' });
  });

  test('an unknown setting is refused with its name', async () => {
    expect(await refused({ settings: { 'index.foo': 1 } })).toMatchObject({ code: 'GRUE-ES-002', at: 'setting index.foo' });
  });

  test('a setting of the wrong type is refused with its name', async () => {
    expect(await refused({ settings: { number_of_shards: 'many' } })).toMatchObject({ code: 'GRUE-ES-002', at: 'setting index.number_of_shards' });
  });

  test('a shard that fails makes a count an error that names it', async () => {
    await using cluster = connect(url);
    const name = freshName('failing');
    await cluster.createIndex({ name, ...indexDefinition }, signal);
    const view = await cluster.view(name, (await cluster.indices([name], signal)).get(name)?.uuid ?? '', signal);
    const error: unknown = await view.countThrough({ range: { 'grue.o': { gte: 'no number' } } }, undefined, signal).catch((thrown: unknown) => thrown);
    await view.close();
    expect(error).toMatchObject({ code: 'GRUE-ES-006', message: expect.stringContaining(`shard 0 of ${name} failed: `) });
  });

  test('a name that is no name of an index is not a matter of mappings', async () => {
    await using cluster = connect(url);
    await expect(cluster.createIndex({ name: 'UPPER', ...indexDefinition }, signal)).rejects.toMatchObject({ code: 'GRUE-ES-006' });
  });
});

describe('credentials', () => {
  const user = { username: 'grue', password: 'correct horse' };

  test('the right user passes, and an API key does too', async () => {
    for (const auth of [user, { apiKey: 'a2V5OnNlY3JldA==' }]) {
      await using proxy = await startAuthProxy(url, auth);
      await using cluster = connect(proxy.url, { auth });
      expect(await cluster.clusterUuid(signal)).toMatch(/./);
    }
  });

  test('a wrong password is told as such, and nowhere shown', async () => {
    await using proxy = await startAuthProxy(url, user);
    await using cluster = connect(proxy.url, { auth: { ...user, password: 'battery staple' } });
    const error: unknown = await cluster.indices(['any'], signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'GRUE-PLT-005' });
    const shown = JSON.stringify(error, Object.getOwnPropertyNames(error));
    expect(shown).not.toContain('battery');
    expect(shown).not.toContain(Buffer.from('grue:battery staple').toString('base64'));
  });

  test('no credentials are refused', async () => {
    await using proxy = await startAuthProxy(url, user);
    await using cluster = connect(proxy.url);
    await expect(cluster.clusterUuid(signal)).rejects.toMatchObject({ code: 'GRUE-PLT-005' });
  });
});

describe('a cluster that cannot be reached', () => {
  const target = targetOf(url);

  test('a closed port is told with the address', async () => {
    await using cluster = connect('http://127.0.0.1:1');
    await expect(cluster.clusterUuid(signal)).rejects.toMatchObject({ code: 'GRUE-PLT-003', message: expect.stringContaining('127.0.0.1:1') });
  });

  test('a server that never answers is given up after the time-out', async () => {
    await using proxy = await startFlakyProxy(target);
    await using cluster = connect(proxy.url, { timeoutMilliseconds: 300 });
    proxy.inject({ kind: 'Blackhole' });
    await expect(cluster.clusterUuid(signal)).rejects.toMatchObject({ code: 'GRUE-PLT-003', message: expect.stringContaining('timed out') });
  });

  test('a gateway without a server behind it is unreachable', async () => {
    await using proxy = await startFlakyProxy(target);
    await using cluster = connect(proxy.url);
    proxy.inject({ kind: 'Status', status: 502 });
    await expect(cluster.clusterUuid(signal)).rejects.toMatchObject({ code: 'GRUE-PLT-003' });
  });

  test('a read survives a connection that was closed while idle', async () => {
    await using proxy = await startFlakyProxy(target);
    await using cluster = connect(proxy.url);
    await cluster.clusterUuid(signal);
    proxy.inject({ kind: 'DropRequest' }, { times: 1 });
    expect(await cluster.clusterUuid(signal)).toMatch(/./);
    expect(proxy.struck).toBe(1);
  });

  test('what is not Elasticsearch is told as such', async () => {
    await using proxy = await startFlakyProxy(target);
    await using cluster = connect(proxy.url);
    proxy.inject({ kind: 'Status', status: 200 });
    await expect(cluster.clusterUuid(signal)).rejects.toMatchObject({ code: 'GRUE-PLT-003', message: expect.stringContaining('not Elasticsearch') });
  });
});
