import type { Client, estypes } from '@elastic/elasticsearch';
import { GrueError } from '../../api/errors.ts';
import type { AliasMove } from '../../api/stream-migration.ts';
import type { AliasTarget, FlipResult } from '../ports.ts';
import { targetsOf } from './aliases.ts';
import { request } from './errors.ts';
import { type Placement, placements } from './indices.ts';

type Placements = ReadonlyMap<string, Placement>;

/** How the one call ended. Unknown: it may have been done, may still be done, or may never have arrived. */
type Call = { readonly ended: 'Done' } | { readonly ended: 'Refused' | 'Unknown'; readonly why: string };

/**
 * Moves all aliases in one cluster-state update. Three requests when nothing goes wrong: look, move, look again.
 *
 * @param timeoutMilliseconds of one request; the server is given less, so that normally it is the server that says it took too long
 * @returns what the second look shows, whatever the call itself said. `milliseconds` is from sending the call to the end of that look; 0 if all had moved before
 * @throws GrueError GRUE-PLT-003 when there is no second look; then nothing may be assumed
 */
export async function flip(client: Client, moves: readonly AliasMove[], timeoutMilliseconds: number, signal: AbortSignal): Promise<FlipResult> {
  const look = () =>
    placements(
      client,
      moves.flatMap(({ alias, from, to }) => [alias, from.index, to.index]),
      signal,
    );
  const before = await look();
  if (moves.every(isDone(before))) return { moved: true, milliseconds: 0 };
  const obstacle = firstObstacle(moves, before);
  if (obstacle !== undefined) return { moved: false, reason: obstacle.line };

  const sent = performance.now();
  const call = await move(client, moves, before, timeoutMilliseconds, signal);
  if (call.ended === 'Unknown') await untilSettled(client, timeoutMilliseconds, signal);
  const after = await look();
  if (moves.every(isDone(after))) return { moved: true, milliseconds: performance.now() - sent };
  if (call.ended === 'Unknown') return { moved: false, reason: `the call was not confirmed (${call.why}) and the aliases have not moved`, mayStillMove: true };
  return { moved: false, reason: call.ended === 'Refused' ? call.why : (firstObstacle(moves, after)?.line ?? 'the aliases have not moved') };
}

const isAt = (target: AliasTarget, place: AliasMove['to']): boolean => target.index === place.index && target.uuid === place.uuid;

/** Exactly one target, and it is the wanted one: an alias on two indices shows readers both. */
const isDone =
  (found: Placements) =>
  ({ alias, to }: AliasMove): boolean => {
    const [target, ...others] = targetsOf(alias, found);
    return target !== undefined && others.length === 0 && isAt(target, to);
  };

function firstObstacle(moves: readonly AliasMove[], found: Placements): GrueError | undefined {
  for (const { alias, from, to } of moves) {
    for (const { index, uuid } of [from, to]) {
      const actual = found.get(index)?.uuid;
      if (actual === undefined) return new GrueError('GRUE-ES-005', `index ${index} does not exist`);
      if (actual !== uuid) return new GrueError('GRUE-ES-005', `index ${index} has the uuid ${actual}, not ${uuid}`);
    }
    const targets = targetsOf(alias, found);
    if (targets.length !== 1 || !targets.every((target) => isAt(target, from))) {
      const where = targets.map((target) => target.index).join(' and ') || 'nothing';
      return new GrueError('GRUE-ES-004', `alias ${alias} is on ${where}, not on ${from.index}`);
    }
  }
  return undefined;
}

async function move(client: Client, moves: readonly AliasMove[], before: Placements, timeoutMilliseconds: number, signal: AbortSignal): Promise<Call> {
  const within = `${Math.ceil(timeoutMilliseconds / 3)}ms`;
  const actions = moves.flatMap((one) => actionsOf(one, before));
  const call = () => client.indices.updateAliases({ actions, timeout: within, master_timeout: within }, { signal });
  try {
    const { acknowledged } = await request(`moving ${moves.map(({ alias }) => alias).join(', ')}`, signal, call, REFUSALS);
    return acknowledged ? { ended: 'Done' } : { ended: 'Unknown', why: 'not all nodes acknowledged in time' };
  } catch (error) {
    if (!(error instanceof GrueError) || error.code === 'GRUE-PLT-005') throw error;
    return error.code === 'GRUE-PLT-003' ? { ended: 'Unknown', why: error.message } : { ended: 'Refused', why: error.line };
  }
}

const REFUSALS = { aliases_not_found_exception: 'GRUE-ES-004', index_not_found_exception: 'GRUE-ES-005' } as const;

/** `must_exist` makes the whole call fail if somebody else has moved the alias since we looked. No index is ever deleted here: searches in flight would fail. */
function actionsOf({ alias, from, to }: AliasMove, before: Placements): estypes.IndicesUpdateAliasesAction[] {
  const { filter, indexRouting, searchRouting, isHidden, isWriteIndex } = before.get(from.index)?.aliases.get(alias) ?? {};
  return [
    { remove: { index: from.index, alias, must_exist: true } },
    {
      add: {
        index: to.index,
        alias,
        ...(filter === undefined ? {} : { filter }),
        ...(indexRouting === undefined ? {} : { index_routing: indexRouting }),
        ...(searchRouting === undefined ? {} : { search_routing: searchRouting }),
        ...(isHidden === undefined ? {} : { is_hidden: isHidden }),
        ...(isWriteIndex === undefined ? {} : { is_write_index: isWriteIndex }),
      },
    },
  ];
}

/**
 * Waits until the master has nothing left to do that was queued before, our call included if it has arrived. A failure
 * says nothing more than the look that follows does.
 */
async function untilSettled(client: Client, timeoutMilliseconds: number, signal: AbortSignal): Promise<void> {
  const within = `${Math.ceil(timeoutMilliseconds / 2)}ms`;
  await client.cluster
    .health({ wait_for_events: 'languid', timeout: within, master_timeout: within, filter_path: ['timed_out'] }, { signal })
    .catch(() => undefined);
  signal.throwIfAborted();
}
