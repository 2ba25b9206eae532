import { GrueError } from '../../api/errors.ts';
import type { Change, StreamMigration } from '../../api/stream-migration.ts';
import { closure } from '../../topology/closure.ts';
import { applyChange } from '../../topology/definition.ts';
import { definitionDigest } from '../../topology/fingerprint.ts';
import { buildGraph, type Definition, type Graph, keyOf, type NodeKey } from '../../topology/graph.ts';
import { type Sync, syncOf } from '../../topology/sync.ts';
import { failureOf } from '../coded.ts';
import type { TopologyFacts } from '../facts.ts';
import { checkPipeline } from '../observe-topology.ts';
import type { World } from '../world.ts';

/** What is to be live after a migration, and what is wrong with it. */
export interface Desired {
  readonly graph: Graph;
  readonly problems: readonly GrueError[];
}

export const namedBy = ({ spec }: StreamMigration): readonly NodeKey[] => [...new Set([...(spec.resources ?? []), ...(spec.changes ?? [])].map(keyOf))];

/** What a migration touches by its names alone: the closure, and what above it is not live yet. */
export function territory(migration: StreamMigration, facts: TopologyFacts): ReadonlySet<NodeKey> {
  const members = new Set(
    closure(
      facts.graph,
      namedBy(migration).filter((key) => facts.graph.nodes.has(key)),
    ),
  );
  const open = [...members];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    for (const above of facts.graph.above(key)) {
      if (members.has(above) || facts.live.has(above)) continue;
      members.add(above);
      open.push(above);
    }
  }
  return members;
}

/**
 * The closure of the named resources as their logical specs say, everything else as it is live, also what nobody asks for any more, except
 * for pipelines that write into the closure. A sink that has never been live is left
 * to its first install: there is nothing to compare it with, and no reader to move.
 */
export async function desiredGraph(migration: StreamMigration, facts: TopologyFacts, world: World, signal: AbortSignal): Promise<Desired> {
  const closureKeys = territory(migration, facts);
  const changed = new Set((migration.spec.changes ?? []).map(keyOf));
  const definitions = new Map<NodeKey, Definition>();
  const problems: GrueError[] = [];
  for (const [key, definition] of facts.liveDefinitions) {
    const rolledOut = closureKeys.has(key) && !changed.has(key) && facts.definitions.has(key);
    const sync = rolledOut && !migration.spec.allowRevert ? relation(key, facts) : undefined;
    if (isDroppedWriter(definition, closureKeys, facts)) continue;
    // What went live by `changes` and is not in the spec yet was asked for; that nobody has edited the spec is no wish to undo it.
    if (!rolledOut || sync === 'LiveAhead') definitions.set(key, definition);
    if (sync === 'Conflict') problems.push(conflict(key));
  }
  for (const key of closureKeys) {
    const definition = facts.definitions.get(key);
    if (definition === undefined || definitions.has(key)) continue;
    if (definition.kind === 'Connection' && !facts.live.has(key)) continue;
    definitions.set(key, definition);
  }
  for (const change of migration.spec.changes ?? []) await applyTo(definitions, change, problems, world, signal);
  const { graph, problems: ofGraph } = buildGraph([...definitions.values()]);
  problems.push(...ofGraph.map(({ error }) => error));
  for (const definition of definitions.values()) {
    if (definition.kind !== 'Pipeline' || !closureKeys.has(keyOf(definition))) continue;
    await collect(problems, () => checkPipeline(definition.spec.sql, definition.outline, definitions, world, signal));
  }
  return { graph, problems };
}

/** Nobody asks for it any more, and the stream that it writes is made anew without it: what that changes is for the gates to show. */
const isDroppedWriter = (definition: Definition, closureKeys: ReadonlySet<NodeKey>, { resources }: TopologyFacts): boolean =>
  definition.kind === 'Pipeline' && !resources.has(keyOf(definition)) && closureKeys.has(`Stream/${definition.outline.output}`);

function relation(key: NodeKey, { live, definitions, liveDefinitions }: TopologyFacts): Sync | undefined {
  const [desired, current, accepted] = [definitions.get(key), liveDefinitions.get(key), live.get(key)?.spec.accepted];
  if (!desired || !current || accepted === undefined) return undefined;
  return syncOf({ desired: definitionDigest(desired), live: definitionDigest(current), accepted });
}

const conflict = (key: NodeKey): GrueError =>
  new GrueError('GRUE-MIG-009', `${key} was edited, and what is live of it was changed by a migration since`, {
    at: 'spec.resources',
    fix: 'bring the live change into the spec of the resource, or set spec.allowRevert',
  });

async function applyTo(definitions: Map<NodeKey, Definition>, change: Change, problems: GrueError[], world: World, signal: AbortSignal): Promise<void> {
  const key = keyOf(change);
  const base = definitions.get(key);
  if (base === undefined) {
    problems.push(new GrueError('GRUE-API-002', `${key} is not live, so there is nothing to change`, { at: 'spec.changes', fix: 'edit the resource itself' }));
    return;
  }
  await collect(problems, async () => {
    const changed = applyChange(base, change);
    definitions.set(key, changed.kind === 'Pipeline' ? { ...changed, outline: await world.sql.outline(changed.spec.sql, signal) } : changed);
  });
}

async function collect(problems: GrueError[], work: () => Promise<void>): Promise<void> {
  const problem = await failureOf(work);
  if (problem) problems.push(problem);
}
