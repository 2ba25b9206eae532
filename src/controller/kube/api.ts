/**
 * The port to a Kubernetes API server, over plain JSON objects. `client.ts` speaks HTTP; simulated worlds stand in for it.
 *
 * Contract of every implementation:
 * 1. Every failure is a KubeError; an abort by the caller rejects with the reason of its signal.
 * 2. Every call but `watch` ends within a deadline, also when nobody answers.
 * 3. Dates are strings, as on the wire.
 * 4. A watch delivers what happened after its resource version, in order; it ends quietly when the server closes it, and
 *    throws on anything else, an error event in the stream included.
 */

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly unknown[];
}

/** Any object of the API. Kinds with other members at the top (`data`, `regarding`) extend it. */
export interface KubeObject<Spec = unknown, Status = unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: Spec;
  readonly status?: Status;
}

/** How a kind is addressed. `group` is empty for the core group. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Which object of a kind. `namespace` is needed for namespaced kinds. */
export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for an answer; the implementation has a default. */
  readonly timeoutMilliseconds?: number;
}

/** What a list and the watch after it look at. One value for both, so they cannot disagree. */
export interface Selection {
  /** All namespaces when absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends CallOptions, Selection {
  /** Most objects in one page. */
  readonly limit?: number | undefined;
  /** The token of the page before. */
  readonly continue?: string | undefined;
}

export interface ObjectPage<T extends KubeObject = KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Absent on the last page. */
  readonly continue?: string;
}

export interface WatchOptions extends Selection {
  /** Deliver what happened after it. */
  readonly resourceVersion: string;
  /** After how long the server should end the watch. */
  readonly timeoutSeconds: number;
  readonly bookmarks: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called once when the server has accepted the watch, before any event. */
  readonly onOpen?: () => void;
}

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing happened up to here. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WriteOptions extends CallOptions {
  readonly fieldManager: string;
  /** Let the server check the write and do nothing. */
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Take over fields that another manager owns, instead of a Conflict. */
  readonly force: boolean;
}

export interface PatchOptions extends WriteOptions {
  readonly subresource?: 'status';
}

export interface DeleteOptions extends CallOptions {
  /** Delete only this incarnation of the name; otherwise Conflict. */
  readonly uid: string;
  readonly resourceVersion?: string;
  readonly propagation?: 'Foreground' | 'Background' | 'Orphan';
}

export interface ServerVersion {
  readonly gitVersion: string;
  readonly major: string;
  readonly minor: string;
}

export interface KubeApi {
  /** @throws NotFound */
  get<T extends KubeObject = KubeObject>(type: ResourceType, ref: ObjectRef, options?: CallOptions): Promise<T>;

  /** One page. @throws Gone when the continue token is too old */
  list<T extends KubeObject = KubeObject>(type: ResourceType, options?: ListOptions): Promise<ObjectPage<T>>;

  /** @throws Gone when the resource version is too old */
  watch<T extends KubeObject = KubeObject>(type: ResourceType, options: WatchOptions): AsyncIterable<WatchEvent<T>>;

  /** @throws AlreadyExists, Invalid */
  create<T extends KubeObject = KubeObject>(type: ResourceType, object: T, options: WriteOptions): Promise<T>;

  /**
   * Server-side apply: `object` holds exactly the fields that `fieldManager` wants to own. `metadata.resourceVersion` and
   * `metadata.uid`, where given, are preconditions (another uid is answered by Invalid, not by Conflict).
   * @returns the object as stored
   * @throws Conflict, Invalid
   */
  apply<T extends KubeObject = KubeObject>(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<T>;

  /**
   * The same for the status subresource; here only `metadata.resourceVersion` is a precondition (a server ignores the uid).
   * @throws NotFound when there is no such object, Conflict, Invalid
   */
  applyStatus<T extends KubeObject = KubeObject>(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<T>;

  /** JSON merge patch (null removes). `metadata.resourceVersion` in the patch is a precondition. @throws NotFound, Conflict */
  mergePatch<T extends KubeObject = KubeObject>(type: ResourceType, ref: ObjectRef, patch: object, options: PatchOptions): Promise<T>;

  /** Resolves when the deletion is accepted; finalizers may still hold the object. @throws NotFound, Conflict */
  delete(type: ResourceType, ref: ObjectRef, options: DeleteOptions): Promise<void>;

  serverVersion(options?: CallOptions): Promise<ServerVersion>;
}

/** `group/version`, or `version` for the core group. */
export function apiVersionOf(type: ResourceType): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

/** The key of an object in caches and queues: `namespace/name`, or `name` for kinds without namespace. */
export function keyOf(ref: ObjectRef): string {
  return ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name;
}

/** The inverse of `keyOf`. */
export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
