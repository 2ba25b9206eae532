import { GrueError, reasonOf } from '../../api/errors.ts';
import type { Platform, PlatformStatus } from '../../api/platform.ts';
import { kubeTime } from '../../controller/clock.ts';
import { mergeConditions, type WantedCondition } from '../../controller/conditions.ts';
import type { Servers } from '../servers.ts';
import type { Requeue, World } from '../world.ts';

const lookEvery = 60_000;
const lookAgain = 5_000;

/** One pass over one Platform: do its servers answer, and are they the ones that were recorded? */
export async function reconcilePlatform(key: string, world: World, signal: AbortSignal): Promise<Requeue> {
  const platform = world.caches.platforms.get(key);
  if (!platform || platform.metadata.deletionTimestamp !== undefined) return {};
  const found = await contact(platform, world, signal);
  const status = report(platform, found, world.clock.now());
  await world.writeStatus(platform, status, signal);
  return { requeueAfterMilliseconds: found instanceof GrueError ? lookAgain : lookEvery };
}

async function contact(platform: Platform, world: World, signal: AbortSignal): Promise<Servers | GrueError> {
  try {
    return await world.servers(platform, signal);
  } catch (error) {
    if (error instanceof GrueError) return error;
    throw error;
  }
}

/** The identities are recorded once; other servers under the same addresses are reported, and never taken for the old ones. Pure. */
export function report(platform: Platform, found: Servers | GrueError, now: number): PlatformStatus {
  const { status: stored, metadata } = platform;
  const identity = {
    ...(found instanceof GrueError ? {} : { kafkaClusterId: found.kafkaClusterId, elasticsearchUuid: found.elasticsearchUuid }),
    ...(stored?.kafkaClusterId ? { kafkaClusterId: stored.kafkaClusterId } : {}),
    ...(stored?.elasticsearchUuid ? { elasticsearchUuid: stored.elasticsearchUuid } : {}),
  };
  const conditions = mergeConditions(stored?.conditions, [readyOf(identity, found)], { now: kubeTime(now), generation: metadata.generation });
  return { observedGeneration: metadata.generation, ...identity, conditions: [...conditions] };
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
