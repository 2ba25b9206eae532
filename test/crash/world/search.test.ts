import { describe } from 'vitest';
import { type SearchWorld, searchClusterContract } from '../../contract/search-cluster.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { memorySearch } from './search.ts';

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
