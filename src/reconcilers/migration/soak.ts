import type { Revision } from '../../api/revision.ts';
import type { StreamMigration } from '../../api/stream-migration.ts';
import { advanceFence, takeFence } from '../../parity/fence.ts';
import { lineageOf } from '../lineage.ts';
import type { SoakMemory } from '../memory.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';
import { fenceFacts, unhealthyStages } from './progress.ts';
import type { SoakFacts } from './snapshot.ts';

/**
 * Follows blue to one fence after another while it is fed: only as long as it keeps reaching them would a rollback lose nothing. The fences
 * live in memory; a restarted operator takes the next one.
 */
export async function observeSoak(
  migration: StreamMigration,
  revisions: ReadonlyMap<string, Revision>,
  servers: Servers,
  world: World,
  signal: AbortSignal,
): Promise<SoakFacts> {
  const sinks = (migration.status?.plan?.steps ?? [])
    .filter(({ of, action }) => of.kind === 'Connection' && action === 'Clone')
    .flatMap(({ from }) => from ?? []);
  const openSearches = await openSearchesOn(sinks, revisions, servers, signal);
  if (migration.status?.pointOfNoReturn !== undefined || sinks.some((name) => !revisions.has(name)))
    return { blueProvenSecondsAgo: undefined, unhealthy: [], openSearches, members: await membersOf(sinks, revisions, servers, signal) };
  const now = world.clock.now();
  const input = await fenceFacts(sinks, revisions, servers, signal);
  const soak = follow(world.memory.soaks.get(migration.metadata.uid) ?? { fence: undefined, provenAt: undefined }, now, input);
  world.memory.soaks.set(migration.metadata.uid, soak);
  return {
    blueProvenSecondsAgo: soak.provenAt === undefined ? undefined : (now - soak.provenAt) / 1_000,
    unhealthy: unhealthyStages(lineageOf(sinks, revisions)),
    openSearches,
    members: 0,
  };
}

function follow(memory: SoakMemory, now: number, input: Parameters<typeof advanceFence>[1]): SoakMemory {
  if (memory.fence === undefined) {
    const taken = takeFence(1, new Date(now).toISOString(), input);
    return 'inconclusive' in taken ? memory : { ...memory, fence: taken };
  }
  const { fence, changed, late, broken } = advanceFence(memory.fence, input);
  if (broken !== undefined) return { ...memory, fence: undefined };
  if (changed || late.length > 0) return { ...memory, fence };
  return { fence: undefined, provenAt: Date.parse(fence.time) };
}

async function membersOf(sinks: readonly string[], revisions: ReadonlyMap<string, Revision>, servers: Servers, signal: AbortSignal): Promise<number> {
  const groups = sinks.flatMap((name) => revisions.get(name)?.spec.physical.group ?? []);
  const found = await Promise.all(groups.map((group) => servers.kafka.group(group, signal)));
  return found.reduce((sum, { members }) => sum + members, 0);
}

async function openSearchesOn(sinks: readonly string[], revisions: ReadonlyMap<string, Revision>, servers: Servers, signal: AbortSignal): Promise<number> {
  const indices = sinks.flatMap((name) => revisions.get(name)?.spec.physical.index ?? []);
  const found = await Promise.all(indices.map((index) => servers.search.searchActivity(index, signal)));
  return found.reduce((sum, { openContexts }) => sum + openContexts, 0);
}
