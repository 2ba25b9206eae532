import { GrueError } from '../api/errors.ts';
import type { Binding, Revision } from '../api/revision.ts';
import { closure, pulledBy } from './closure.ts';
import type { Definition, Graph, NodeKey } from './graph.ts';
import type { PlanInput } from './plan-input.ts';
import { differenceOf, pulledReason } from './plan-reasons.ts';

/** Nodes to clone, each with the reason that people are told: the node's own change where it has one, else the neighbour that pulls it in. */
export type Clones = ReadonlyMap<NodeKey, string>;

type Wanted = ReadonlyMap<NodeKey, string>;
type Reasons = ReadonlyMap<NodeKey, string>;

/** What differs from live in the scope of the named resources, and what has to come along with it. Nothing above is judged yet. */
export function changedClosure(input: PlanInput, wanted: Wanted): Clones {
  const { desired, live } = input;
  const outdated = stagesOnOldRoots(input);
  const differs = (key: NodeKey): boolean => outdated.has(key) || live.get(key)?.spec.fingerprint !== wanted.get(key);
  const seeds = seedsOf(input, differs);
  const scope = closure(desired, seeds);
  const inScope = desired.order.filter((key) => scope.has(key));
  const own = inScope.flatMap((key) => {
    const why = ownReason(input, outdated, input.rebuild && seeds.includes(key), differs(key), key);
    return why === undefined ? [] : [[key, why] as const];
  });
  const clones = spread(desired, own);
  const left = inScope.filter((key) => differs(key) && !clones.has(key)).map((key) => [key, 'something above it changed'] as const);
  return spread(desired, [...clones, ...left]);
}

/** A named external stream stands for its readers: for those that its change matters to, or for all of them in a rebuild. */
function seedsOf({ desired, named, rebuild }: PlanInput, differs: (key: NodeKey) => boolean): readonly NodeKey[] {
  return named.flatMap((key) => {
    const definition = desired.nodes.get(key);
    if (!definition) throw new GrueError('GRUE-API-002', `the migration names ${key}, which does not exist`, { at: 'spec.resources' });
    return isExternal(definition) ? desired.below(key).filter((reader) => rebuild || differs(reader)) : [key];
  });
}

/** What is to be said of a node by itself; nothing where it only follows a neighbour. */
function ownReason({ desired, live }: PlanInput, outdated: Reasons, rebuilt: boolean, differs: boolean, key: NodeKey): string | undefined {
  const definition = desired.nodes.get(key);
  if (!definition) return undefined;
  const current = live.get(key);
  if (!current) return 'no Revision of it is live';
  const difference = differs ? (outdated.get(key) ?? differenceOf(desired, definition, current)) : '';
  if (difference !== '') return difference;
  return rebuilt ? 'a rebuild was asked for' : undefined;
}

/** Clones pull in their neighbours, breadth first, so that each is told the nearest cause. */
function spread(graph: Graph, own: Iterable<readonly [NodeKey, string]>): Clones {
  const clones = new Map(own);
  // A map goes on to iterate over what is added to it meanwhile.
  for (const key of clones.keys()) {
    for (const pulled of pulledBy(graph, key)) if (!clones.has(pulled)) clones.set(pulled, pulledReason(graph, pulled, key));
  }
  return clones;
}

/**
 * The clones, and as much above them as has to be made anew because it cannot be shared: it is not live as wanted, its root was replaced, or
 * its topic no longer holds the history.
 * @throws GrueError GRUE-MIG-007 when that leads up to a root whose topic does not hold the history either
 */
export function withUnsharable(input: PlanInput, wanted: Wanted, changed: Clones): Clones {
  const { desired } = input;
  const outdated = stagesOnOldRoots(input);
  let clones = changed;
  for (let before = -1; before < clones.size; ) {
    before = clones.size;
    for (const [key, above] of inputsOutside(desired, clones)) {
      if (clones.has(above)) continue;
      const why = whyNotShared(input, wanted, outdated, above, key);
      if (why !== undefined) clones = spread(desired, [...clones, [above, why]]);
    }
  }
  return clones;
}

const inputsOutside = (graph: Graph, clones: Clones): readonly (readonly [NodeKey, NodeKey])[] =>
  [...clones.keys()].flatMap((key) => graph.above(key).flatMap((above) => (clones.has(above) ? [] : [[key, above] as const])));

function whyNotShared(
  { desired, live, covers, migration }: PlanInput,
  wanted: Wanted,
  outdated: Reasons,
  stream: NodeKey,
  reader: NodeKey,
): string | undefined {
  const current = live.get(stream);
  const holds = migration === '' || !current || covers(current);
  if (isExternal(desired.nodes.get(stream))) {
    if (holds) return undefined;
    const message = `the topic ${current?.spec.physical.topic} of ${stream} no longer holds the history that ${reader} was built from`;
    throw new GrueError('GRUE-MIG-007', message, {
      fix: 'a clone would start later than blue and lose documents; restore the records, or make a new Connection with an alias of its own',
    });
  }
  if (!current) return 'no Revision of it is live';
  if (outdated.has(stream)) return outdated.get(stream);
  if (current.spec.fingerprint !== wanted.get(stream)) return 'what is live differs from what is wanted';
  return holds ? undefined : `its topic no longer holds the history that ${reader} needs`;
}

/** Live stages that were bound to a root whose topic has been replaced since, and all that they feed; with the reason. */
function stagesOnOldRoots({ desired, live, roots }: PlanInput): Reasons {
  const outdated = new Map<NodeKey, string>();
  for (const key of desired.order) {
    const revision = live.get(key);
    if (!revision) continue;
    const old = rootBindings(revision).find(({ stream, epoch }) => (roots.get(`Stream/${stream}`)?.epoch ?? epoch) !== epoch);
    if (old) outdated.set(key, `the topic behind Stream/${old.stream} was replaced`);
    const above = desired.above(key).find((input) => outdated.has(input));
    if (above && !outdated.has(key)) outdated.set(key, outdated.get(above) ?? '');
  }
  return outdated;
}

/** The external streams that a Revision reads, as it was bound to them. */
export function rootBindings({ spec }: Revision): readonly Binding[] {
  return [...(spec.pipeline?.reads ?? []), ...(spec.connection ? [spec.connection.reads] : [])].filter(({ root }) => root);
}

export const isExternal = (definition: Definition | undefined): boolean => definition?.kind === 'Stream' && definition.spec.external !== undefined;
