import { GrueError } from '../../api/errors.ts';
import type { NodeKey } from '../../topology/graph.ts';
import type { TopologyFacts } from '../facts.ts';

/** Adds what stands in the way of a first install: an alias that somebody else has made, or an index of that name. */
export async function aliasesFree(facts: TopologyFacts, signal: AbortSignal): Promise<TopologyFacts> {
  const problems = new Map(facts.problems);
  for (const [key, { kind, spec }] of facts.resources) {
    if (kind !== 'Connection' || spec.destination === undefined || isInstalled(key, facts)) continue;
    const servers = facts.platforms.get(spec.platformRef.name)?.servers;
    const { alias } = spec.destination;
    const at = 'spec.destination.alias';
    const unexplained = facts.lost.unexplained.find((one) => one.alias === alias);
    const error =
      unexplained !== undefined
        ? new GrueError('GRUE-ES-007', `readers of ${alias} use index ${unexplained.index}, and ${unexplained.why}`, {
            at,
            fix: 'restore the mark or the Revisions; it is left as it is, and nothing is made beside it',
          })
        : (facts.aliases.get(alias)?.length ?? 0) > 0
          ? new GrueError('GRUE-ES-003', `alias ${alias} exists and was not made by this Connection`, {
              at,
              fix: 'adoption is required: name another alias, or remove it',
            })
          : (await servers?.search.isConcrete(alias, signal))
            ? new GrueError('GRUE-ES-001', `${alias} is an index and cannot become an alias`, { at, fix: 'name another alias, or rename the index' })
            : undefined;
    if (error) problems.set(key, [...(problems.get(key) ?? []), error]);
  }
  return { ...facts, problems };
}

/** Is there a Revision of it that is live, on its way to be, or held by a migration? */
export const isInstalled = (key: NodeKey, { live, revisions, roles }: TopologyFacts): boolean =>
  live.has(key) ||
  revisions.some(
    ({ spec, metadata }) => `${spec.of.kind}/${spec.of.name}` === key && roles.get(metadata.name) !== 'retired' && metadata.deletionTimestamp === undefined,
  );
