/**
 * What the API server holds of one kind, as far as we have heard.
 *
 * Invariants:
 * 1. Objects are frozen to the bottom; nobody can change what another one reads.
 * 2. An object of the same name with another uid is another object: its arrival is a deletion and an addition.
 * 3. A list replaces everything: what it does not hold is reported as deleted.
 * 4. An index answers as if it were computed from all objects at the moment of the question.
 * 5. Events never take it back, only a list can: a watch from a version before that of an object (a list in pages has one) tells its past again.
 * 6. `managedFields` and the last-applied annotation are dropped: they are half of the memory, and nobody reads them here.
 */
import { type KubeObject, keyOf, type ObjectMeta } from './api.ts';

/** The values under which an object is found. Pure. */
export type Indexer<T extends KubeObject> = (object: T) => readonly string[];
export type Indexers<T extends KubeObject> = Readonly<Record<string, Indexer<T>>>;

/** One object's way from `before` to `after`; one of them is absent at its birth or death. */
export interface Change<T extends KubeObject> {
  readonly key: string;
  readonly before?: T;
  readonly after?: T;
}

/** What readers see. */
export interface Cache<T extends KubeObject> {
  get(key: string): T | undefined;
  list(namespace?: string): readonly T[];
  keys(): readonly string[];
  size(): number;
  /** @throws Error for an index that was not declared */
  byIndex(index: string, value: string): readonly T[];
  /** Up to which version of the server this cache has heard everything; undefined before the first list. */
  resourceVersion(): string | undefined;
  /** When the last successful list began, in monotonic milliseconds. */
  listedAt(): number | undefined;
}

/** What the reflector writes. Each verb returns what it changed. */
export interface CacheStore<T extends KubeObject> extends Cache<T> {
  replace(objects: readonly T[], resourceVersion: string, listedAt: number): readonly Change<T>[];
  put(object: T): readonly Change<T>[];
  remove(object: T): readonly Change<T>[];
  progress(resourceVersion: string): void;
}

/** @param onIndexerError told of an indexer that threw; the object is kept and is not found under that index */
export function cacheStore<T extends KubeObject>(indexers: Indexers<T> = {}, onIndexerError: (error: unknown, key: string) => void = () => {}): CacheStore<T> {
  const objects = new Map<string, T>();
  const indexed = new Map<string, readonly (readonly [index: string, value: string])[]>();
  const indices = new Map(Object.keys(indexers).map((name) => [name, new Map<string, Set<string>>()]));
  let version: string | undefined;
  let listed: number | undefined;

  function valuesOf(key: string, object: T): readonly (readonly [string, string])[] {
    return Object.entries(indexers).flatMap(([name, indexer]) => {
      try {
        return indexer(object).map((value) => [name, value] as const);
      } catch (error) {
        onIndexerError(error, key);
        return [];
      }
    });
  }

  function set(key: string, object: T): void {
    unset(key);
    const values = valuesOf(key, object);
    objects.set(key, object);
    indexed.set(key, values);
    for (const [name, value] of values) {
      const index = indices.get(name);
      const keys = index?.get(value);
      if (keys) keys.add(key);
      else index?.set(value, new Set([key]));
    }
  }

  function unset(key: string): void {
    for (const [name, value] of indexed.get(key) ?? []) {
      const keys = indices.get(name)?.get(value);
      keys?.delete(key);
      if (keys?.size === 0) indices.get(name)?.delete(value);
    }
    objects.delete(key);
    indexed.delete(key);
  }

  function put(object: T): readonly Change<T>[] {
    const key = keyOf(object.metadata);
    const before = objects.get(key);
    if (before && same(before, object)) return [];
    const after = freeze(withoutBallast(object));
    set(key, after);
    if (!before) return [{ key, after }];
    return before.metadata.uid === after.metadata.uid
      ? [{ key, before, after }]
      : [
          { key, before },
          { key, after },
        ];
  }

  function removeKey(key: string): readonly Change<T>[] {
    const before = objects.get(key);
    unset(key);
    return before ? [{ key, before }] : [];
  }

  function hear({ metadata: { resourceVersion } }: T): void {
    if (resourceVersion !== undefined && isAtOrAfter(resourceVersion, version ?? '')) version = resourceVersion;
  }

  /** Told before. What is not there is compared with all that was heard: it may be gone since. */
  function isPast({ metadata }: T): boolean {
    const known = objects.get(keyOf(metadata))?.metadata.resourceVersion ?? version;
    return known !== undefined && metadata.resourceVersion !== undefined && isAtOrAfter(known, metadata.resourceVersion);
  }

  return {
    get: (key) => objects.get(key),
    list: (namespace) => [...objects.values()].filter((object) => namespace === undefined || object.metadata.namespace === namespace),
    keys: () => [...objects.keys()],
    size: () => objects.size,
    byIndex(name, value) {
      const index = indices.get(name);
      if (!index) throw new Error(`no index "${name}" was declared`);
      return [...(index.get(value) ?? [])].flatMap((key) => objects.get(key) ?? []);
    },
    resourceVersion: () => version,
    listedAt: () => listed,
    replace(listedObjects, resourceVersion, listedAt) {
      const there = new Set(listedObjects.map((object) => keyOf(object.metadata)));
      const gone = [...objects.keys()].filter((key) => !there.has(key)).flatMap(removeKey);
      version = resourceVersion;
      listed = listedAt;
      return [...gone, ...listedObjects.flatMap(put)];
    },
    put(object) {
      const past = isPast(object);
      hear(object);
      return past ? [] : put(object);
    },
    remove(object) {
      hear(object);
      const key = keyOf(object.metadata);
      // The deletion of an earlier incarnation says nothing about the one that we hold.
      return objects.get(key)?.metadata.uid === object.metadata.uid ? removeKey(key) : [];
    },
    progress(resourceVersion) {
      version = resourceVersion;
    },
  };
}

/** Is resource version `a` at or after `b`? Both from one server, where versions are decimal numbers (KEP-5504). */
export function isAtOrAfter(a: string, b: string): boolean {
  return a.length === b.length ? a >= b : a.length > b.length;
}

function same(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion;
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

function withoutBallast<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  const annotations = metadata.annotations;
  if (annotations?.[lastApplied] === undefined) return { ...object, metadata };
  const { [lastApplied]: __, ...others } = annotations;
  return { ...object, metadata: { ...metadata, annotations: others } satisfies ObjectMeta };
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) freeze(member);
  }
  return value;
}
