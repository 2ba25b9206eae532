import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import type { KubeObject, ObjectRef, ResourceType, WatchEvent } from '../../src/controller/kube/api.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import { type KubeStore, kubeStore } from './kube-store.ts';

/** One request as a fault sees it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly watch: boolean;
}

/** What the server does instead of answering properly. */
export type Fault =
  | { readonly do: 'drop' }
  /** Accepts the request and never answers. */
  | { readonly do: 'hang' }
  | { readonly do: 'delay'; readonly milliseconds: number }
  | { readonly do: 'answer'; readonly code: number; readonly body?: unknown; readonly headers?: Record<string, string> };

/** A watch that is open now, for tests that want to misbehave in it. */
export interface OpenWatch {
  readonly query: URLSearchParams;
  /** Writes text as it is. */
  raw(text: string): void;
  event(type: string, object: unknown): void;
  bookmark(): void;
  /** Nothing is sent any more, and the connection stays. */
  silence(): void;
  end(): void;
  drop(): void;
}

export interface FakeApiServer {
  readonly store: KubeStore;
  readonly config: KubeConfig;
  readonly requests: SeenRequest[];
  readonly watches: OpenWatch[];
  /** Connections made so far. */
  connections(): number;
  /** Asked for every request; undefined means: behave. */
  fault: (request: SeenRequest) => Fault | undefined;
  /** Cuts every connection. */
  cutAll(): void;
  close(): Promise<void>;
}

/** An API server on loopback that can misbehave in the ways that real ones do. Knows the given kinds. */
export async function fakeApiServer(...types: readonly ResourceType[]): Promise<FakeApiServer> {
  const store = kubeStore();
  const sockets = new Set<Socket>();
  const requests: SeenRequest[] = [];
  const watches: OpenWatch[] = [];
  /** Lists that are handed out in pages, by the version of the first one. */
  const lists = new Map<string, readonly KubeObject[]>();
  let connections = 0;

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const body = await textOf(request);
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
      watch: url.searchParams.get('watch') === 'true',
    };
    requests.push(seen);
    const fault = fake.fault(seen);
    if (fault?.do === 'drop') request.socket.destroy();
    if (fault?.do === 'answer') answer(response, [fault.code, fault.body ?? {}], fault.headers);
    if (fault && fault.do !== 'delay') return;
    if (fault) await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
    try {
      if (seen.watch) serveWatch(seen, response);
      else answer(response, serve(seen));
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      answer(response, [error.status, { kind: 'Status', code: error.status, reason: error.reason, message: error.message }]);
    }
  });
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  function serve(seen: SeenRequest): Answer {
    if (seen.path === '/version') return [200, { gitVersion: 'v1.36.3', major: '1', minor: '36' }];
    const { type, ref, status } = addressed(seen.path, types);
    const value = seen.body ? JSON.parse(seen.body) : undefined;
    const isApply = seen.headers['content-type'] === 'application/apply-patch+yaml';
    switch (`${seen.method}${ref.name ? '' : ' all'}`) {
      case 'GET':
        return [200, store.get(type, ref)];
      case 'GET all':
        return [200, page(seen.query, type, ref.namespace)];
      case 'POST all':
        return [201, store.create(type, value)];
      case 'PATCH':
        return [200, isApply ? store.apply(type, value, status ? 'status' : undefined) : store.merge(type, ref, value)];
      case 'DELETE':
        store.remove(type, ref, value?.preconditions?.uid);
        return [200, { kind: 'Status', status: 'Success' }];
      default:
        return [405, {}];
    }
  }

  /** All pages of a list are of the moment of the first one: otherwise a deletion in between would shift what the next one begins with. */
  function page(query: URLSearchParams, type: ResourceType, namespace: string | undefined): object {
    const limit = Number(query.get('limit') ?? 0);
    const [begun = store.version(), from = 0] = query.get('continue')?.split('/') ?? [];
    const all = lists.get(begun) ?? store.list(type, namespace);
    const end = Number(from) + limit;
    const items = (limit > 0 ? all.slice(Number(from), end) : all).map(({ apiVersion: _, kind: __, ...object }) => object);
    if (limit <= 0 || end >= all.length) return { kind: `${type.kind}List`, metadata: { resourceVersion: begun }, items };
    lists.set(begun, all);
    return { kind: `${type.kind}List`, metadata: { resourceVersion: begun, continue: `${begun}/${end}` }, items };
  }

  function serveWatch(seen: SeenRequest, response: ServerResponse): void {
    const { type, ref } = addressed(seen.path, types);
    let silent = false;
    const raw = (text: string): void => {
      if (!silent && !response.writableEnded) response.write(text);
    };
    const event = (kind: string, object: unknown): void => raw(`${JSON.stringify({ type: kind, object })}\n`);
    const early: WatchEvent[] = [];
    let hear = (happened: WatchEvent): void => {
      early.push(happened);
    };
    const stop = store.follow(type, ref.namespace, seen.query.get('resourceVersion') ?? '', (happened) => hear(happened));
    response.on('close', stop);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    hear = (happened) => event(happened.type, 'object' in happened ? happened.object : {});
    for (const happened of early) hear(happened);
    const open: OpenWatch = {
      query: seen.query,
      raw,
      event,
      bookmark: () => event('BOOKMARK', { kind: type.kind, metadata: { resourceVersion: store.version() } }),
      silence: () => {
        silent = true;
      },
      end: () => response.end(),
      drop: () => response.socket?.destroy(),
    };
    watches.push(open);
    const forget = (): void => {
      if (watches.includes(open)) watches.splice(watches.indexOf(open), 1);
    };
    response.on('close', forget);
    if (response.destroyed || response.socket?.destroyed) forget(); // The connection was cut before we got here.
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const fake: FakeApiServer = {
    store,
    config: configFor(`http://127.0.0.1:${port}`),
    requests,
    watches,
    connections: () => connections,
    fault: () => undefined,
    cutAll: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        fake.cutAll();
      }),
  };
  return fake;
}

function configFor(server: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'fake', server, skipTLSVerify: true }, { name: 'tester', token: 'a-secret-token' });
  return config;
}

function addressed(path: string, types: readonly ResourceType[]): { type: ResourceType; ref: ObjectRef; status: boolean } {
  const match = /^\/apis?\/(?:[^/]+\/)?v[^/]+(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(\/status)?$/.exec(path);
  const type = types.find(({ plural }) => plural === match?.[2]);
  if (!match || !type) throw new KubeError('NotFound', `no such path ${path}`, { status: 404 });
  return { type, ref: { namespace: match[1], name: match[3] ?? '' }, status: match[4] !== undefined };
}

type Answer = readonly [code: number, body: unknown];

function answer(response: ServerResponse, [code, body]: Answer, headers: Record<string, string> = {}): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(text);
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
