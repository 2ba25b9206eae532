import type { NodeKey } from '../../topology/graph.ts';
import type { TopologyFacts } from '../facts.ts';
import type { World } from '../world.ts';

/** Milliseconds for which a resource has been unchanged, as far as this process has seen. The first look at a generation begins the count. */
export function settledFor({ resources }: Pick<TopologyFacts, 'resources'>, { memory, clock }: World): (key: NodeKey) => number {
  const now = clock.monotonic();
  for (const { metadata } of resources.values()) {
    if (memory.generations.get(metadata.uid)?.generation !== metadata.generation)
      memory.generations.set(metadata.uid, { generation: metadata.generation, since: now });
  }
  return (key) => {
    const metadata = resources.get(key)?.metadata;
    return metadata === undefined ? Number.POSITIVE_INFINITY : now - (memory.generations.get(metadata.uid)?.since ?? now);
  };
}
