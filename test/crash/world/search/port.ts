import { GrueError } from '../../../../src/api/errors.ts';
import type { AliasMove } from '../../../../src/api/stream-migration.ts';
import { writerAlias } from '../../../../src/drivers/elasticsearch/indices.ts';
import type { SearchCluster } from '../../../../src/drivers/ports.ts';
import { claims } from './claims.ts';
import { type Indices, requireIndex } from './indices.ts';
import { openView } from './view.ts';

/** Calls that the real driver makes of a look and a command: what the look has found may be past when the command arrives. */
export type SearchCommand = 'bindAlias' | 'flip' | 'deleteIndex' | 'remark';

/** Everything behind the port. */
export interface Nodes {
  readonly clusterUuid: string;
  readonly indices: Indices;
  readonly down: () => boolean;
  readonly onTheWay?: ((command: SearchCommand) => Promise<void>) | undefined;
}

/** The port over nodes in memory. What a call does is done in the call itself; its answer comes later. */
export function searchPort({ clusterUuid, indices, down, onTheWay }: Nodes): SearchCluster {
  /** Fails as a call does before it is carried out. */
  const reach = (signal: AbortSignal): void => {
    signal.throwIfAborted();
    if (down()) throw unreachable();
  };
  /** The time between the look and the arrival of the command. */
  const sent = async (command: SearchCommand): Promise<void> => {
    if (onTheWay === undefined) return;
    await onTheWay(command);
    if (down()) throw unreachable();
  };
  return {
    clusterUuid: async (signal) => {
      reach(signal);
      return clusterUuid;
    },
    indices: async (names, signal) => {
      reach(signal);
      const found = [...new Set(names)].flatMap((name) => indices.get(name) ?? []);
      return new Map(found.map((index) => [index.name, index.facts]));
    },
    marked: async (prefix, signal) => {
      reach(signal);
      return indices
        .all()
        .map(({ facts }) => facts)
        .filter(({ name, meta }) => name.startsWith(`${prefix}.`) && meta !== undefined && 'grue' in meta);
    },
    remark: async (name, uuid, mark, signal) => {
      reach(signal);
      const { meta } = requireIndex(name, uuid, indices.get(name)).facts;
      await sent('remark');
      const index = indices.get(name);
      if (index === undefined) throw new GrueError('GRUE-ES-005', `marking index ${name}: no such index [${name}]`);
      index.mappings = { ...index.mappings, _meta: { ...meta, grue: mark } };
    },
    aliases: async (names, signal) => {
      reach(signal);
      return new Map(names.map((name) => [name, indices.targets(name)]));
    },
    isConcrete: async (name, signal) => {
      reach(signal);
      return indices.get(name) !== undefined;
    },
    createIndex: async (spec, signal) => {
      reach(signal);
      if (indices.get(spec.name)) return 'Exists';
      indices.make(spec).aliases.set(writerAlias(spec.name), { isHidden: true });
      return 'Created';
    },
    bindAlias: async (alias, name, uuid, signal) => {
      reach(signal);
      requireIndex(name, uuid, indices.get(name));
      if (indices.get(alias))
        throw new GrueError('GRUE-ES-001', `${alias} is an index`, { fix: 'choose another alias, or reindex and delete that index first' });
      refuseElsewhere(indices, alias, name);
      if (indices.get(name)?.aliases.has(alias)) return;
      await sent('bindAlias');
      const index = indices.get(name);
      if (index === undefined) throw new GrueError('GRUE-ES-005', `binding alias ${alias} to ${name}: no such index [${name}]`);
      indices.moveAliases([alias], () => index.aliases.set(alias, {}));
      try {
        requireIndex(name, uuid, index);
        refuseElsewhere(indices, alias, name);
      } catch (error) {
        indices.moveAliases([alias], () => index.aliases.delete(alias));
        throw error;
      }
    },
    refresh: async (names, signal) => {
      reach(signal);
      const absent = names.find((name) => indices.get(name) === undefined);
      if (absent !== undefined) throw new GrueError('GRUE-ES-005', `refreshing ${names.join(', ')}: no such index [${absent}]`);
      for (const name of names) indices.get(name)?.refresh();
    },
    view: async (name, uuid, signal) => {
      reach(signal);
      return openView(indices, requireIndex(name, uuid, indices.get(name)), reach);
    },
    flip: async (moves, signal) => {
      reach(signal);
      if (moves.every((move) => isDone(indices, move))) return { moved: true, milliseconds: 0 };
      const obstacle = firstObstacle(indices, moves);
      if (obstacle) return { moved: false, reason: obstacle.line };
      const properties = moves.map(({ alias, from }) => indices.get(from.index)?.aliases.get(alias) ?? {});
      await sent('flip');
      const refusal = refusalOf(indices, moves);
      if (refusal) return { moved: false, reason: refusal.line };
      const aliases = moves.map(({ alias }) => alias);
      indices.moveAliases(aliases, () => {
        for (const [n, { alias, from, to }] of moves.entries()) {
          indices.get(from.index)?.aliases.delete(alias);
          indices.get(to.index)?.aliases.set(alias, properties[n]!);
        }
      });
      if (moves.every((move) => isDone(indices, move))) return { moved: true, milliseconds: 1 };
      return { moved: false, reason: firstObstacle(indices, moves)?.line ?? 'the aliases have not moved' };
    },
    searchActivity: async (name, signal) => {
      reach(signal);
      const index = indices.get(name);
      if (index === undefined) throw new GrueError('GRUE-ES-005', `reading search statistics of ${name}: no such index [${name}]`);
      return { openContexts: index.contexts, queries: index.queries };
    },
    deleteIndex: async (name, uuid, signal) => {
      reach(signal);
      const index = indices.get(name);
      if (index === undefined) return 'Absent';
      if (index.uuid !== uuid) return 'OtherIdentity';
      await sent('deleteIndex');
      if (indices.get(name) === undefined) return 'Absent';
      indices.remove(name);
      return 'Deleted';
    },
    ...claims(indices, reach),
    close: async () => {},
  };
}

