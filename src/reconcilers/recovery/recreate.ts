import type { TopologyFacts } from '../facts.ts';
import { isEnding } from '../namespace.ts';
import { createRevision } from '../revision/create.ts';
import type { World } from '../world.ts';

/**
 * Makes the Revisions again that the indices behind our aliases tell of, with their names, definitions and physical names. What they stand for is
 * there and goes on: workers join the same groups. Their statuses follow from what is really there (revision/act.ts).
 */
export async function recreateLost({ namespace, lost }: TopologyFacts, world: World, signal: AbortSignal): Promise<void> {
  // A namespace that ends takes its objects with it, and what they stood for stays: nothing can be made in it any more.
  if (lost.revisions.length === 0 || (await isEnding(namespace, world, signal))) return;
  for (const { metadata, spec } of lost.revisions) {
    await createRevision(namespace, metadata.name, spec, world, signal);
    world.log.warn('recovered a Revision from the mark of an index', { namespace, revision: metadata.name });
  }
}
