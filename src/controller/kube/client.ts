/**
 * KubeApi over HTTP.
 *
 * Invariants:
 * 1. The media type of every patch is said: server-side apply or merge patch, never the server's default.
 * 2. Unknown fields in a write are refused by the server (`fieldValidation=Strict`), not dropped.
 * 3. Listed objects carry apiVersion and kind, which the server leaves out of lists of its built-in kinds.
 * 4. A watch that ends within an event, or says something that is no event, is an error and not an end.
 */
import type { ListOptions, ObjectMeta, WatchEvent, WriteOptions } from './api.ts';
import { apiVersionOf, type KubeApi, type KubeObject, keyOf, type ObjectRef, type ResourceType, type Selection } from './api.ts';
import { errorOfStatus, KubeError, type StatusBody } from './errors.ts';
import { kubeTransport, type Transport, type TransportOptions } from './transport.ts';

const applyPatch = 'application/apply-patch+yaml'; // JSON is YAML
const mergePatch = 'application/merge-patch+json';

/** A KubeApi that also can be closed. */
export interface KubeClient extends KubeApi {
  /** Drops idle connections; calls in flight go on. */
  close(): void;
}

export function kubeClient(options: TransportOptions): KubeClient {
  return clientOver(kubeTransport(options));
}

function clientOver(transport: Transport): KubeClient {
  return {
    async get<T extends KubeObject>(type: ResourceType, ref: ObjectRef, options = {}) {
      const exchange = { method: 'GET', path: pathOf(type, ref), what: `get ${nameOf(type, ref)}` } as const;
      return (await transport.call({ ...exchange, ...options })) as T;
    },

    async list<T extends KubeObject>(type: ResourceType, options: ListOptions = {}) {
      const query = { ...selectionQuery(options), limit: options.limit, continue: options.continue };
      const page = (await transport.call({
        method: 'GET',
        path: pathOf(type, { namespace: options.namespace }) + queryOf(query),
        what: `list ${type.plural}`,
        signal: options.signal,
        timeoutMilliseconds: options.timeoutMilliseconds,
      })) as { metadata?: { resourceVersion?: string; continue?: string }; items?: readonly T[] | null };
      const resourceVersion = page.metadata?.resourceVersion;
      if (!resourceVersion) throw new KubeError('Unexpected', `list ${type.plural}: the answer is no list`);
      const typed = { apiVersion: apiVersionOf(type), kind: type.kind };
      const items = (page.items ?? []).map((item) => ({ ...typed, ...item }));
      return { items, resourceVersion, ...(page.metadata?.continue ? { continue: page.metadata.continue } : {}) };
    },

    async *watch<T extends KubeObject>(type: ResourceType, options: Parameters<KubeApi['watch']>[1]) {
      const query = queryOf({
        ...selectionQuery(options),
        watch: 'true',
        resourceVersion: options.resourceVersion,
        timeoutSeconds: options.timeoutSeconds,
        allowWatchBookmarks: options.bookmarks ? 'true' : undefined,
      });
      const what = `watch ${type.plural}`;
      const path = pathOf(type, { namespace: options.namespace }) + query;
      for await (const line of transport.lines({ method: 'GET', path, what, signal: options.signal }, options.onOpen)) {
        yield watchEvent<T>(line, what);
      }
    },

    async create<T extends KubeObject>(type: ResourceType, object: T, options: WriteOptions) {
      return (await transport.call({
        method: 'POST',
        path: pathOf(type, { namespace: object.metadata.namespace }) + writeQuery(options),
        what: `create ${nameOf(type, object.metadata)}`,
        body: { contentType: 'application/json', value: object },
        ...options,
      })) as T;
    },

    apply: (type, object, options) => patch(type, object.metadata, applyPatch, object, options, { force: options.force }),

    applyStatus: (type, object, options) => patch(type, object.metadata, applyPatch, object, { ...options, subresource: 'status' }, { force: options.force }),

    mergePatch: (type, ref, value, options) => patch(type, ref, mergePatch, value, options),

    async delete(type, ref, options) {
      const { uid, resourceVersion, propagation, ...call } = options;
      const value = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid, resourceVersion },
        propagationPolicy: propagation ?? 'Background',
      };
      await transport.call({
        method: 'DELETE',
        path: pathOf(type, ref),
        what: `delete ${nameOf(type, ref)}`,
        body: { contentType: 'application/json', value },
        ...call,
      });
    },

    async serverVersion(options = {}) {
      const version = await transport.call({ method: 'GET', path: '/version', what: 'get version', ...options });
      return version as Awaited<ReturnType<KubeApi['serverVersion']>>;
    },

    close: () => transport.close(),
  };

  async function patch<T extends KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    contentType: string,
    value: object,
    options: Parameters<KubeApi['mergePatch']>[3],
    query: Query = {},
  ): Promise<T> {
    const subresource = options.subresource ? `/${options.subresource}` : '';
    return (await transport.call({
      method: 'PATCH',
      path: pathOf(type, ref) + subresource + writeQuery(options, query),
      what: `${contentType === applyPatch ? 'apply' : 'patch'} ${nameOf(type, ref)}${subresource}`,
      body: { contentType, value },
      signal: options.signal,
      timeoutMilliseconds: options.timeoutMilliseconds,
    })) as T;
  }
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

function queryOf(query: Query): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? '' : `?${given}`;
}

function writeQuery(options: WriteOptions, query: Query = {}): string {
  const dryRun = options.dryRun ? 'All' : undefined;
  return queryOf({ fieldManager: options.fieldManager, fieldValidation: 'Strict', dryRun, ...query });
}

function selectionQuery(selection: Selection): Query {
  return { labelSelector: selection.labelSelector, fieldSelector: selection.fieldSelector };
}

function pathOf(type: ResourceType, ref: Partial<ObjectRef>): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const namespace = type.namespaced && ref.namespace ? `/namespaces/${encodeURIComponent(ref.namespace)}` : '';
  if (type.namespaced && ref.name && !ref.namespace) {
    throw new KubeError('BadRequest', `${type.plural} ${ref.name}: a namespace is needed`);
  }
  return `${root}${namespace}/${type.plural}${ref.name ? `/${encodeURIComponent(ref.name)}` : ''}`;
}

function nameOf(type: ResourceType, ref: ObjectRef | ObjectMeta): string {
  return `${type.plural} ${keyOf(ref)}`;
}

function watchEvent<T extends KubeObject>(line: string, what: string): WatchEvent<T> {
  let event: { type?: string; object?: T & StatusBody };
  try {
    event = JSON.parse(line);
  } catch {
    throw new KubeError('Unexpected', `${what}: a line is no JSON`);
  }
  const { type, object } = event;
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (object?.metadata?.name) return { type, object };
      break;
    case 'BOOKMARK':
      if (object?.metadata?.resourceVersion) return { type, resourceVersion: object.metadata.resourceVersion };
      break;
    case 'ERROR':
      throw errorOfStatus(what, object?.code ?? 500, object ?? {});
  }
  throw new KubeError('Unexpected', `${what}: an event that is none (${String(type)})`);
}
