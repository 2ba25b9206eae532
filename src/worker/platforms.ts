import { GrueError } from '../api/errors.ts';
import { kinds } from '../api/kinds.ts';
import type { Platform } from '../api/platform.ts';
import type { Revision } from '../api/revision.ts';
import type { Clock } from '../controller/clock.ts';
import { type KubeApi, type KubeObject, keyOf, type ObjectRef } from '../controller/kube/api.ts';
import { isKubeError } from '../controller/kube/errors.ts';
import type { Logger } from '../controller/logger.ts';
import { type ServerSettings, serverSettings } from '../platform/settings.ts';

/** How to reach the servers of a Revision, for as long as that is so. */
export interface CurrentSettings {
  readonly settings: ServerSettings;
  /** Aborts when the Platform or one of its Secrets says something else. */
  readonly outdated: AbortSignal;
}

export interface PlatformsOptions {
  readonly kube: Pick<KubeApi, 'get'>;
  readonly clientId: string;
  readonly clock: Pick<Clock, 'sleep' | 'monotonic'>;
  readonly logger: Logger;
}

const LOOK_EVERY_MS = 60_000;
const LOOK_SOON_MS = 5_000;
const refusals: ReadonlySet<string> = new Set(['GRUE-PLT-004', 'GRUE-PLT-005']);

/**
 * The settings of the Platforms whose stages run here. They are read whenever a stage opens, and every minute: a password that was rotated is
 * used before the old one ends. After a refused login they are read every few seconds, because whoever tries with the old one waits longer and
 * longer. What one reading finds holds for all stages.
 */
export class Platforms {
  readonly #options: PlatformsOptions;
  readonly #known = new Map<string, { readonly ref: ObjectRef; readonly current: CurrentSettings; readonly outdate: () => void }>();
  #refusedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PlatformsOptions) {
    this.#options = options;
  }

  /** @throws GrueError GRUE-PLT-001 without the Platform, GRUE-PLT-006 without a Secret */
  async settingsOf({ metadata: { namespace }, spec }: Revision, signal: AbortSignal): Promise<CurrentSettings> {
    return this.#read({ namespace, name: spec.platform.name }, signal);
  }

  /** What stands in the way of a stage. */
  heard(problem: unknown): void {
    if (problem instanceof GrueError && refusals.has(problem.code)) this.#refusedAt = this.#options.clock.monotonic();
  }

  /** Looks again when it is time to, until `signal` aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    let lookedAt = clock.monotonic();
    while (
      await clock.sleep(LOOK_SOON_MS, signal).then(
        () => true,
        () => false,
      )
    ) {
      const now = clock.monotonic();
      if (now - this.#refusedAt > LOOK_EVERY_MS && now - lookedAt < LOOK_EVERY_MS) continue;
      lookedAt = now;
      for (const { ref } of [...this.#known.values()]) {
        await this.#read(ref, signal).catch((error) => {
          if (!signal.aborted)
            logger.warn('the settings of a Platform could not be read again; its stages go on with those they have', { platform: keyOf(ref), error });
        });
      }
    }
  }

  async #read(ref: ObjectRef, signal: AbortSignal): Promise<CurrentSettings> {
    const { kube, clientId } = this.#options;
    const platform = await kube.get<Platform & KubeObject>(kinds.Platform, ref, { signal }).catch((error) => {
      throw isKubeError(error, 'NotFound') ? new GrueError('GRUE-PLT-001', `there is no Platform ${ref.name} in namespace ${ref.namespace}`) : error;
    });
    const settings = await serverSettings(platform, clientId, kube, signal);
    const known = this.#known.get(keyOf(ref));
    if (known !== undefined && JSON.stringify(known.current.settings) === JSON.stringify(settings)) return known.current;
    const controller = new AbortController();
    const current = { settings, outdated: controller.signal };
    this.#known.set(keyOf(ref), { ref, current, outdate: () => controller.abort(new Error('the Platform or its Secrets have changed')) });
    known?.outdate();
    return current;
  }
}
