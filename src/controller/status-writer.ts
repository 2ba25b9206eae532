/**
 * Writes the status of objects of one kind.
 *
 * Invariants:
 * 1. One server-side apply of `/status` per call, under the writer's own field manager.
 * 2. A status that is equal to what is stored is not written; key order and absent members do not count.
 * 3. Conditions of types that others own are neither sent nor compared.
 * 4. A status is never written onto another incarnation of the name.
 * 5. Every write is remembered, so that no pass runs on a cache older than it (see `own-writes.ts`).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Condition } from './conditions.ts';
import { apiVersionOf, type KubeApi, type KubeObject, type ResourceType } from './kube/api.ts';
import { isKubeError } from './kube/errors.ts';
import type { OwnWrites } from './own-writes.ts';

export interface StatusWriterOptions {
  readonly api: Pick<KubeApi, 'applyStatus'>;
  readonly type: ResourceType;
  /** Such as `grue-status`. */
  readonly fieldManager: string;
  readonly writes: OwnWrites;
  /** Which condition types this writer owns; all of them when absent. */
  readonly ownsCondition?: (type: string) => boolean;
}

/** `gone`: the object was deleted in the meantime, there is nobody left to tell. */
export type StatusWrite = 'written' | 'unchanged' | 'gone';

export interface StatusWriter {
  /**
   * @param object the object that the status was computed from
   * @param status all that this writer wants to say; what it said before and leaves out now is removed
   * @throws KubeError, Conflict when the name belongs to another incarnation now
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

  return {
    async write(object, status, signal) {
      const wanted = ownPart(status);
      if (isDeepStrictEqual(wanted, ownPart(object.status))) return 'unchanged';
      const { name, namespace, uid } = object.metadata;
      const metadata = { name, ...(namespace ? { namespace } : {}), ...(uid ? { uid } : {}) };
      const applied = { apiVersion: apiVersionOf(type), kind: type.kind, metadata, status: wanted };
      try {
        writes.remember(await api.applyStatus(type, applied, { fieldManager, force: true, signal }));
        return 'written';
      } catch (error) {
        if (isKubeError(error, 'NotFound')) return 'gone';
        throw error;
      }
    },
  };
}
