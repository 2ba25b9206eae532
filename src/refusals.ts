import { GrueError } from './api/errors.ts';
import type { KubeApi } from './controller/kube/api.ts';
import { isKubeError } from './controller/kube/errors.ts';

/**
 * The same API, where a refusal is a coded error: what a person has to put right is said in the condition of what waits for it, and not in
 * the log alone. The message of the API server names the account and the right.
 */
export function tellingRefusals(api: KubeApi): KubeApi {
  const told = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      throw isKubeError(error, 'Forbidden') ? new GrueError('GRUE-API-008', error.message, { cause: error }) : error;
    }
  };
  return {
    ...api,
    get: (type, ref, options) => told(api.get(type, ref, options)),
    list: (type, options) => told(api.list(type, options)),
    create: (type, object, options) => told(api.create(type, object, options)),
    apply: (type, object, options) => told(api.apply(type, object, options)),
    applyStatus: (type, object, options) => told(api.applyStatus(type, object, options)),
    mergePatch: (type, ref, patch, options) => told(api.mergePatch(type, ref, patch, options)),
    delete: (type, ref, options) => told(api.delete(type, ref, options)),
  };
}
