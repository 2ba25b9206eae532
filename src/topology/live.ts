import type { Revision, Role } from '../api/revision.ts';
import { keyOf, type NodeKey } from './graph.ts';

/** Where an alias points: concrete index and its uuid. */
export interface AliasedIndex {
  readonly index: string;
  readonly uuid: string;
}

/**
 * The live Revisions, derived and not stored, so that one alias call makes a whole set live at once: the alias holds an index, a Connection
 * Revision made that index, and what it reads, all the way up, is live with it. An index of the same name with another uuid is not ours.
 *
 * A branch without a sink has no alias to say so. Its Revisions are live when all they read is, and when they belong to a first install or
 * to a migration that has flipped (which its other branches show).
 *
 * Of an external stream several Revisions may be live (one consumer was cloned after a column was added, another not): the newest stands here.
 */
export function liveRevisions(revisions: readonly Revision[], aliases: ReadonlyMap<string, readonly AliasedIndex[]>): ReadonlyMap<NodeKey, Revision> {
  const byName = revisionsByName(revisions);
  const sinks = revisions.filter((revision) => isBound(revision, aliases));
  const live = newestOf(withInputs(sinks, byName));
  return addSinkless(live, revisions, byName);
}

function isBound({ spec, status }: Revision, aliases: ReadonlyMap<string, readonly AliasedIndex[]>): boolean {
  const uuid = status?.uuids?.index;
  if (!spec.connection || uuid === undefined) return false;
  return (aliases.get(spec.connection.destination.alias) ?? []).some((target) => target.index === spec.physical.index && target.uuid === uuid);
}

/** Revisions refer to each other by name. */
export const revisionsByName = (revisions: readonly Revision[]): Map<string, Revision> =>
  new Map(revisions.map((revision) => [revision.metadata.name, revision]));

/** The Revisions and all that they read, all the way up. */
function withInputs(revisions: readonly Revision[], byName: ReadonlyMap<string, Revision>): ReadonlySet<Revision> {
  const found = new Set<Revision>();
  const open = [...revisions];
  for (let revision = open.pop(); revision !== undefined; revision = open.pop()) {
    if (found.has(revision)) continue;
    found.add(revision);
    for (const input of revision.spec.inputs) {
      const above = byName.get(input);
      if (above) open.push(above);
    }
  }
  return found;
}

const byNumber = (a: number, b: number): number => a - b;

/** One Revision per resource: the highest by `compare` of the numbers. */
function newestOf(revisions: Iterable<Revision>, compare = byNumber): ReadonlyMap<NodeKey, Revision> {
  const newest = new Map<NodeKey, Revision>();
  for (const revision of revisions) {
    const key = keyOf(revision.spec.of);
    const rival = newest.get(key);
    if (!rival || compare(rival.spec.number, revision.spec.number) < 0) newest.set(key, revision);
  }
  return newest;
}

function addSinkless(
  live: ReadonlyMap<NodeKey, Revision>,
  revisions: readonly Revision[],
  byName: ReadonlyMap<string, Revision>,
): ReadonlyMap<NodeKey, Revision> {
  const feedsSink = withInputs(
    revisions.filter(({ spec }) => spec.of.kind === 'Connection'),
    byName,
  );
  const flipped = flippedMigrations(revisions, live);
  const candidates = revisions.filter(
    (revision) =>
      !feedsSink.has(revision) && !live.has(keyOf(revision.spec.of)) && !isReplacedBelow(revision, live) && flipped.get(revision.spec.migration) !== false,
  );
  const standing = new Set([...withInputs([...live.values()], byName)].map(({ metadata }) => metadata.name));
  const found: Revision[] = [];
  // Each round finds the Revisions whose inputs all stand; a branch of n stages needs n rounds.
  for (let before = -1; before < found.length; ) {
    before = found.length;
    for (const revision of candidates) {
      if (standing.has(revision.metadata.name) || !revision.spec.inputs.every((input) => standing.has(input))) continue;
      standing.add(revision.metadata.name);
      found.push(revision);
    }
  }
  // Those of a migration that nobody knows (its sinks are not made yet, or already gone) stand back: the oldest of them, if there is nothing better.
  const known = newestOf(found.filter(({ spec }) => flipped.get(spec.migration)));
  const unknown = newestOf(
    found.filter(({ spec }) => flipped.get(spec.migration) === undefined),
    (a, b) => b - a,
  );
  return new Map([...unknown, ...known, ...live]);
}

/** Readers have another realisation of the stream that it writes: what it adds to the old one is not seen, whatever the pipeline is called. */
function isReplacedBelow({ spec: { pipeline } }: Revision, live: ReadonlyMap<NodeKey, Revision>): boolean {
  const below = pipeline && live.get(`Stream/${pipeline.writes.stream}`);
  return below !== undefined && below.metadata.name !== pipeline?.writes.revision;
}

/** A migration has flipped if one of its sinks is live, or was before a newer one. After a rollback its sinks are newer than what is live. */
function flippedMigrations(revisions: readonly Revision[], live: ReadonlyMap<NodeKey, Revision>): ReadonlyMap<string, boolean> {
  const flipped = new Map<string, boolean>();
  for (const { spec } of revisions) {
    if (spec.of.kind !== 'Connection') continue;
    const current = live.get(keyOf(spec.of))?.spec.number ?? 0;
    flipped.set(spec.migration, flipped.get(spec.migration) === true || spec.number <= current);
  }
  return flipped.set('', true);
}

export interface RolesInput {
  readonly revisions: readonly Revision[];
  readonly live: ReadonlyMap<NodeKey, Revision>;
  /** What migrations hold, by Revision name. A first install that is under way holds its own as green. */
  readonly references: readonly { readonly revision: string; readonly as: 'green' | 'blue' }[];
}

/** The role of every Revision, by name: the first that applies of live, green, blue, retired. What one reads has its role too, where it has no better one. */
export function roles({ revisions, live, references }: RolesInput): ReadonlyMap<string, Role> {
  const byName = revisionsByName(revisions);
  const held = (as: 'green' | 'blue') => references.filter((reference) => reference.as === as).flatMap(({ revision }) => byName.get(revision) ?? []);
  const found = new Map<string, Role>(revisions.map(({ metadata }) => [metadata.name, 'retired']));
  const assign = (role: Role, to: readonly Revision[]) => {
    for (const { metadata } of withInputs(to, byName)) found.set(metadata.name, role);
  };
  // The stronger role is written last.
  assign('blue', held('blue'));
  assign('green', held('green'));
  assign('live', [...live.values()]);
  return found;
}
