import { isDeepStrictEqual } from 'node:util';
import { kubeTime } from '../../src/controller/clock.ts';
import {
  apiVersionOf,
  type KubeApi,
  type KubeObject,
  keyOf,
  type ObjectPage,
  type ObjectRef,
  type ResourceType,
  type WatchEvent,
} from '../../src/controller/kube/api.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';

/**
 * What an API server remembers: objects, one version counter, and what happened. A write that changes nothing is no event, a spec that
 * changes is a new generation, finalizers hold what is deleted, nothing is created in a namespace that is deleted, and who applies a status
 * owns the fields and conditions that it names. No schemas.
 */
export interface KubeStore {
  create(type: ResourceType, object: KubeObject): KubeObject;
  get(type: ResourceType, ref: ObjectRef): KubeObject;
  list(type: ResourceType, namespace?: string): readonly KubeObject[];
  /** JSON merge patch; `metadata.resourceVersion` in it is a precondition. */
  merge(type: ResourceType, ref: ObjectRef, patch: object): KubeObject;
  /** Creates, or replaces the spec, or what `manager` says in the status. */
  apply(type: ResourceType, object: KubeObject, subresource?: 'status', manager?: string): KubeObject;
  /** Deletes, or marks what finalizers hold. */
  remove(type: ResourceType, ref: ObjectRef, uid?: string): void;
  version(): string;
  /** Forgets what happened: watches from before are `Gone`. */
  compact(): void;
  /** Moves the version counter, as a restore from a backup does. */
  resetVersion(version: number): void;
  /** All that is stored, as a backup holds it. */
  checkpoint(): KubeCheckpoint;
  restore(checkpoint: KubeCheckpoint): void;
  /** Calls `hear` with everything after `resourceVersion`, then with everything as it happens. @throws Gone */
  follow(type: ResourceType, namespace: string | undefined, resourceVersion: string, hear: (event: WatchEvent) => void): () => void;
}

export interface KubeCheckpoint {
  readonly objects: ReadonlyMap<string, KubeObject>;
  readonly said: ReadonlyMap<string, ReadonlyMap<string, StatusParts>>;
  readonly version: number;
  readonly uids: number;
}

interface Happened {
  readonly at: number;
  readonly plural: string;
  readonly event: WatchEvent & { readonly object: KubeObject };
}

