/**
 * Leader election on a coordination.k8s.io Lease.
 *
 * Invariants:
 * 1. Another holder is judged by our own monotonic time since its record last changed, never by the times in the record.
 * 2. Every write of the record is conditional on the version that was read: of two candidates one wins.
 * 3. `leaseValidUntil` counts from before the renewal was sent: nobody else can lead before it, whatever the network did.
 * 4. A leader that could not renew in time, or sees another holder, is lost for good: `lost` aborts, once, on time, also while a
 *    call hangs.
 * 5. A released lease has no holder and is taken at the next look of a candidate, at most 2 s later. One whose holder has died is taken as
 *    soon as it runs out for a candidate: at most 17 s later.
 * 6. Release writes nothing if we do not hold the lease.
 *
 * A lease is not a fence: a process that stood still may act after its time. So check `leaseValidUntil` before every
 * irreversible effect, and make effects idempotent.
 */
import type { Random } from './backoff.ts';
import { type Cancel, type Clock, kubeMicroTime } from './clock.ts';
import type { KubeApi, KubeObject, ResourceType } from './kube/api.ts';
import { isKubeError } from './kube/errors.ts';
import type { Logger } from './logger.ts';
import type { RuntimeMetrics } from './metrics.ts';

export const leaseType: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}
type Lease = KubeObject<LeaseSpec>;

export interface LeaseOptions {
  readonly api: Pick<KubeApi, 'get' | 'create' | 'mergePatch'>;
  readonly namespace: string;
  readonly name: string;
  /** Unique per process, not per machine. */
  readonly identity: string;
  readonly fieldManager: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<RuntimeMetrics, 'leading'>;
  readonly random?: Random;
  readonly leaseMilliseconds?: number;
  readonly renewDeadlineMilliseconds?: number;
  readonly retryMilliseconds?: number;
}

export interface LeaderLease {
  /** Resolves when this process leads; from then on the lease renews itself. Rejects when `signal` aborts first. */
  acquire(signal: AbortSignal): Promise<void>;
  /** Until when, in monotonic milliseconds, nobody else can lead. `-Infinity` when we do not. */
  leaseValidUntil(): number;
  /** Aborts when leadership is lost. The process must end then. */
  readonly lost: AbortSignal;
  /** Gives the lease to the next candidate. Only after all guarded work has ended. */
  release(): Promise<void>;
}

