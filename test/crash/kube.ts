import type { Clock } from '../../src/controller/clock.ts';
import type { KubeApi, KubeObject, ObjectRef, ResourceType, WatchEvent } from '../../src/controller/kube/api.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import { type KubeStore, storeApi } from '../support/kube-store.ts';
import { type ChokePoint, during, kubeUnanswered } from './effects.ts';
import type { Process } from './process.ts';

/** How the API server treats one process. */
export interface KubeManners {
  /** What becomes of a watch; calm: it is told at once, in order, once. */
  watch(events: AsyncIterable<WatchEvent>, type: ResourceType, clock: Clock): AsyncIterable<WatchEvent>;
  /** Refuses a call before anything is done. */
  refuse(verb: keyof KubeApi, type: ResourceType): KubeError | undefined;
}

export const calmManners: KubeManners = { watch: (events) => events, refuse: () => undefined };

/** Events tell people what happened; they are no state, and nothing reads them. */
const isTale = ({ plural }: ResourceType): boolean => plural === 'events';

/** The API server as one process has it. */
export function guardedKube(store: KubeStore, process: Process, choke: ChokePoint, manners: KubeManners): KubeApi {
  const api = storeApi(store);
  const reads = <T>(verb: keyof KubeApi, type: ResourceType, run: () => Promise<T>): Promise<T> =>
    during(process, () => {
      const refusal = manners.refuse(verb, type);
      return refusal ? Promise.reject(refusal) : run();
    });
  const changes = <T>(verb: keyof KubeApi, type: ResourceType, ref: ObjectRef, detail: string, run: () => Promise<T>): Promise<T> => {
    if (isTale(type)) return reads(verb, type, run);
    const refusal = manners.refuse(verb, type);
    if (refusal) return during(process, () => Promise.reject(refusal));
    const about = `${type.kind}/${ref.name}${detail}`;
    return choke.perform(process, { port: 'kube', verb, about, run, unanswered: () => kubeUnanswered(`${verb} ${about}`) });
  };
  // A request that was sent is not called back by the signal of its sender.
  const sent = <Options extends object>(options: Options): Options => ({ ...options, signal: undefined });
  return {
    get: (type, ref, options) => reads('get', type, () => api.get(type, ref, options)),
    list: (type, options) => reads('list', type, () => api.list(type, options)),
    async *watch(type, options) {
      await process.goOn();
      const refusal = manners.refuse('watch', type);
      if (refusal) throw refusal;
      const closed = new AbortController();
      const signal = AbortSignal.any([process.death, closed.signal, ...(options.signal ? [options.signal] : [])]);
      try {
        for await (const event of manners.watch(api.watch(type, { ...options, signal }), type, process.clock)) {
          await process.goOn();
          yield event as never;
        }
      } finally {
        closed.abort(new Error('the watch is closed'));
        await process.goOn();
      }
    },
    create: (type, object, options) => changes('create', type, object.metadata, '', () => api.create(type, object, sent(options))),
    apply: (type, object, options) => changes('apply', type, object.metadata, '', () => api.apply(type, object, sent(options))),
    applyStatus: (type, object, options) =>
      changes('applyStatus', type, object.metadata, `: ${summaryOf(object)}`, () => api.applyStatus(type, object, sent(options))),
    mergePatch: (type, ref, patch, options) =>
      changes('mergePatch', type, ref, `: ${patchSummary(patch)}`, () => api.mergePatch(type, ref, patch, sent(options))),
    delete: (type, ref, options) => changes('delete', type, ref, '', () => api.delete(type, ref, sent(options))),
    serverVersion: (options) => api.serverVersion(options),
  };
}

interface AnyStatus {
  readonly phase?: string;
  readonly state?: string;
  readonly role?: string;
  readonly live?: string;
  readonly green?: string;
  readonly outcome?: string;
  readonly flip?: { readonly direction: string; readonly result?: string };
  readonly fence?: { readonly id: number };
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
}

/** A status in a few words. */
function summaryOf({ status }: KubeObject): string {
  const { phase, state, role, live, green, outcome, flip, fence, conditions = [] } = (status ?? {}) as AnyStatus;
  const words = [
    phase,
    fence && phase !== undefined ? `fence ${fence.id}` : undefined,
    flip && `flip ${flip.direction} ${flip.result ?? 'intended'}`,
    outcome && `outcome ${outcome}`,
    state,
    role,
    live && `live ${live}`,
    green && `green ${green}`,
    phase === undefined
      ? conditions.map(({ type, status: truth, reason }) => `${type}=${truth === 'True' ? reason : `${truth}:${reason}`}`).join(' ')
      : undefined,
  ];
  return words.filter((word) => word !== undefined && word !== '').join(', ');
}

function patchSummary(patch: object): string {
  const { metadata } = patch as Partial<KubeObject>;
  if (metadata?.finalizers) return metadata.finalizers.length > 0 ? 'finalizer on' : 'finalizer off';
  const { spec } = patch as { readonly spec?: { readonly holderIdentity?: string | null } };
  return spec?.holderIdentity === undefined ? 'patch' : `holder ${spec.holderIdentity ?? 'nobody'}`;
}

export const conflict = (what: string): KubeError => new KubeError('Conflict', `${what}: the object has been modified`, { status: 409, reason: 'Conflict' });
export const tooMany = (what: string): KubeError =>
  new KubeError('TooManyRequests', `${what}: too many requests`, { status: 429, reason: 'TooManyRequests', retryAfterMilliseconds: 1_000 });
