import { createHash } from 'node:crypto';
import { GrueError } from '../api/errors.ts';
import type { Platform } from '../api/platform.ts';
import type { Clock } from '../controller/clock.ts';
import type { KubeApi } from '../controller/kube/api.ts';
import type { Claim, KafkaCluster, KafkaRegistry, SearchCluster } from '../drivers/ports.ts';
import type { Servers } from '../reconcilers/servers.ts';
import type { RecordedServers } from '../reconcilers/world.ts';
import { type ServerSettings, serverSettings } from './settings.ts';

export interface ServerPoolOptions {
  readonly kube: Pick<KubeApi, 'get'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly clientId: string;
  /** Names the installation that claims the servers of a Platform under its prefix. */
  readonly installation: string;
  readonly openKafka: (settings: ServerSettings['kafka'], prefix: string) => { readonly kafka: KafkaCluster; readonly registry: KafkaRegistry };
  readonly openSearch: (settings: ServerSettings['search']) => SearchCluster;
}

interface Entry {
  /** Of the Platform, when it was looked at: an edited one is looked at again at once. */
  readonly generation: number | undefined;
  readonly digest: string;
  readonly servers: Servers;
  readonly checkedAt: number;
}

/** Secrets are read again this often, and identities asked for again: both can change under an unchanged Platform. */
const checkEvery = 30_000;

/** One connection per Platform, shared by all passes, replaced when its spec or its Secrets change. */
export function serverPool({ kube, clock, clientId, installation, openKafka, openSearch }: ServerPoolOptions) {
  const entries = new Map<string, Entry>();
  const opening = new Map<string, Promise<Servers>>();

  async function open(platform: Platform, enter: Enter, signal: AbortSignal): Promise<Servers> {
    const { uid, generation } = platform.metadata;
    const before = entries.get(uid);
    const settings = await serverSettings(platform, clientId, kube, signal);
    const digest = createHash('sha256')
      .update(JSON.stringify([settings, platform.spec.prefix]))
      .digest('hex');
    const reuse = before?.digest === digest ? before.servers : undefined;
    const { kafka, registry } = reuse ?? openKafka(settings.kafka, platform.spec.prefix);
    const search = reuse?.search ?? openSearch(settings.search);
    try {
      const [kafkaClusterId, elasticsearchUuid] = await bothOf(kafka.clusterId(signal), search.clusterUuid(signal));
      const servers = { kafka, registry, search, kafkaClusterId, elasticsearchUuid };
      await enter(servers, { prefix: platform.spec.prefix, installation, isNew: !reuse }, signal);
      entries.set(uid, { generation, digest, servers, checkedAt: clock.monotonic() });
      if (before && !reuse) await close(before.servers);
      return servers;
    } catch (error) {
      entries.delete(uid);
      await close({ kafka, search });
      if (before && !reuse) await close(before.servers);
      throw error;
    }
  }

  return {
    /** @throws GrueError GRUE-PLT-002 to GRUE-PLT-006 */
    async servers(platform: Platform, signal: AbortSignal): Promise<Servers> {
      const { uid, generation } = platform.metadata;
      const entry = entries.get(uid);
      if (entry !== undefined && entry.generation === generation && clock.monotonic() - entry.checkedAt < checkEvery) return entry.servers;
      const key = `${uid}/${generation}`;
      const running = opening.get(key) ?? open(platform, claim, signal).finally(() => opening.delete(key));
      opening.set(key, running);
      return running;
    },
    /** @throws GrueError as `servers`, and GRUE-PLT-007 when they are not those that were recorded */
    takeOver: (platform: Platform, recorded: RecordedServers, signal: AbortSignal): Promise<Servers> => open(platform, takeOverFrom(recorded), signal),
    /** What was found out no longer holds: the next pass asks the servers again, and can say what is wrong with them. */
    doubt(): void {
      for (const [uid, entry] of entries) entries.set(uid, { ...entry, checkedAt: Number.NEGATIVE_INFINITY });
    },
    async close(): Promise<void> {
      await Promise.all([...entries.values()].map(({ servers }) => close(servers)));
    },
  };
}

/** Waits for both. If both fail, the error tells of both: nobody should have to correct the one to hear of the other. */
async function bothOf(first: Promise<string>, second: Promise<string>): Promise<readonly [string, string]> {
  const [one, other] = await Promise.allSettled([first, second]);
  if (one.status === 'fulfilled' && other.status === 'fulfilled') return [one.value, other.value];
  const failures = [one, other].flatMap((outcome): readonly unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []));
  const [a, b] = failures;
  if (a instanceof GrueError && b instanceof GrueError)
    throw new GrueError(a.code, `${a.fix === undefined ? a.message : `${a.message} (${a.fix})`}; ${b.line}`, { cause: a });
  throw a;
}

interface Entrance {
  readonly prefix: string;
  readonly installation: string;
  /** Nothing has been asked over these connections before. */
  readonly isNew: boolean;
}

/** How this installation comes to be the one that may work there. */
type Enter = (servers: Servers, entrance: Entrance, signal: AbortSignal) => Promise<void>;

/**
 * Two installations that work under one prefix would remove each other's topics and indices: the second one does nothing. Kafka comes first,
 * so that of two that begin at once the same one gets both. A person may have taken over meanwhile, from both: so Elasticsearch is asked again
 * each time, because that is one small read.
 */
async function claim({ registry, search }: Servers, { prefix, installation, isNew }: Entrance, signal: AbortSignal): Promise<void> {
  if (isNew) refuseClaimed('Kafka', prefix, await registry.claim(installation, signal));
  refuseClaimed('Elasticsearch', prefix, await search.claim(prefix, installation, signal));
}

const takeOverFrom =
  (recorded: RecordedServers): Enter =>
  async ({ registry, search, kafkaClusterId, elasticsearchUuid }, { prefix, installation }, signal) => {
    const others = [
      ...((recorded.kafkaClusterId ?? kafkaClusterId) === kafkaClusterId ? [] : [`Kafka is cluster ${kafkaClusterId}, not ${recorded.kafkaClusterId}`]),
      ...((recorded.elasticsearchUuid ?? elasticsearchUuid) === elasticsearchUuid
        ? []
        : [`Elasticsearch is cluster ${elasticsearchUuid}, not ${recorded.elasticsearchUuid}`]),
    ];
    if (others.length > 0)
      throw new GrueError('GRUE-PLT-007', others.join('; '), { fix: 'point the Platform at the recorded servers, or make a new Platform' });
    refuseClaimed('Kafka', prefix, await registry.takeOver(installation, signal));
    refuseClaimed('Elasticsearch', prefix, await search.takeOver(prefix, installation, signal));
  };

function refuseClaimed(server: string, prefix: string, claimed: Claim): void {
  if (claimed.outcome === 'Ours') return;
  throw new GrueError('GRUE-PLT-008', `prefix ${prefix} of this ${server} cluster belongs to installation ${claimed.installation}`, {
    at: 'spec.prefix',
    fix: 'choose another prefix, or, if that installation is gone, take over: grue takeover',
  });
}

const close = async ({ kafka, search }: Pick<Servers, 'kafka' | 'search'>): Promise<void> => {
  await Promise.allSettled([kafka.close(), search.close()]);
};
