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
  readonly clock: Pick<Clock, 'sleep'>;
  readonly logger: Logger;
}

const LOOK_EVERY_MS = 60_000;

/**
 * The settings of the Platforms whose stages run here. They are read whenever a stage opens, so that one whose password was refused tries
 * the new one, and every minute: a password that was rotated is used before the old one ends. What one reading finds holds for all stages.
 */
export class Platforms {
  readonly #options: PlatformsOptions;
  readonly #known = new Map<string, { readonly ref: ObjectRef; readonly current: CurrentSettings; readonly outdate: () => void }>();

  constructor(options: PlatformsOptions) {
    this.#options = options;
  }

  /** @throws GrueError GRUE-PLT-001 without the Platform, GRUE-PLT-006 without a Secret */
  async settingsOf({ metadata: { namespace }, spec }: Revision, signal: AbortSignal): Promise<CurrentSettings> {
    return this.#read({ namespace, name: spec.platform.name }, signal);
  }

  /** Looks again every minute, until `signal` aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    while (
      await clock.sleep(LOOK_EVERY_MS, signal).then(
        () => true,
        () => false,
      )
    ) {
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
