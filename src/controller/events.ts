/**
 * Events (events.k8s.io/v1) for people who ask `kubectl describe` what happened.
 *
 * Invariants:
 * 1. `record` returns at once and never throws: an event cannot block or fail a pass.
 * 2. The same event again within the series time counts up one series; it does not make another object.
 * 3. A series is written at most once per `seriesWriteMilliseconds`, and its last count at the latest at the flush.
 * 4. One object gets a bounded number of new events, and the backlog is bounded; what is dropped is counted.
 * 5. An event that the server does not take is tried again only if waiting may help, and at most three times.
 * 6. `flush` returns when everything is sent, or when its signal aborts.
 */
import { type TokenBucket, tokenBucket } from './backoff.ts';
import { type Cancel, type Clock, kubeMicroTime } from './clock.ts';
import type { KubeApi, KubeObject, ResourceType } from './kube/api.ts';
import { isKubeError } from './kube/errors.ts';
import type { Logger } from './logger.ts';
import type { RuntimeMetrics } from './metrics.ts';

export const eventType: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase: why, such as `ParityFailed`. */
  readonly reason: string;
  /** CamelCase: what was being done, such as `Verify`. */
  readonly action: string;
  readonly note: string;
}

export interface EventRecorder {
  record(regarding: KubeObject, event: EventNote): void;
  flush(signal: AbortSignal): Promise<void>;
}

export interface EventRecorderOptions {
  readonly api: Pick<KubeApi, 'create' | 'mergePatch'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<RuntimeMetrics, 'event'>;
  readonly fieldManager: string;
  /** Unique suffixes of names. */
  readonly newId: () => string;
  /** A qualified name, such as `grue.dev/operator`. */
  readonly reportingController: string;
  /** Such as the pod's name. */
  readonly reportingInstance: string;
  readonly seriesMilliseconds?: number;
  readonly seriesWriteMilliseconds?: number;
  readonly backlog?: number;
}

/** One stored Event object and how often it happened. */
interface Series {
  readonly key: string;
  readonly object: KubeObject;
  count: number;
  lastAt: number;
  /** The count in the stored object; 0 before it is created. */
  stored: number;
  writtenAt: number;
  cancelWrite?: Cancel;
}

const longestNoteBytes = 1024;
const newPerObject = { perSecond: 1 / 60, burst: 25 };
const tries = 3;
const forgetEvery = 10_000;

