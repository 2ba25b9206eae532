import type { SearchCluster } from '../ports.ts';
import { aliasTargets, bindAlias, isConcrete } from './aliases.ts';
import { claimPrefix, releasePrefix, takeOverPrefix } from './claims.ts';
import { readOnly, type SearchSettings, searchClient, timeoutOf } from './client.ts';
import { request } from './errors.ts';
import { flip } from './flip.ts';
import { createIndex, deleteIndex, indexFacts, markedIndices, refresh, remark, searchActivity } from './indices.ts';
import { openView } from './view.ts';

/** The port over a real cluster. Connects at the first request; nothing is sent before. */
export function elasticsearchCluster(settings: SearchSettings): SearchCluster {
  const client = searchClient(settings);
  return {
    clusterUuid: async (signal) =>
      (await request('asking for the identity of the cluster', signal, () => client.info({}, { ...readOnly, signal }))).cluster_uuid,
    indices: (names, signal) => indexFacts(client, names, signal),
    marked: (prefix, signal) => markedIndices(client, prefix, signal),
    remark: (index, uuid, mark, signal) => remark(client, index, uuid, mark, signal),
    aliases: (names, signal) => aliasTargets(client, names, signal),
    isConcrete: (name, signal) => isConcrete(client, name, signal),
    createIndex: (spec, signal) => createIndex(client, spec, signal),
    bindAlias: (alias, index, uuid, signal) => bindAlias(client, alias, index, uuid, signal),
    refresh: (indices, signal) => refresh(client, indices, signal),
    view: (index, uuid, signal) => openView(client, index, uuid, signal),
    flip: (moves, signal) => flip(client, moves, timeoutOf(settings), signal),
    searchActivity: (index, signal) => searchActivity(client, index, signal),
    deleteIndex: (name, uuid, signal) => deleteIndex(client, name, uuid, signal),
    claim: (prefix, installation, signal) => claimPrefix(client, prefix, installation, signal),
    release: (prefix, installation, signal) => releasePrefix(client, prefix, installation, signal),
    takeOver: (prefix, installation, signal) => takeOverPrefix(client, prefix, installation, signal),
    close: () => client.close(),
  };
}
