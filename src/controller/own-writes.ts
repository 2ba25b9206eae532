/**
 * Read your own writes. A pass that runs on a cache which has not yet heard of the last pass's write would do its effect twice.
 *
 * Invariants:
 * 1. After a write of a key the cache is not current for it until it has heard of that write, or of something later.
 * 2. A deletion or a recreation of the object after the write counts as later.
 * 3. A complete list that began after the write makes the cache current, whatever the versions say (restored servers count anew).
 * 4. What is current is forgotten, so the memory is bounded by the writes in flight.
 */
import type { Clock } from './clock.ts';
import { type KubeApi, type KubeObject, keyOf, type ResourceType } from './kube/api.ts';
import { type Cache, isAtOrAfter } from './kube/cache.ts';

export interface OwnWrites {
  /** @param stored the object as the server returned it from our write */
  remember(stored: KubeObject): void;
  /** Is this what our own write has made of it? Asked when an event tells of it; where the answer to the write is still to come, it looks like another's. */
  isOurs(object: KubeObject): boolean;
  /** Has the cache heard of our last write of this key? */
  cacheIsCurrent(key: string): boolean;
  /** Has the cache heard of all our writes in a namespace? For passes that look at a namespace as a whole. */
  namespaceIsCurrent(namespace: string): boolean;
}

export function ownWrites(cache: Cache<KubeObject>, clock: Pick<Clock, 'monotonic'>): OwnWrites {
  const written = new Map<string, { readonly resourceVersion: string; readonly at: number }>();
  const cacheIsCurrent = (key: string): boolean => {
    const write = written.get(key);
    if (!write) return true;
    // The cache's own version moves with every event of the kind, so it is past the write when the object is (or is gone).
    const heard = isAtOrAfter(cache.resourceVersion() ?? '', write.resourceVersion);
    const listed = (cache.listedAt() ?? Number.NEGATIVE_INFINITY) > write.at;
    if (heard || listed) written.delete(key);
    return heard || listed;
  };
  return {
    remember(stored) {
      const { resourceVersion } = stored.metadata;
      if (resourceVersion) written.set(keyOf(stored.metadata), { resourceVersion, at: clock.monotonic() });
    },
    isOurs: ({ metadata }) => written.get(keyOf(metadata))?.resourceVersion === metadata.resourceVersion,
    cacheIsCurrent,
    namespaceIsCurrent: (namespace) => [...written.keys()].filter((key) => key.startsWith(`${namespace}/`)).every(cacheIsCurrent),
  };
}

/** The same API, with every write remembered: also what a pass creates must be in the cache before the next pass looks for it. */
export function remembering<Api extends KubeApi>(api: Api, writesOf: (kind: string) => OwnWrites | undefined): Api {
  const note = <T extends KubeObject>(type: ResourceType, stored: T): T => {
    writesOf(type.kind)?.remember(stored);
    return stored;
  };
  return {
    ...api,
    create: async (type, object, options) => note(type, await api.create(type, object, options)),
    apply: async (type, object, options) => note(type, await api.apply(type, object, options)),
    mergePatch: async (type, ref, patch, options) => note(type, await api.mergePatch(type, ref, patch, options)),
  } satisfies KubeApi as Api;
}