/** @param now wall time in milliseconds, for the times in metadata */
export function kubeStore(now: () => number = () => Date.UTC(2026, 0, 1)): KubeStore {
  const objects = new Map<string, KubeObject>();
  /** Which fields and conditions of a status each manager has said last, by the uid of the object. */
  const said = new Map<string, Map<string, StatusParts>>();
  const followers = new Set<(happened: Happened) => void>();
  let history: Happened[] = [];
  let compactedAt = 100;
  let version = 100;
  let uids = 0;

  const idOf = (type: ResourceType, ref: ObjectRef): string => `${type.plural} ${keyOf(ref)}`;

  function store(type: ResourceType, event: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): KubeObject {
    version += 1;
    const stored: KubeObject = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    if (event === 'DELETED') objects.delete(idOf(type, object.metadata));
    else objects.set(idOf(type, object.metadata), stored);
    const happened: Happened = { at: version, plural: type.plural, event: { type: event, object: stored } };
    history.push(happened);
    for (const follower of [...followers]) follower(happened);
    return stored;
  }

  function get(type: ResourceType, ref: ObjectRef): KubeObject {
    const object = objects.get(idOf(type, ref));
    if (!object) throw new KubeError('NotFound', `${idOf(type, ref)} not found`, { status: 404 });
    return object;
  }

  const isEnding = (namespace: string | undefined): boolean =>
    namespace !== undefined && objects.get(`namespaces ${keyOf({ name: namespace })}`)?.metadata.deletionTimestamp !== undefined;

  function create(type: ResourceType, object: KubeObject): KubeObject {
    const { namespace, name } = object.metadata;
    if (isEnding(namespace))
      throw new KubeError('Forbidden', `${name} is forbidden: namespace ${namespace} is being terminated`, { status: 403, reason: 'Forbidden' });
    if (objects.has(idOf(type, object.metadata)))
      throw new KubeError('AlreadyExists', `${idOf(type, object.metadata)} exists`, { status: 409, reason: 'AlreadyExists' });
    uids += 1;
    const metadata = { ...object.metadata, uid: `uid-${uids}`, generation: 1, creationTimestamp: kubeTime(now()) };
    return store(type, 'ADDED', { ...object, apiVersion: apiVersionOf(type), kind: type.kind, metadata });
  }

  function change(type: ResourceType, before: KubeObject, after: KubeObject): KubeObject {
    if (isDeepStrictEqual(before, after)) return before;
    const { deletionTimestamp, finalizers = [], generation = 1 } = after.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) return store(type, 'DELETED', after);
    const isNewGeneration = !isDeepStrictEqual(before.spec, after.spec) || before.metadata.deletionTimestamp !== deletionTimestamp;
    return store(type, 'MODIFIED', isNewGeneration ? { ...after, metadata: { ...after.metadata, generation: generation + 1 } } : after);
  }

  function check(stored: KubeObject, wanted: { uid?: string; resourceVersion?: string } | undefined): void {
    const stale = wanted?.resourceVersion !== undefined && wanted.resourceVersion !== stored.metadata.resourceVersion;
    const other = wanted?.uid !== undefined && wanted.uid !== stored.metadata.uid;
    if (stale || other) throw new KubeError('Conflict', `${stored.metadata.name} was modified`, { status: 409 });
  }

  return {
    create,
    get,
    list: (type, namespace) =>
      [...objects]
        .filter(([id]) => id.startsWith(`${type.plural} `))
        .map(([, object]) => object)
        .filter((object) => namespace === undefined || object.metadata.namespace === namespace),
    merge(type, ref, patch) {
      const stored = get(type, ref);
      check(stored, (patch as KubeObject).metadata);
      return change(type, stored, mergeJson(stored, withoutPreconditions(patch)) as KubeObject);
    },
    apply(type, object, subresource, manager = '') {
      const stored = objects.get(idOf(type, object.metadata));
      if (!stored && subresource) throw new KubeError('NotFound', `${object.metadata.name} not found`, { status: 404 });
      if (!stored) return create(type, object);
      check(stored, object.metadata);
      if (!subresource) return change(type, stored, { ...stored, spec: object.spec });
      const managers = said.get(stored.metadata.uid ?? '') ?? new Map<string, StatusParts>();
      said.set(stored.metadata.uid ?? '', managers);
      const status = appliedStatus(stored.status as Status | undefined, object.status as Status | undefined, manager, managers);
      return change(type, stored, { ...stored, status });
    },
    remove(type, ref, uid) {
      const stored = get(type, ref);
      check(stored, uid === undefined ? undefined : { uid });
      const { finalizers = [], deletionTimestamp = kubeTime(now()) } = stored.metadata;
      if (finalizers.length === 0) store(type, 'DELETED', stored);
      else change(type, stored, { ...stored, metadata: { ...stored.metadata, deletionTimestamp } });
    },
    version: () => String(version),
    compact() {
      history = [];
      compactedAt = version;
    },
    checkpoint: () => ({ objects: new Map(objects), said: copied(said), version, uids }),
    restore(checkpoint) {
      objects.clear();
      for (const [id, object] of checkpoint.objects) objects.set(id, object);
      said.clear();
      for (const [uid, managers] of copied(checkpoint.said)) said.set(uid, managers);
      ({ version, uids } = checkpoint);
      history = [];
      compactedAt = version;
    },
    resetVersion(to) {
      version = to;
      history = [];
      compactedAt = to;
    },
    follow(type, namespace, resourceVersion, hear) {
      const from = Number(resourceVersion);
      if (from < compactedAt) throw new KubeError('Gone', `too old resource version: ${from} (${compactedAt})`, { status: 410, reason: 'Expired' });
      if (from > version) throw new KubeError('Unavailable', `Too large resource version: ${from}, current: ${version}`, { status: 504, reason: 'Timeout' });
      const concerns = ({ plural, event }: Happened): boolean =>
        plural === type.plural && (namespace === undefined || event.object.metadata.namespace === namespace);
      const follower = (happened: Happened): void => {
        if (concerns(happened)) hear(happened.event);
      };
      for (const happened of history) if (happened.at > from) follower(happened);
      followers.add(follower);
      return () => followers.delete(follower);
    },
  };
}

const copied = (said: KubeCheckpoint['said']): Map<string, Map<string, StatusParts>> => new Map([...said].map(([uid, managers]) => [uid, new Map(managers)]));

