import type { GrueError } from '../../api/errors.ts';
import type { NodeKey } from '../../topology/graph.ts';
import type { LiveFacts } from '../facts.ts';
import { strayError } from './strays.ts';

/** What others did to aliases and indices of ours, by the sink that it happened to. */
export async function observeDisturbances({ strays, platforms, aliases }: LiveFacts, signal: AbortSignal): Promise<ReadonlyMap<NodeKey, GrueError>> {
  const found = new Map<NodeKey, GrueError>();
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
