import { z } from 'zod';
import { kindOfResource } from '../../api/common.ts';
import { keyOf, type NodeKey } from '../../topology/graph.ts';
import type { LiveFacts } from '../facts.ts';
import { knownMark } from './mark.ts';

/**
 * The highest number of each resource that the servers know of and that no Revision has. What was retired or orphaned under it is still there,
 * so the next Revision must not have it again.
 */
export async function takenNumbers({ namespace, platforms, revisions }: LiveFacts, signal: AbortSignal): Promise<ReadonlyMap<NodeKey, number>> {
  const there = new Set(revisions.map(({ metadata }) => metadata.name));
  const taken = new Map<NodeKey, number>();
  for (const { platform, servers } of platforms.values()) {
    if (!servers) continue;
    const noted = (await servers.registry.entries(signal)).filter((entry) => entry.namespace === namespace).map(({ revision }) => revision);
    const marked = (await servers.search.marked(platform.spec.prefix, signal)).flatMap(({ meta }) => {
      const mark = knownMark(meta);
      if (mark?.namespace !== namespace) return [];
      return [mark.revision, ...(mark.chain ?? []).map(({ name }) => name)];
    });
    for (const name of [...noted, ...marked]) {
      const part = there.has(name) ? undefined : partsOf(name);
      if (part) taken.set(part.key, Math.max(taken.get(part.key) ?? 0, part.number));
    }
  }
  return taken;
}

const lowerKinds = new Map(kindOfResource.options.map((kind) => [kind.toLowerCase(), kind]));
const wholeNumber = z.coerce.number().int().min(1).max(1_000_000_000);

/** `pipeline-delays-2` is number 2 of Pipeline/delays. */
function partsOf(revision: string): { readonly key: NodeKey; readonly number: number } | undefined {
  const [, prefix = '', name = '', digits] = /^([a-z]+)-(.+)-([0-9]+)$/.exec(revision) ?? [];
  const kind = lowerKinds.get(prefix);
  const number = wholeNumber.safeParse(digits);
  return kind && number.success ? { key: keyOf({ kind, name }), number: number.data } : undefined;
}