type Status = Readonly<Record<string, unknown>> & { readonly conditions?: readonly { readonly type: string }[] };

interface StatusParts {
  readonly fields: ReadonlySet<string>;
  readonly conditions: ReadonlySet<string>;
}

/** What a forced server-side apply of a status makes of it: what the manager said before and leaves out now goes, unless another says it too. */
function appliedStatus(stored: Status = {}, applied: Status = {}, manager: string, managers: Map<string, StatusParts>): Status {
  const before = managers.get(manager);
  const others = [...managers].filter(([name]) => name !== manager).map(([, parts]) => parts);
  const { conditions: saidConditions = [], ...saidFields } = applied;
  const now: StatusParts = { fields: new Set(Object.keys(saidFields)), conditions: new Set(saidConditions.map(({ type }) => type)) };
  managers.set(manager, now);
  const dropped = (part: keyof StatusParts, name: string) =>
    before?.[part].has(name) === true && !now[part].has(name) && !others.some((other) => other[part].has(name));
  const { conditions: storedConditions = [], ...storedFields } = stored;
  const fields = { ...Object.fromEntries(Object.entries(storedFields).filter(([name]) => !dropped('fields', name))), ...saidFields };
  const byType = new Map(storedConditions.filter(({ type }) => !dropped('conditions', type)).map((condition) => [condition.type, condition]));
  for (const condition of saidConditions) byType.set(condition.type, condition);
  return byType.size > 0 ? { ...fields, conditions: [...byType.values()] } : fields;
}

/** A version or uid in a patch is a condition of the write, and not part of it. */
function withoutPreconditions(patch: object): object {
  const { metadata, ...others } = patch as Partial<KubeObject>;
  if (metadata === undefined) return patch;
  const { resourceVersion: _, uid: __, ...rest } = metadata;
  return { ...others, metadata: rest };
}

function mergeJson(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = { ...(target as Record<string, unknown>) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergeJson(merged[key], value);
  }
  return merged;
}

/** A call as a fault sees it. */
export interface StoreCall {
  readonly verb: keyof KubeApi;
  readonly type: ResourceType | undefined;
}

/**
 * The port over a store, in this process: no I/O, so a virtual clock governs everything. `before` runs ahead of each call and
 * may wait, throw, or do nothing.
 */
export function storeApi(store: KubeStore, before: (call: StoreCall) => Promise<void> | void = () => {}): KubeApi {
  const act = async <T>(verb: keyof KubeApi, type: ResourceType | undefined, signal: AbortSignal | undefined, run: () => T): Promise<T> => {
    signal?.throwIfAborted();
    await orAbort(Promise.resolve(before({ verb, type })), signal);
    return run();
  };
  return {
    get: (type, ref, options = {}) => act('get', type, options.signal, () => store.get(type, ref) as never),
    list: (type, options = {}) =>
      act('list', type, options.signal, () => ({ items: store.list(type, options.namespace), resourceVersion: store.version() }) as ObjectPage as never),
    async *watch(type, options) {
      await act('watch', type, options.signal, () => {});
      const heard: WatchEvent[] = [];
      let wake = (): void => {};
      const stop = store.follow(type, options.namespace, options.resourceVersion, (event) => {
        heard.push(event);
        wake();
      });
      options.onOpen?.();
      try {
        for (;;) {
          for (const event of heard.splice(0)) yield event as never;
          if (heard.length === 0) await orAbort(new Promise<void>((resolve) => (wake = resolve)), options.signal);
        }
      } finally {
        stop();
      }
    },
    create: (type, object, options) => act('create', type, options.signal, () => store.create(type, object) as never),
    apply: (type, object, options) => act('apply', type, options.signal, () => store.apply(type, object) as never),
    applyStatus: (type, object, options) => act('applyStatus', type, options.signal, () => store.apply(type, object, 'status', options.fieldManager) as never),
    mergePatch: (type, ref, patch, options) => act('mergePatch', type, options.signal, () => store.merge(type, ref, patch) as never),
    delete: (type, ref, options) => act('delete', type, options.signal, () => store.remove(type, ref, options.uid)),
    serverVersion: (options = {}) => act('serverVersion', undefined, options.signal, () => ({ gitVersion: 'v1.36.3', major: '1', minor: '36' })),
  };
}

function orAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
