import type { GrueError } from '../../api/errors.ts';
import type { NodeKey } from '../../topology/graph.ts';
import type { LiveFacts } from '../facts.ts';
import type { World } from '../world.ts';
import { observeHorizons } from './horizon.ts';
import { strayError } from './strays.ts';

/** What others did to aliases, indices and topics that sinks of ours rely on, by the sink that it happened to. */
export async function observeDisturbances(facts: LiveFacts, world: World, signal: AbortSignal): Promise<ReadonlyMap<NodeKey, GrueError>> {
  const { strays, platforms, aliases } = facts;
  const found = new Map(await observeHorizons(facts, world, signal));
  for (const stray of strays) {
    const { spec } = stray.revision;
    const servers = platforms.get(spec.platform.name)?.servers;
    if (!servers) continue;
    const index = spec.physical.index ?? '';
    const facts = (await servers.search.indices([index], signal)).get(index);
    found.set(stray.key, strayError(stray, aliases.get(spec.connection?.destination.alias ?? '') ?? [], facts));
  }
  return found;
}
