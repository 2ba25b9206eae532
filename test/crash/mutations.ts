import type { StreamMigration } from '../../src/api/stream-migration.ts';
import type { KubeApi, KubeObject } from '../../src/controller/kube/api.ts';
import type { KafkaCluster, SearchCluster } from '../../src/drivers/ports.ts';
import type { Mode } from './fates.ts';

/** What is wrapped around the ports of one operator. */
export interface Breakage {
  readonly kube?: (kube: KubeApi) => KubeApi;
  readonly kafka?: (kafka: KafkaCluster) => KafkaCluster;
  readonly search?: (search: SearchCluster) => SearchCluster;
}

/**
 * Operators that are broken on purpose, each in one of the ways in which such operators break. They are wrapped around the ports of a sound
 * one: if the crash tests did not tell them from it, they would tell nothing.
 */
export interface Mutation {
  readonly says: string;
  /** Made for each process. */
  readonly breaks: () => Breakage;
  /** Where it has to be caught. */
  readonly scenarios: readonly string[];
  readonly mode?: Mode;
  /** A perturbation that brings it to light, where no crash is needed. */
  readonly under?: string;
}

const isMigration = ({ kind }: Pick<KubeObject, 'kind'>): boolean => kind === 'StreamMigration';

/** That readers are about to move is written down when they have moved, and not before. */
function intentAfterEffect(): Breakage {
  let held: { readonly status: StreamMigration['status']; readonly write: () => Promise<unknown> } | undefined;
  const asIfWritten = <T extends KubeObject>(object: T): T => (held && isMigration(object) ? { ...object, status: held.status } : object);
  return {
    kube: (kube) => ({
      ...kube,
      get: async (type, ref, options) => asIfWritten((await kube.get(type, ref, options)) as never),
      applyStatus: async (type, object, options) => {
        const { status } = object as unknown as StreamMigration;
        if (!isMigration(object) || status?.flip === undefined || status.flip.result !== undefined) return kube.applyStatus(type, object, options);
        const { resourceVersion: _, ...metadata } = object.metadata;
        held = { status, write: () => kube.applyStatus(type, { ...object, metadata }, options) };
        return asIfWritten((await kube.get(type, object.metadata)) as never);
      },
    }),
    search: (search) => ({
      ...search,
      flip: async (moves, signal) => {
        const result = await search.flip(moves, signal);
        const { write } = held ?? {};
        held = undefined;
        await write?.();
        return result;
      },
    }),
  };
}

/** What belonged to the last attempt is still there in the next one. */
function markersKept(kube: KubeApi): KubeApi {
  return {
    ...kube,
    applyStatus: async (type, object, options) => {
      if (!isMigration(object)) return kube.applyStatus(type, object, options);
      const stored = (await kube.get(type, object.metadata)) as unknown as StreamMigration;
      const { status } = object as unknown as StreamMigration;
      const isNext = (status?.attempt ?? 1) > (stored.status?.attempt ?? 1);
      const { gates, fence, fencesPassed } = stored.status ?? {};
      return kube.applyStatus(type, isNext ? { ...object, status: { ...status, gates, fence, fencesPassed } } : object, options);
    },
  };
}

/** A call without an answer is taken for done. */
const noReadBack = (search: SearchCluster): SearchCluster => ({
  ...search,
  flip: async (moves, signal) => {
    const result = await search.flip(moves, signal).catch(() => undefined);
    return result?.moved === true ? result : { moved: true, milliseconds: 0 };
  },
});

/** What has the name is deleted, whoever made it. */
const topicsByName = (kafka: KafkaCluster): KafkaCluster => ({
  ...kafka,
  deleteTopic: async (name, id, signal) => kafka.deleteTopic(name, (await kafka.topics([name], signal)).get(name)?.id ?? id, signal),
});
const indicesByName = (search: SearchCluster): SearchCluster => ({
  ...search,
  deleteIndex: async (name, uuid, signal) => search.deleteIndex(name, (await search.indices([name], signal)).get(name)?.uuid ?? uuid, signal),
});

/** The cache is what is stored: nothing is read again before an effect, no write is waited for, and none depends on what was read. */
function staleCacheTrusted(kube: KubeApi): KubeApi {
  const seen = new Map<string, KubeObject>();
  const keyOf = ({ kind, metadata }: KubeObject): string => `${kind} ${metadata.namespace} ${metadata.name}`;
  const unversioned = <T extends KubeObject>(object: T): T => {
    const { resourceVersion: _, ...metadata } = object.metadata;
    return { ...object, metadata };
  };
  return {
    ...kube,
    list: async (type, options) => {
      const page = await kube.list(type, options);
      for (const item of page.items) seen.set(keyOf(item), item);
      return page as never;
    },
    async *watch(type, options) {
      for await (const event of kube.watch(type, options)) {
        if (event.type !== 'BOOKMARK') seen.set(keyOf(event.object), event.object);
        yield event as never;
      }
    },
    get: async (type, ref, options) => (seen.get(`${type.kind} ${ref.namespace} ${ref.name}`) ?? (await kube.get(type, ref, options))) as never,
    create: async (type, object, options) => unversioned(await kube.create(type, object, options)),
    applyStatus: async (type, object, options) => unversioned((await kube.applyStatus(type, unversioned(object), options)) as never),
    mergePatch: async (type, ref, patch, options) => unversioned((await kube.mergePatch(type, ref, unversioned(patch as never), options)) as never),
  };
}

export const mutations: Readonly<Record<string, Mutation>> = {
  'intent-after-effect': { says: 'the intent is written after the effect', breaks: intentAfterEffect, scenarios: ['too-late'], mode: 'kill-after' },
  'marker-kept': { says: 'a marker of the last attempt is kept over a retry', breaks: () => ({ kube: markersKept }), scenarios: ['held-and-retried'] },
  'no-read-back': {
    says: 'the flip is not read back',
    breaks: () => ({ search: noReadBack }),
    scenarios: ['manual', 'rollback'],
    mode: 'timed-out-done-later',
  },
  'delete-by-name': {
    says: 'things are deleted by their name',
    breaks: () => ({ kafka: topicsByName, search: indicesByName }),
    scenarios: ['made-by-others'],
  },
  'stale-cache': {
    says: 'a stale cache is trusted',
    breaks: () => ({ kube: staleCacheTrusted }),
    scenarios: ['manual', 'rollback', 'superseded'],
    under: 'lagging-watch',
  },
};
