import { GrueError, reasonOf } from '../../api/errors.ts';
import type { Platform, PlatformStatus } from '../../api/platform.ts';
import type { RequestResult } from '../../api/stream-migration.ts';
import { kubeTime } from '../../controller/clock.ts';
import { mergeConditions, type WantedCondition } from '../../controller/conditions.ts';
import { orCoded } from '../coded.ts';
import { listed, observeOrphans } from '../recovery/orphans.ts';
import type { Servers } from '../servers.ts';
import type { Requeue, World } from '../world.ts';
import { answerRequest } from './requests.ts';

const lookEvery = 60_000;
const lookAgain = 5_000;

/** One pass over one Platform: do its servers answer, and are they the ones that were recorded? */
export async function reconcilePlatform(key: string, world: World, signal: AbortSignal): Promise<Requeue> {
  const platform = world.caches.platforms.get(key);
  if (!platform || platform.metadata.deletionTimestamp !== undefined) return {};
  const answer = await answerRequest(platform, world, signal);
  const found = await orCoded(() => world.servers(platform, signal));
  const orphans = found instanceof GrueError ? undefined : await orCoded(() => observeOrphans(platform, found, world, signal));
  const status = report(platform, { found, answer, orphans: orphans instanceof GrueError ? undefined : orphans }, world.clock.now());
  await world.writeStatus(platform, status, signal);
  return { requeueAfterMilliseconds: found instanceof GrueError ? lookAgain : lookEvery };
}

interface Seen {
  readonly found: Servers | GrueError;
  readonly answer?: RequestResult | undefined;
  /** Undefined while the servers cannot be asked: then what was known stays. */
  readonly orphans?: Awaited<ReturnType<typeof observeOrphans>> | undefined;
}

/** The identities are recorded once; other servers under the same addresses are reported, and never taken for the old ones. Pure. */
export function report(platform: Platform, { found, answer, orphans }: Seen, now: number): PlatformStatus {
  const { status: stored, metadata } = platform;
  const identity = {
    ...(found instanceof GrueError ? {} : { kafkaClusterId: found.kafkaClusterId, elasticsearchUuid: found.elasticsearchUuid }),
    ...(stored?.kafkaClusterId ? { kafkaClusterId: stored.kafkaClusterId } : {}),
    ...(stored?.elasticsearchUuid ? { elasticsearchUuid: stored.elasticsearchUuid } : {}),
  };
  const conditions = mergeConditions(stored?.conditions, [readyOf(identity, found)], { now: kubeTime(now), generation: metadata.generation });
  const before = stored?.orphans ?? [];
  const requests = [...(stored?.requests ?? []), ...(answer ? [answer] : [])].slice(-10);
  return {
    observedGeneration: metadata.generation,
    ...identity,
    ...(orphans ? listed(orphans, before, kubeTime(now)) : before.length > 0 ? { orphans: before, orphanCount: stored?.orphanCount ?? before.length } : {}),
    ...(requests.length > 0 ? { requests } : {}),
    conditions: [...conditions],
  };
}

function readyOf(recorded: { readonly kafkaClusterId?: string; readonly elasticsearchUuid?: string }, found: Servers | GrueError): WantedCondition {
  if (found instanceof GrueError) return { type: 'Ready', status: 'False', reason: reasonOf(found), message: found.line };
  const kafka = found.kafkaClusterId === recorded.kafkaClusterId;
  if (kafka && found.elasticsearchUuid === recorded.elasticsearchUuid)
    return { type: 'Ready', status: 'True', reason: 'Reachable', message: 'Kafka and Elasticsearch answer' };
  const error = new GrueError('GRUE-PLT-007', `${kafka ? 'Elasticsearch' : 'Kafka'} is another cluster than the one recorded`, {
    fix: 'point the Platform at the recorded servers, or make a new Platform',
  });
  return { type: 'Ready', status: 'False', reason: reasonOf(error), message: error.line };
}
