import type { Revision } from '../api/revision.ts';
import { type Graph, keyOf, type NodeKey } from './graph.ts';
import { isExternal, rootBindings } from './plan-clones.ts';
import type { PlanInput } from './plan-input.ts';

/**
 * The blue Revisions that are what is wanted, if they are so for every node that would be cloned: then readers move back and nothing is
 * made. A part of them is of no use, because a new stage would have to be joined to an old one that others still rely on.
 */
export function flipBackOf(
  { desired, live, retired = [], roots, rebuild }: PlanInput,
  wanted: ReadonlyMap<NodeKey, string>,
  changed: Iterable<NodeKey>,
): ReadonlyMap<NodeKey, Revision> | undefined {
  if (rebuild) return undefined;
  const back = new Map<NodeKey, Revision>();
  for (const key of changed) {
    const found = retired.filter(({ spec }) => keyOf(spec.of) === key && spec.fingerprint === wanted.get(key)).reduce<Revision | undefined>(newer, undefined);
    if (!found) return undefined;
    back.set(key, found);
  }
  const chosen = (key: NodeKey): string | undefined => (back.get(key) ?? live.get(key))?.metadata.name;
  const onOldRoot = (revision: Revision): boolean => rootBindings(revision).some(({ stream, epoch }) => roots.get(`Stream/${stream}`)?.epoch !== epoch);
  return [...back].every(([key, revision]) => isJoined(desired, key, revision, chosen) && !onOldRoot(revision)) ? back : undefined;
}

const newer = (best: Revision | undefined, revision: Revision): Revision => (best && best.spec.number > revision.spec.number ? best : revision);

/** Whether a Revision reads and writes exactly the Revisions that the plan has chosen. Which Revision of an external stream it has does not matter: its fingerprint holds what it uses of it. */
function isJoined(graph: Graph, key: NodeKey, { spec }: Revision, chosen: (key: NodeKey) => string | undefined): boolean {
  const inputs = graph.above(key).filter((above) => !isExternal(graph.nodes.get(above)));
  const output = spec.pipeline?.writes;
  return inputs.every((above) => spec.inputs.includes(chosen(above) ?? '')) && (!output || output.revision === chosen(`Stream/${output.stream}`));
}
