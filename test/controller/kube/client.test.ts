import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/controller/clock.ts';
import type { WatchEvent } from '../../../src/controller/kube/api.ts';
import { type KubeClient, kubeClient } from '../../../src/controller/kube/client.ts';
import { isKubeError, KubeError } from '../../../src/controller/kube/errors.ts';
import { type FakeApiServer, fakeApiServer } from '../../support/fake-api-server.ts';
import { type Widget, widget, widgetType } from '../../support/kube-kinds.ts';

let server: FakeApiServer;
let client: KubeClient;
let counted: string[];

beforeEach(async () => {
  server = await fakeApiServer(widgetType);
  counted = [];
  client = newClient();
});

afterEach(async () => {
  client.close();
  await server.close();
});

function newClient(options: { timeoutMilliseconds?: number; rate?: { perSecond: number; burst: number } } = {}): KubeClient {
  const metrics = { request: (code: string, method: string) => void counted.push(`${method} ${code}`) };
  return kubeClient({ config: server.config, clock: systemClock, metrics, userAgent: 'grue/test', ...options });
}

async function failure(work: Promise<unknown>): Promise<KubeError> {
  const error = await work.then(
    () => new Error('it did not fail'),
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(KubeError);
  return error as KubeError;
}

const ref = { namespace: 'shop', name: 'a' };
const manager = { fieldManager: 'grue-test' };

test('what is created can be read, patched, listed and deleted', async () => {
  const created = await client.create(widgetType, widget('a', { size: 1 }), manager);
  expect(await client.get<Widget>(widgetType, ref)).toEqual(created);
  const patched = await client.mergePatch<Widget>(widgetType, ref, { spec: { size: 2 } }, manager);
  expect(patched.spec).toEqual({ size: 2 });
  expect((await client.list(widgetType, { namespace: 'shop' })).items).toHaveLength(1);
  await client.delete(widgetType, ref, { uid: created.metadata.uid ?? '' });
  expect((await failure(client.get(widgetType, ref))).kind).toBe('NotFound');
  expect(await client.serverVersion()).toMatchObject({ gitVersion: 'v1.36.3' });
});

test('the media type of every patch is said, unknown fields are refused, and the caller is named', async () => {
  server.store.create(widgetType, widget('a'));
  await client.apply(widgetType, widget('a', { size: 1 }), { ...manager, force: true });
  await client.applyStatus(widgetType, { ...widget('a'), status: { phase: 'Ready' } }, { ...manager, force: false });
  await client.mergePatch(widgetType, ref, { status: {} }, { ...manager, subresource: 'status' });
  const seen = server.requests.map(({ path, query, headers }) => [
    path.split('/').slice(7).join('/'),
    headers['content-type'],
    query.get('force'),
    query.get('fieldValidation'),
  ]);
  expect(seen).toEqual(
    [
      ['a', 'application/apply-patch+yaml', 'true', 'Strict'],
      ['a/status', 'application/apply-patch+yaml', 'false', 'Strict'],
      ['a/status', 'application/merge-patch+json', null, 'Strict'],
    ].map((row) => row.map((cell) => cell)),
  );
  expect(server.requests[0]?.headers).toMatchObject({ 'user-agent': 'grue/test', authorization: 'Bearer a-secret-token' });
  expect(server.requests[0]?.query.get('fieldManager')).toBe('grue-test');
});

test('a name without its namespace is refused before anything is sent', async () => {
  expect((await failure(client.get(widgetType, { name: 'a' }))).kind).toBe('BadRequest');
  expect(server.requests).toEqual([]);
});

test('listed objects carry apiVersion and kind, which the server leaves out', async () => {
  server.store.create(widgetType, widget('a'));
  expect((await client.list(widgetType)).items[0]).toMatchObject({ apiVersion: 'example.dev/v1', kind: 'Widget' });
});

test('connections are reused', async () => {
  for (let i = 0; i < 5; i++) await client.serverVersion();
  expect(server.connections()).toBe(1);
});

describe('errors', () => {
  const kinds = [
    [400, 'BadRequest', 'BadRequest'],
    [401, 'Unauthorized', 'Unauthorized'],
    [403, 'Forbidden', 'Forbidden'],
    [409, 'Conflict', 'Conflict'],
    [409, 'AlreadyExists', 'AlreadyExists'],
    [410, 'Expired', 'Gone'],
    [422, 'Invalid', 'Invalid'],
    [429, 'TooManyRequests', 'TooManyRequests'],
    [500, 'InternalError', 'Unavailable'],
    [503, 'ServiceUnavailable', 'Unavailable'],
  ] as const;
  test.each(kinds)('HTTP %i with reason %s is %s', async (code, reason, kind) => {
    server.fault = () => ({ do: 'answer', code, body: { kind: 'Status', code, reason, message: 'because' } });
    const error = await failure(client.get(widgetType, ref));
    expect([error.kind, error.status, error.reason, error.message]).toEqual([kind, code, reason, 'get widgets shop/a: because']);
  });

  test('a proxy that answers in its own words is understood by its code, and its page is not quoted', async () => {
    server.fault = () => ({ do: 'answer', code: 502, body: '<html>upstream 10.0.0.7 is down</html>' });
    const error = await failure(client.get(widgetType, ref));
    expect([error.kind, error.message]).toEqual(['Unavailable', 'get widgets shop/a: HTTP 502']);
  });

  test('Retry-After is read from the header and from the Status', async () => {
    server.fault = () => ({ do: 'answer', code: 429, headers: { 'retry-after': '7' } });
    expect((await failure(client.serverVersion())).retryAfterMilliseconds).toBe(7_000);
    server.fault = () => ({ do: 'answer', code: 503, body: { details: { retryAfterSeconds: 3 } } });
    expect((await failure(client.serverVersion())).retryAfterMilliseconds).toBe(3_000);
    server.fault = () => ({ do: 'answer', code: 503 });
    expect((await failure(client.serverVersion())).retryAfterMilliseconds).toBeUndefined();
  });

  test('no error carries a credential or a whole body', async () => {
    const secret = 'x'.repeat(2_000);
    server.fault = () => ({ do: 'answer', code: 422, body: { message: `Widget is invalid: ${secret}` } });
    const error = await failure(client.create(widgetType, widget('a'), manager));
    const all = JSON.stringify({ ...error, message: error.message });
    expect(all.length).toBeLessThan(700);
    expect(all).not.toContain('a-secret-token');
  });

  test('a dropped connection is Unavailable with the code of the system', async () => {
    server.fault = () => ({ do: 'drop' });
    expect(await failure(client.create(widgetType, widget('a'), manager))).toMatchObject({ kind: 'Unavailable', status: 0, reason: 'ECONNRESET' });
    expect(counted).toEqual(['POST <error>']);
  });

  test('a server that is not there is Unavailable', async () => {
    await server.close();
    expect(await failure(client.serverVersion())).toMatchObject({ kind: 'Unavailable', reason: 'ECONNREFUSED' });
  });

  test('an answer that is no JSON is Unexpected', async () => {
    server.fault = () => ({ do: 'answer', code: 200, body: 'hello' });
    expect((await failure(client.serverVersion())).kind).toBe('Unexpected');
    server.fault = () => ({ do: 'answer', code: 200, body: {} });
    expect((await failure(client.list(widgetType))).kind).toBe('Unexpected');
  });
});

test('a call to a server that never answers ends within its deadline', async () => {
  server.fault = () => ({ do: 'hang' });
  const error = await failure(client.get(widgetType, ref, { timeoutMilliseconds: 50 }));
  expect([error.kind, error.reason, error.message]).toEqual(['Unavailable', 'Timeout', 'get widgets shop/a: no answer within 50 ms']);
});

test('a watch that the server never accepts ends within the deadline', async () => {
  const impatient = newClient({ timeoutMilliseconds: 50 });
  server.fault = () => ({ do: 'hang' });
  const first = impatient.watch(widgetType, { resourceVersion: '100', timeoutSeconds: 60, bookmarks: true })[Symbol.asyncIterator]();
  expect((await failure(first.next())).reason).toBe('Timeout');
  impatient.close();
});

test('an abort by the caller rejects with the reason of the signal', async () => {
  server.fault = () => ({ do: 'hang' });
  const stop = new AbortController();
  const calling = client.get(widgetType, ref, { signal: stop.signal });
  const reason = new Error('the process is ending');
  setTimeout(() => stop.abort(reason), 20);
  await expect(calling).rejects.toBe(reason);
  await expect(client.get(widgetType, ref, { signal: stop.signal })).rejects.toBe(reason);
});

test('a read that meets a connection which the server has just closed is repeated once, a write is not', async () => {
  await client.serverVersion();
  let drops = 1;
  server.fault = () => (drops-- > 0 ? { do: 'drop' } : undefined);
  expect(await client.serverVersion()).toMatchObject({ major: '1' });
  drops = 1;
  expect((await failure(client.create(widgetType, widget('a'), manager))).kind).toBe('Unavailable');
  expect(server.store.list(widgetType)).toEqual([]);
});

test('exchanges wait for a token of one bucket', async () => {
  const slow = newClient({ rate: { perSecond: 20, burst: 1 } });
  const begun = performance.now();
  await Promise.all([slow.serverVersion(), slow.serverVersion(), slow.serverVersion()]);
  expect(performance.now() - begun).toBeGreaterThanOrEqual(90);
  slow.close();
});

test('every exchange is counted by code and method', async () => {
  await client.serverVersion();
  await failure(client.get(widgetType, ref));
  expect(counted).toEqual(['GET 200', 'GET 404']);
});

describe('a watch', () => {
  /** Collects what a watch says; `ended` resolves with its error, or with nothing. */
  function watch(signal?: AbortSignal): { events: WatchEvent[]; ended: Promise<unknown>; opened: Promise<void> } {
    const events: WatchEvent[] = [];
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    const ended = (async () => {
      const options = { namespace: 'shop', resourceVersion: '100', timeoutSeconds: 60, bookmarks: true, signal, onOpen: resolve };
      for await (const event of client.watch(widgetType, options)) events.push(event);
    })().catch((error: unknown) => error);
    return { events, ended, opened };
  }
  const only = (): FakeApiServer['watches'][number] => {
    const [open] = server.watches;
    if (!open) throw new Error('no watch is open');
    return open;
  };

  test('delivers what happened after its version, bookmarks included, and ends quietly when the server closes it', async () => {
    const { uid } = server.store.create(widgetType, widget('a')).metadata;
    const { events, ended, opened } = watch();
    await opened;
    server.store.merge(widgetType, ref, { spec: { size: 3 } });
    server.store.remove(widgetType, ref, uid);
    only().bookmark();
    only().end();
    expect(await ended).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);
    expect(server.requests.at(-1)?.query.toString()).toBe('watch=true&resourceVersion=100&timeoutSeconds=60&allowWatchBookmarks=true');
  });

  test('survives events that arrive in pieces, with characters cut in the middle', async () => {
    const { events, ended, opened } = watch();
    await opened;
    const line = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: widget('a', { parts: ['Räder – 輪'] }) })}\n`);
    for (const byte of line) only().raw(Buffer.from([byte]) as unknown as string);
    only().end();
    expect(await ended).toBeUndefined();
    expect(events).toEqual([{ type: 'ADDED', object: widget('a', { parts: ['Räder – 輪'] }) }]);
  });

  test('throws on an error event in the stream, with its code', async () => {
    for (const [code, kind] of [
      [410, 'Gone'],
      [500, 'Unavailable'],
      [403, 'Forbidden'],
    ] as const) {
      const { ended, opened } = watch();
      await opened;
      only().event('ERROR', { kind: 'Status', code, message: 'in band' });
      expect(isKubeError(await ended, kind)).toBe(true);
    }
  });

  test('throws when the connection is cut, when a line is no event, and when it ends within one', async () => {
    const ways: ((open: FakeApiServer['watches'][number]) => void)[] = [
      (open) => open.drop(),
      (open) => open.raw('{"type":"ADDED","object":{}}\n'),
      (open) => open.raw('no json\n'),
      (open) => {
        open.raw('{"type":"ADD');
        open.end();
      },
    ];
    const kinds = [];
    for (const misbehave of ways) {
      const { ended, opened } = watch();
      await opened;
      misbehave(only());
      const error = await ended;
      kinds.push(isKubeError(error) && error.kind);
    }
    expect(kinds).toEqual(['Unavailable', 'Unexpected', 'Unexpected', 'Unavailable']);
  });

  test('an abort ends it at once and closes the connection', async () => {
    const stop = new AbortController();
    const { ended, opened } = watch(stop.signal);
    await opened;
    stop.abort(new Error('enough'));
    expect(await ended).toEqual(new Error('enough'));
    await expect.poll(() => server.watches.length).toBe(0);
  });

  test('a consumer that leaves closes the connection', async () => {
    server.store.create(widgetType, widget('a'));
    for await (const _ of client.watch(widgetType, { resourceVersion: '100', timeoutSeconds: 60, bookmarks: false })) break;
    await expect.poll(() => server.watches.length).toBe(0);
  });
});
