/**
 * Keeps a cache equal to what the API server holds of one kind, and says which keys changed.
 *
 * Invariants:
 * 1. It stops only when its signal aborts; no error of the server, the network or a subscriber ends it.
 * 2. `hasSynced` resolves after the first complete list, never before, also when lists fail at first.
 * 3. After any break it goes on from the last version that it knows; only a version that is gone makes it list again.
 * 4. It never loops hot: a watch that ends soon is followed by a growing, jittered wait; a `Retry-After` is honoured.
 * 5. A watch in which nothing is heard for `silenceMilliseconds` is given up and opened anew, at once. It is an error only if
 *    the server had promised to end it before.
 * 6. An error inside the stream is an error like any other.
 * 7. Subscribers get keys, for both sides of a change; one that throws disturbs neither the loop nor the others.
 * 8. After an abort nothing goes on: no list, no watch, no timer.
 * 9. Every `resyncMilliseconds` (jittered) all keys are announced again, at low priority.
 * 10. A second `run` is refused.
 * 11. A continue token that is gone in the middle of a list starts the list again; a version that the server refuses
 *     again and again (it was restored from a backup) does so too.
 */
import { type Backoff, backoffMilliseconds, type Random, reflectorBackoff } from '../backoff.ts';
import type { Cancel, Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { RuntimeMetrics } from '../metrics.ts';
import type { Priority } from '../queue.ts';
import { type KubeApi, type KubeObject, keyOf, type ResourceType, type Selection } from './api.ts';
import { type Cache, type Change, cacheStore, type Indexers, isAtOrAfter } from './cache.ts';
import { isKubeError, KubeError } from './errors.ts';

/** Who wants to know. The functions are pure and see frozen objects; `enqueue` may only enqueue. */
export interface Subscription<T extends KubeObject> {
  enqueue(key: string, priority: Priority): void;
  /** Which keys an object concerns; its own when absent. Asked for both sides of a change. */
  keysOf?(object: T): readonly string[];
  /** False for changes that need no pass, such as one's own status writes. Not asked for births, deaths and resyncs. */
  relevant?(before: T, after: T): boolean;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly api: Pick<KubeApi, 'list' | 'watch'>;
  readonly type: ResourceType;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<RuntimeMetrics, 'reflector'>;
  readonly selection?: Selection;
  readonly indexers?: Indexers<T>;
  readonly random?: Random;
  readonly backoff?: Backoff;
  readonly pageSize?: number;
  readonly silenceMilliseconds?: number;
  /** 0 for never. */
  readonly resyncMilliseconds?: number;
}

export interface Reflector<T extends KubeObject> {
  readonly type: ResourceType;
  readonly cache: Cache<T>;
  readonly hasSynced: Promise<void>;
  subscribe(subscription: Subscription<T>): void;
  /** Resolves when `signal` has aborted and nothing goes on any more. */
  run(signal: AbortSignal): Promise<void>;
  /** Since the last page, event, bookmark or opened watch; since its making before the first. */
  secondsSinceContact(): number;
}

/** A watch that lived this long was a good one. */
const goodWatchMilliseconds = 5_000;
const refusalsUntilRelist = 5;

export function reflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector<T> {
  const { api, type, clock, random = Math.random, backoff = reflectorBackoff, selection = {} } = options;
  const silence = options.silenceMilliseconds ?? 50_000;
  const resyncEvery = options.resyncMilliseconds ?? 600_000;
  const logger = options.logger.child({ kind: type.kind });
  const metrics = options.metrics.reflector(type.kind);
  const store = cacheStore<T>(options.indexers, (error, key) => logger.error('an indexer failed', { key, error }));
  const subscriptions: Subscription<T>[] = [];
  const synced = Promise.withResolvers<void>();
  let hasListed = false;
  let lastContact = clock.monotonic();
  let started = false;
  /** A watch was silent, and no event has come since. */
  let quiet = false;

  const contact = (): void => {
    lastContact = clock.monotonic();
  };
  const secondsSinceContact = (): number => (clock.monotonic() - lastContact) / 1000;
  metrics.observe({ secondsSinceContact, size: store.size });

  async function run(signal: AbortSignal): Promise<void> {
    if (started) throw new Error(`the reflector of ${type.kind} is started twice`);
    started = true;
    const stopResync = resyncPeriodically();
    let mustList = true;
    let failures = 0;
    let refusals = 0;
    while (!signal.aborted) {
      let openedAt = Number.POSITIVE_INFINITY;
      const wasGood = (): boolean => clock.monotonic() - openedAt >= goodWatchMilliseconds;
      let wait = 0;
      try {
        if (mustList) await relist(signal);
        mustList = false;
        await follow(signal, () => {
          openedAt = clock.monotonic();
        });
        refusals = 0;
        failures = wasGood() ? 0 : failures + 1;
      } catch (error) {
        if (signal.aborted) break;
        const kind = isKubeError(error) ? error.kind : 'Unexpected';
        logger.warn('list or watch failed, trying again', { error, failures, resourceVersion: store.resourceVersion() });
        metrics.failed(kind);
        failures = wasGood() ? 1 : failures + 1;
        refusals = isRefusal(error) ? refusals + 1 : 0;
        mustList ||= kind === 'Gone' || refusals >= refusalsUntilRelist;
        wait = (isKubeError(error) && error.retryAfterMilliseconds) || 0;
      }
      await pause(Math.max(wait, backoffMilliseconds(backoff, failures, random)), signal);
    }
    stopResync();
  }

  async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (milliseconds > 0) await clock.sleep(milliseconds, signal).catch(() => {}); // The loop looks at the signal.
  }

  async function relist(signal: AbortSignal): Promise<void> {
    const listedAt = clock.monotonic();
    const { objects, resourceVersion } = await listAll(signal);
    const changes = store.replace(objects, resourceVersion, listedAt);
    metrics.listed();
    announce(changes, hasListed ? 'high' : 'low');
    hasListed = true;
    synced.resolve();
  }

  async function listAll(signal: AbortSignal): Promise<{ objects: readonly T[]; resourceVersion: string }> {
    try {
      return await listPages(options.pageSize ?? 500, signal);
    } catch (error) {
      if (!isKubeError(error, 'Gone')) throw error;
      return listPages(undefined, signal); // Slower than the tokens live: once more, in one piece.
    }
  }

  async function listPages(limit: number | undefined, signal: AbortSignal) {
    const objects = new Map<string, T>();
    let token: string | undefined;
    let resourceVersion: string | undefined;
    do {
      const page = await api.list<T>(type, { ...selection, limit, continue: token, signal });
      contact();
      for (const object of page.items) {
        const before = objects.get(keyOf(object.metadata));
        if (!before || isNewer(object, before)) objects.set(keyOf(object.metadata), object);
      }
      // Later pages may show a later state; a watch from the first page's version brings all that they left out.
      resourceVersion ??= page.resourceVersion;
      token = page.continue;
    } while (token !== undefined);
    return { objects: [...objects.values()], resourceVersion };
  }

  /** Follows one watch to its end. Returns when the server closed it in order. */
  async function follow(signal: AbortSignal, onOpen: () => void): Promise<void> {
    const silent = new AbortController();
    let isOpen = false;
    const opened = (): void => {
      isOpen = true;
      contact();
      metrics.watched();
      onOpen();
    };
    let cancelCheck = clock.schedule(silence, function check() {
      const left = lastHeard() + silence - clock.monotonic();
      if (left > 0) cancelCheck = clock.schedule(left, check);
      else silent.abort(new KubeError('Unavailable', `nothing heard for ${silence} ms`, { reason: 'Silent' }));
    });
    const begun = clock.monotonic();
    const lastHeard = (): number => Math.max(begun, lastContact);
    const events = api.watch<T>(type, {
      ...selection,
      resourceVersion: store.resourceVersion() ?? '',
      timeoutSeconds: watchSeconds(),
      bookmarks: true,
      signal: AbortSignal.any([signal, silent.signal]),
      onOpen: opened,
    });
    try {
      for await (const event of events) {
        contact();
        if (event.type === 'BOOKMARK') {
          store.progress(event.resourceVersion);
          continue;
        }
        quiet = false;
        announce(event.type === 'DELETED' ? store.remove(event.object) : store.put(event.object), 'high');
      }
    } catch (error) {
      if (!silent.signal.aborted || signal.aborted) throw error;
      metrics.silent();
      if (quiet || !isOpen) throw error;
      quiet = true; // Probably. The next watch will tell.
    } finally {
      cancelCheck();
    }
  }

  /**
   * A server has no bookmark to send for a kind in which nothing happened (1.36 sends none, however long one waits), so
   * silence alone does not tell a quiet kind from a dead connection. A kind that was silent once is therefore watched in
   * pieces shorter than the silence, until something happens: their orderly ends are the sign of life.
   */
  function watchSeconds(): number {
    return quiet ? Math.max(1, Math.floor(silence / 1000) - 5) : 240 + Math.floor(random() * 60);
  }

  function announce(changes: readonly Change<T>[], priority: Priority): void {
    for (const change of changes) for (const subscription of subscriptions) notify(subscription, change, priority);
  }

  function notify(subscription: Subscription<T>, { key, before, after }: Change<T>, priority: Priority): void {
    try {
      if (before && after && subscription.relevant?.(before, after) === false) return;
      const sides = [before, after].filter((side) => side !== undefined);
      const keys = subscription.keysOf ? sides.flatMap((side) => subscription.keysOf?.(side) ?? []) : [key];
      for (const concerned of new Set(keys)) subscription.enqueue(concerned, priority);
    } catch (error) {
      logger.error('a subscriber failed', { key, error });
      metrics.failed('Subscriber');
    }
  }

  function announceAll(to: readonly Subscription<T>[]): void {
    for (const after of store.list()) {
      for (const subscription of to) notify(subscription, { key: keyOf(after.metadata), after }, 'low');
    }
  }

  function resyncPeriodically(): Cancel {
    if (resyncEvery <= 0) return () => {};
    const arm = (): Cancel => clock.schedule(resyncEvery * (0.9 + 0.2 * random()), tick);
    let cancel = arm();
    function tick(): void {
      announceAll(subscriptions);
      cancel = arm();
    }
    return () => cancel();
  }

  return {
    type,
    cache: store,
    hasSynced: synced.promise,
    subscribe(subscription) {
      subscriptions.push(subscription);
      announceAll([subscription]);
    },
    run,
    secondsSinceContact,
  };
}

/** The server answered, and said no to what was asked: not an outage, not "later", and not simply too old. */
function isRefusal(error: unknown): boolean {
  return isKubeError(error) && error.status > 0 && error.kind !== 'TooManyRequests' && error.kind !== 'Gone';
}

function isNewer(a: KubeObject, b: KubeObject): boolean {
  return isAtOrAfter(a.metadata.resourceVersion ?? '', b.metadata.resourceVersion ?? '');
}
