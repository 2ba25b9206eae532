import type { SearchSettings } from '../../../src/drivers/elasticsearch/client.ts';
import { elasticsearchCluster } from '../../../src/drivers/elasticsearch/cluster.ts';
import { exactJson } from '../../../src/drivers/elasticsearch/json.ts';
import type { SearchCluster } from '../../../src/drivers/ports.ts';
import type { SearchWorld } from '../search-cluster.ts';

/** A real Elasticsearch as the contract suite wants it; what is beside the port goes over plain HTTP. */
export async function connectWorld(url: string): Promise<SearchWorld> {
  const cluster = elasticsearchCluster({ url });
  const post = async (path: string, body: string, type = 'application/json'): Promise<void> => {
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': type }, body });
    const text = await answer.text();
    if (!answer.ok || text.includes('"errors":true')) throw new Error(text);
  };
  return {
    cluster,
    put: async (index, documents) => {
      const lines = documents.flatMap(({ id, version = 1n, stamp, colour }) => {
        const { h, ...origin } = stamp ?? {};
        const grue = h === undefined ? undefined : { ...origin, h1: h[0], h2: h[1], h3: h[2], h4: h[3] };
        return [{ index: { _id: id, version, version_type: 'external' } }, { grue, colour }];
      });
      if (lines.length > 0) await post(`/${index}/_bulk`, lines.map((line) => `${exactJson(line)}\n`).join(''), 'application/x-ndjson');
    },
    setAlias: async (alias, index, { filter, indexRouting, searchRouting, isWriteIndex, isHidden } = {}) => {
      const add = { index, alias, filter, index_routing: indexRouting, search_routing: searchRouting, is_write_index: isWriteIndex, is_hidden: isHidden };
      await post('/_aliases', exactJson({ actions: [{ add }] }));
    },
    close: () => cluster.close(),
  };
}

/** The port over a real cluster, closed at the end of the block. */
export function connect(url: string, settings: Omit<SearchSettings, 'url'> = {}): SearchCluster & AsyncDisposable {
  const cluster = elasticsearchCluster({ url, ...settings });
  return { ...cluster, [Symbol.asyncDispose]: () => cluster.close() };
}

/** The address as proxies take it. */
export function targetOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
