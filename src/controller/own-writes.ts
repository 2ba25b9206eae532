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
import { type KubeObject, keyOf } from './kube/api.ts';
import { type Cache, isAtOrAfter } from './kube/cache.ts';

export interface OwnWrites {
  /** @param stored the object as the server returned it from our write */
  remember(stored: KubeObject): void;
  /** Has the cache heard of our last write of this key? */
  cacheIsCurrent(key: string): boolean;
}

export function ownWrites(cache: Cache<KubeObject>, clock: Pick<Clock, 'monotonic'>): OwnWrites {
  const written = new Map<string, { readonly resourceVersion: string; readonly at: number }>();
  return {
    remember(stored) {
      const { resourceVersion } = stored.metadata;
      if (resourceVersion) written.set(keyOf(stored.metadata), { resourceVersion, at: clock.monotonic() });
    },
    cacheIsCurrent(key) {
      const write = written.get(key);
      if (!write) return true;
      // The cache's own version moves with every event of the kind, so it is past the write when the object is (or is gone).
      const heard = isAtOrAfter(cache.resourceVersion() ?? '', write.resourceVersion);
      const listed = (cache.listedAt() ?? Number.NEGATIVE_INFINITY) > write.at;
      if (heard || listed) written.delete(key);
      return heard || listed;
    },
  };
}