export function eventRecorder(options: EventRecorderOptions): EventRecorder {
  const { api, clock, logger, metrics, fieldManager } = options;
  const seriesTime = options.seriesMilliseconds ?? 360_000;
  const writeEvery = options.seriesWriteMilliseconds ?? 60_000;
  const backlog = options.backlog ?? 1_000;
  const running = new Map<string, Series>();
  const buckets = new Map<string, { readonly bucket: TokenBucket; usedAt: number }>();
  const pending = new Set<Series>();
  const giveUp = new AbortController();
  let sending: Promise<void> | undefined;
  let forgotAt = clock.monotonic();

  function record(regarding: KubeObject, event: EventNote): void {
    const now = clock.monotonic();
    const key = JSON.stringify([regarding.metadata.uid, event]);
    const series = running.get(key);
    if (series && now - series.lastAt < seriesTime) {
      series.count += 1;
      series.lastAt = now;
      series.cancelWrite ??= clock.schedule(series.writtenAt + writeEvery - now, () => enqueue(series));
      return;
    }
    forgetOld(now);
    if (pending.size >= backlog || !mayRecord(regarding, now)) {
      metrics.event('dropped');
      return;
    }
    const object = eventObject(regarding, event);
    const started = { key, object, count: 1, lastAt: now, stored: 0, writtenAt: now };
    running.set(key, started);
    enqueue(started);
  }

  function eventObject(regarding: KubeObject, event: EventNote): KubeObject {
    const { name, namespace, uid, resourceVersion } = regarding.metadata;
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${name.slice(0, 200)}.${options.newId()}`, namespace: namespace ?? 'default' },
      ...{
        ...event,
        note: shortened(event.note),
        eventTime: kubeMicroTime(clock.now()),
        regarding: { apiVersion: regarding.apiVersion, kind: regarding.kind, name, namespace, uid, resourceVersion },
        reportingController: options.reportingController,
        reportingInstance: options.reportingInstance,
      },
    };
  }

  function mayRecord(regarding: KubeObject, now: number): boolean {
    const key = regarding.metadata.uid ?? regarding.metadata.name;
    const entry = buckets.get(key) ?? { bucket: tokenBucket(newPerObject, clock), usedAt: now };
    entry.usedAt = now;
    buckets.set(key, entry);
    return entry.bucket.tryTake();
  }

  /** Drops series that are over and buckets that are full again. Done where new ones are made, but not for each of thousands. */
  function forgetOld(now: number): void {
    if (now - forgotAt < forgetEvery) return;
    forgotAt = now;
    for (const series of running.values()) {
      if (now - series.lastAt >= seriesTime && !series.cancelWrite) running.delete(series.key);
    }
    for (const [key, { usedAt }] of buckets) {
      if ((now - usedAt) / 1000 >= newPerObject.burst / newPerObject.perSecond) buckets.delete(key);
    }
  }

  function enqueue(series: Series): void {
    series.cancelWrite?.();
    delete series.cancelWrite;
    pending.add(series);
    sending ??= sendPending();
  }

  async function sendPending(): Promise<void> {
    for (const series of pending) {
      pending.delete(series);
      await send(series);
    }
    sending = undefined;
  }

  async function send(series: Series): Promise<void> {
    for (let attempt = 1; !giveUp.signal.aborted; attempt++) {
      try {
        await write(series);
        return metrics.event('sent');
      } catch (error) {
        const mayPass = isKubeError(error, 'Unavailable', 'TooManyRequests', 'NotFound');
        if (!mayPass || attempt >= tries || giveUp.signal.aborted) {
          logger.warn('an event was not taken', { error, regarding: series.object.metadata.name });
          return metrics.event('failed');
        }
        // An event of an hour ago is swept away by the server: then its series starts anew, at once.
        if (error.kind === 'NotFound') series.stored = 0;
        else await clock.sleep(error.retryAfterMilliseconds ?? 1_000 * attempt, giveUp.signal).catch(() => {});
      }
    }
  }

  async function write(series: Series): Promise<void> {
    const { signal } = giveUp;
    series.writtenAt = clock.monotonic();
    if (series.stored === 0) {
      await api.create(eventType, series.object, { fieldManager, signal }).catch((error) => {
        if (!isKubeError(error, 'AlreadyExists')) throw error; // The try before had no answer, but was taken.
      });
      series.stored = 1;
    }
    const { count } = series;
    if (count === series.stored) return;
    const patch = { series: { count, lastObservedTime: kubeMicroTime(clock.now()) } };
    await api.mergePatch(eventType, series.object.metadata, patch, { fieldManager, signal });
    series.stored = count;
  }

  return {
    record(regarding, event) {
      try {
        record(regarding, event);
      } catch (error) {
        logger.error('an event could not be made', { error });
      }
    },
    async flush(signal) {
      const stop = (): void => giveUp.abort(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      for (const series of running.values()) if (series.cancelWrite) enqueue(series);
      await sending;
      signal.removeEventListener('abort', stop);
    },
  };
}

function shortened(note: string): string {
  if (Buffer.byteLength(note) <= longestNoteBytes) return note;
  // A cut inside a character decodes to U+FFFD, which is not shown.
  return `${Buffer.from(note)
    .subarray(0, longestNoteBytes - 3)
    .toString()
    .replace(/\uFFFD+$/, '')}…`;
}
