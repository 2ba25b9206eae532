/**
 * Writes the status of objects of one kind.
 *
 * Invariants:
 * 1. One server-side apply of `/status` per call, under the writer's own field manager.
 * 2. A status that is equal to what is stored is not written; key order and absent members do not count.
 * 3. Conditions of types that others own are neither sent nor compared.
 * 4. A status is written only over the status that it was computed from: never onto another incarnation of the name, another
 *    generation, or what another writer of the same field manager (a leader that was cut off) has said since. What others
 *    changed in the meantime, such as conditions of workers, does not matter.
 * 5. Every write is remembered, so that no pass runs on a cache older than it (see `own-writes.ts`).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Condition } from './conditions.ts';
import { apiVersionOf, type KubeApi, type KubeObject, type ResourceType } from './kube/api.ts';
import { isKubeError } from './kube/errors.ts';
import type { OwnWrites } from './own-writes.ts';

export interface StatusWriterOptions {
  readonly api: Pick<KubeApi, 'applyStatus' | 'get'>;
  readonly type: ResourceType;
  /** Such as `grue-status`. */
  readonly fieldManager: string;
  readonly writes: Pick<OwnWrites, 'remember'>;
  /** Which condition types this writer owns; all of them when absent. */
  readonly ownsCondition?: (type: string) => boolean;
}

/** `gone`: the object was deleted in the meantime, there is nobody left to tell. */
export type StatusWrite = 'written' | 'unchanged' | 'gone';

export interface StatusWriter {
  /**
   * @param object the object that the status was computed from
   * @param status all that this writer wants to say; what it said before and leaves out now is removed
   * @throws KubeError, Conflict when that object is no longer what is stored: compute again from a newer one
   */
  write(object: KubeObject, status: object, signal: AbortSignal): Promise<StatusWrite>;
}

interface WithConditions {
  readonly conditions?: readonly Condition[];
}

export function statusWriter(options: StatusWriterOptions): StatusWriter {
  const { api, type, fieldManager, writes } = options;
  const owns = options.ownsCondition ?? (() => true);

  const ownPart = (status: unknown): object => {
    const plain = JSON.parse(JSON.stringify(status ?? {})) as WithConditions;
    if (!plain.conditions) return plain;
    const { conditions, ...others } = plain;
    const own = conditions.filter((condition) => owns(condition.type));
    return own.length > 0 ? { ...others, conditions: own } : others;
  };

  async function apply(object: KubeObject, status: object, signal: AbortSignal): Promise<void> {
    const { name, namespace, resourceVersion } = object.metadata;
    // The version, because the server looks at it in an apply of /status; it does not look at the uid there.
    const metadata = { name, ...(namespace ? { namespace } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
    const applied = { apiVersion: apiVersionOf(type), kind: type.kind, metadata, status };
    writes.remember(await api.applyStatus(type, applied, { fieldManager, force: true, signal }));
  }

  const saysTheSame = (a: KubeObject, b: KubeObject): boolean =>
    a.metadata.uid === b.metadata.uid && a.metadata.generation === b.metadata.generation && isDeepStrictEqual(ownPart(a.status), ownPart(b.status));

  return {
    async write(object, status, signal) {
      const wanted = ownPart(status);
      if (isDeepStrictEqual(wanted, ownPart(object.status))) return 'unchanged';
      try {
        await apply(object, wanted, signal).catch(async (conflict) => {
          if (!isKubeError(conflict, 'Conflict')) throw conflict;
          const fresh = await api.get(type, object.metadata, { signal });
          if (!saysTheSame(fresh, object)) throw conflict;
          await apply(fresh, wanted, signal);
        });
        return 'written';
      } catch (error) {
        if (isKubeError(error, 'NotFound')) return 'gone';
        throw error;
      }
    },
  };
}