export const unreachable = (): GrueError => new GrueError('GRUE-PLT-003', 'Elasticsearch in memory cannot be reached: it is down');

/** Exactly one target, and it is the wanted one. */
function isDone(indices: Indices, { alias, to }: AliasMove): boolean {
  const targets = indices.targets(alias);
  return targets.length === 1 && targets[0]?.index === to.index && targets[0].uuid === to.uuid;
}

function firstObstacle(indices: Indices, moves: readonly AliasMove[]): GrueError | undefined {
  for (const { alias, from, to } of moves) {
    for (const { index, uuid } of [from, to]) {
      const actual = indices.get(index)?.uuid;
      if (actual === undefined) return new GrueError('GRUE-ES-005', `index ${index} does not exist`);
      if (actual !== uuid) return new GrueError('GRUE-ES-005', `index ${index} has the uuid ${actual}, not ${uuid}`);
    }
    if (isDone(indices, { alias, from, to: from })) continue;
    const where =
      indices
        .targets(alias)
        .map(({ index }) => index)
        .join(' and ') || 'nothing';
    return new GrueError('GRUE-ES-004', `alias ${alias} is on ${where}, not on ${from.index}`);
  }
  return undefined;
}

/** What the server itself looks at when the command arrives: names, and that each alias is where it is taken from. */
function refusalOf(indices: Indices, moves: readonly AliasMove[]): GrueError | undefined {
  for (const { alias, from, to } of moves) {
    const gone = [from, to].find(({ index }) => indices.get(index) === undefined);
    if (gone) return new GrueError('GRUE-ES-005', `moving ${alias}: no such index [${gone.index}]`);
    if (!indices.get(from.index)?.aliases.has(alias)) return new GrueError('GRUE-ES-004', `moving ${alias}: aliases [${alias}] missing`);
  }
  return undefined;
}

function refuseElsewhere(indices: Indices, alias: string, index: string): void {
  const other = indices.targets(alias).find((target) => target.index !== index);
  if (other) throw new GrueError('GRUE-ES-003', `alias ${alias} is on ${other.index}`, { fix: 'remove the alias, or choose another one' });
}
