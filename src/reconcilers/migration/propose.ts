import { GrueError } from '../../api/errors.ts';
import type { StreamMigration } from '../../api/stream-migration.ts';
import { definitionDigest } from '../../topology/fingerprint.ts';
import { keyOf } from '../../topology/graph.ts';
import { type Plan, type PlanInput, planRevisions } from '../../topology/plan.ts';
import type { TopologyFacts } from '../facts.ts';
import { findMoved } from '../recovery/moved.ts';
import { markedRejections } from '../recovery/rejections.ts';
import { hasFlipped, isMadeBy } from '../references.ts';
import type { Servers } from '../servers.ts';
import { physicalSuffix } from '../suffix.ts';
import { rejectedOf } from '../topology/rejected.ts';
import type { World } from '../world.ts';
import { desiredGraph, namedBy } from './desired.ts';
import { historyCover } from './history.ts';
import type { Proposal } from './snapshot.ts';

/** What the migration would do, by what is desired and what is live now; or why it does nothing. */
export async function propose(
  migration: StreamMigration,
  facts: TopologyFacts,
  platform: string,
  servers: Servers,
  world: World,
  signal: AbortSignal,
): Promise<Proposal> {
  const desired = await desiredGraph(migration, facts, world, signal);
  if (desired.problems.length > 0) return { refused: desired.problems };
  const attempt = migration.status?.attempt ?? 1;
  try {
    const input: PlanInput = {
      namespace: facts.namespace,
      prefix: facts.platforms.get(platform)?.platform?.spec.prefix ?? 'grue',
      platform: { name: platform, kafkaClusterId: servers.kafkaClusterId, elasticsearchUuid: servers.elasticsearchUuid },
      migration: migration.metadata.name,
      attempt,
      desired: desired.graph,
      named: namedBy(migration),
      rebuild: migration.spec.rebuild,
      live: facts.live,
      // What a lost pass has created is found again under the same name.
      revisions: facts.revisions.filter((revision) => !isMadeBy(migration, revision)),
      covers: await historyCover(facts, servers, signal),
      roots: facts.roots,
      accepted: new Map([...facts.definitions.values()].map((definition) => [keyOf(definition), definitionDigest(definition)])),
      suffix: (key) => physicalSuffix(`${migration.metadata.uid}/${attempt}/${key}`),
    };
    const planned = planBack(input, facts) ?? planRevisions(input);
    if ('nothingToDo' in planned) {
      const moved = await findMoved(migration, facts, servers, signal);
      return moved ? { moved } : planned;
    }
    return refuseUnsound(planned.steps) ?? (await refuseRejected(planned.steps, migration, facts, signal)) ?? { plan: planned };
  } catch (error) {
    if (error instanceof GrueError) return { refused: [error] };
    throw error;
  }
}

/**
 * In the soak of another migration blue is still fed: where exactly that is wanted again, readers go back to it and nothing is made. A part
 * of what that migration has replaced cannot go back alone.
 */
function planBack(input: PlanInput, { migrations, revisions }: TopologyFacts): Plan | undefined {
  for (const soaking of migrations.filter(canGoBack)) {
    const replaced = (soaking.status?.plan?.steps ?? []).filter(({ action }) => action === 'Clone');
    const blue = new Set(replaced.map(({ from }) => from));
    const planned = planRevisions({ ...input, retired: revisions.filter(({ metadata }) => blue.has(metadata.name)) });
    if ('nothingToDo' in planned) return undefined;
    const back = new Set(planned.steps.filter(({ action }) => action === 'FlipBack').map(({ to }) => to));
    if (back.size > 0 && replaced.every(({ of, from }) => (from === undefined ? of.kind === 'Stream' : back.has(from)))) return planned;
  }
  return undefined;
}

const canGoBack = (migration: StreamMigration): boolean => {
  const { outcome, ending, pointOfNoReturn } = migration.status ?? {};
  const isOver = outcome !== undefined || ending !== undefined || pointOfNoReturn !== undefined || migration.metadata.deletionTimestamp !== undefined;
  return hasFlipped(migration) && !isOver;
};

/** Blue-green moves readers of a sink; without one that is live there is nothing to move and nothing to prove. */
function refuseUnsound(steps: Plan['steps']): Proposal | undefined {
  if (steps.some(({ of, from, action }) => of.kind === 'Connection' && action !== 'Share' && from !== undefined)) return undefined;
  return {
    refused: [
      new GrueError('GRUE-API-005', 'no sink that is live lies below the named resources, so there are no readers to move', {
        at: 'spec.resources',
        fix: 'attach a sink Connection first',
      }),
    ],
  };
}

/**
 * A definition that was refused before is not tried again by itself: somebody has to say so, or to edit it. What a first attempt of the same
 * name has given up is among it: its status was lost, or it was applied again.
 */
async function refuseRejected(
  steps: Plan['steps'],
  { spec, metadata, status }: StreamMigration,
  facts: TopologyFacts,
  signal: AbortSignal,
): Promise<Proposal | undefined> {
  if (spec.retry > 0) return undefined;
  const isFirst = (status?.attempt ?? 1) === 1;
  const marked = await markedRejections(facts, signal);
  for (const { of, fingerprint, action } of steps) {
    const key = keyOf(of);
    // Also what a migration has given up a moment ago, and the resource does not say yet.
    const known = [...(facts.resources.get(key)?.status?.rejected ?? []), ...(marked.get(key) ?? []), ...rejectedOf(key, [], facts.migrations)];
    const before = action === 'Clone' ? known.find((entry) => entry.fingerprint === fingerprint && (isFirst || entry.migration !== metadata.name)) : undefined;
    if (before)
      return {
        refused: [
          new GrueError('GRUE-MIG-005', `${of.kind}/${of.name} was given up by migration ${before.migration}: ${before.reason}`, {
            fix: 'edit it, or set spec.retry to 1',
          }),
        ],
      };
  }
  return undefined;
}