export function leaderLease(options: LeaseOptions): LeaderLease {
  const { api, namespace, name, identity, fieldManager, clock, logger, random = Math.random } = options;
  const lease = options.leaseMilliseconds ?? 15_000;
  const renewDeadline = options.renewDeadlineMilliseconds ?? 10_000;
  const retry = options.retryMilliseconds ?? 2_000;
  if (!(lease > renewDeadline && renewDeadline > 1.2 * retry)) {
    throw new Error('a lease must be longer than its renew deadline, and that longer than 1.2 times the retry period');
  }
  const ref = { namespace, name };
  const call = { timeoutMilliseconds: renewDeadline / 2 };
  const lost = new AbortController();
  const stopped = new AbortController();
  let seen: { readonly lease: Lease; readonly record: string; readonly at: number } | undefined;
  let validUntil = Number.NEGATIVE_INFINITY;
  let cancelLoss: Cancel = () => {};
  let renewing: Promise<void> = Promise.resolve();
  options.metrics.leading(name, false);

  function look(found: Lease): Lease {
    const record = JSON.stringify(found.spec);
    seen = { lease: found, record, at: seen?.record === record ? seen.at : clock.monotonic() };
    return found;
  }

  const isFree = (): boolean => remaining() < 0;

  /** For how long the record that we have seen still binds us, in milliseconds; negative when it does not. */
  function remaining(): number {
    const spec = seen?.lease.spec;
    if (!seen || !spec?.holderIdentity || spec.holderIdentity === identity) return Number.NEGATIVE_INFINITY;
    const promised = spec.leaseDurationSeconds === undefined ? lease : spec.leaseDurationSeconds * 1000;
    return seen.at + promised - clock.monotonic();
  }

  /**
   * When to look again. Never a whole period, so that a released lease is found within it; never in step with other candidates. A lease that
   * runs out before that is looked at just then: its holder may be dead since its last renewal, and nobody leads until we look.
   */
  function untilNextLook(): number {
    const left = remaining();
    const look = retry * (0.5 + 0.4 * random());
    return left < 0 ? look : Math.min(look, left + retry * (0.01 + 0.04 * random()));
  }

  function record(before: LeaseSpec | undefined): LeaseSpec {
    const time = kubeMicroTime(clock.now());
    const ours = before?.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(lease / 1000),
      renewTime: time,
      acquireTime: ours ? (before.acquireTime ?? time) : time,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (ours || !before ? 0 : 1),
    };
  }

  /** Takes or renews the lease. @returns whether we hold it */
  async function attempt(signal: AbortSignal, fresh: boolean): Promise<boolean> {
    if (fresh || !seen) {
      try {
        look(await api.get<Lease>(leaseType, ref, { ...call, signal }));
      } catch (error) {
        if (!isKubeError(error, 'NotFound')) throw error;
        const sentAt = clock.monotonic();
        const created = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: ref, spec: record(undefined) };
        look(await api.create<Lease>(leaseType, created, { ...call, signal, fieldManager }));
        return holdSince(sentAt);
      }
    }
    if (!seen || !isFree()) return false;
    const sentAt = clock.monotonic();
    const { resourceVersion } = seen.lease.metadata;
    const patch = { metadata: { resourceVersion }, spec: record(seen.lease.spec) };
    look(await api.mergePatch<Lease>(leaseType, ref, patch, { ...call, signal, fieldManager }));
    return holdSince(sentAt);
  }

  function holdSince(sentAt: number): boolean {
    if (lost.signal.aborted) return false; // The answer came after the deadline: lost stays lost.
    validUntil = sentAt + renewDeadline;
    cancelLoss();
    cancelLoss = clock.schedule(validUntil - clock.monotonic(), () => lose(`not renewed for ${renewDeadline} ms`));
    return true;
  }

  function lose(why: string): void {
    if (lost.signal.aborted || stopped.signal.aborted) return;
    cancelLoss();
    validUntil = Number.NEGATIVE_INFINITY;
    options.metrics.leading(name, false);
    logger.error('leadership is lost', { lease: name, why });
    lost.abort(new Error(`leadership is lost: ${why}`));
  }

  async function renew(): Promise<void> {
    const signal = AbortSignal.any([lost.signal, stopped.signal]);
    let fresh = false;
    while (!signal.aborted) {
      try {
        await clock.sleep(fresh ? retry / 4 : retry, signal);
        if (!(await attempt(signal, fresh))) lose(`${seen?.lease.spec?.holderIdentity} holds the lease`);
        fresh = false;
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('the lease was not renewed, trying again', { lease: name, error });
        // A write that got no answer may have happened, and a conflict says that the record moved: look before writing.
        fresh = true;
      }
    }
  }

  return {
    lost: lost.signal,
    leaseValidUntil: () => validUntil,
    async acquire(signal) {
      for (let told = ''; ; ) {
        try {
          if (await attempt(signal, true)) break;
        } catch (error) {
          signal.throwIfAborted();
          if (String(error) !== told) logger.warn('the lease cannot be taken, trying again', { lease: name, error });
          told = String(error);
        }
        await clock.sleep(untilNextLook(), signal);
      }
      options.metrics.leading(name, true);
      logger.info('leading', { lease: name, identity });
      renewing = renew();
    },
    async release() {
      const held = validUntil !== Number.NEGATIVE_INFINITY;
      stopped.abort(new Error('the lease is being released'));
      cancelLoss();
      await renewing;
      validUntil = Number.NEGATIVE_INFINITY;
      options.metrics.leading(name, false);
      if (!held) return;
      try {
        const found = await api.get<Lease>(leaseType, ref, call);
        if (found.spec?.holderIdentity !== identity) return;
        const { resourceVersion } = found.metadata;
        const spec = { holderIdentity: null, leaseDurationSeconds: 1, renewTime: kubeMicroTime(clock.now()) };
        await api.mergePatch(leaseType, ref, { metadata: { resourceVersion }, spec }, { ...call, fieldManager });
        logger.info('released the lease', { lease: name });
      } catch (error) {
        logger.warn('the lease was not released, it will run out', { lease: name, error });
      }
    },
  };
}
