import { GrueError } from '../../api/errors.ts';
import type { Revision } from '../../api/revision.ts';
import type { AliasTarget, IndexFacts } from '../../drivers/ports.ts';
import { keyOf, type NodeKey } from '../../topology/graph.ts';
import type { Reference } from '../references.ts';

/** A sink that readers used, until somebody else moved its alias or took its index away. */
export interface Stray {
  readonly key: NodeKey;
  readonly revision: Revision;
  /** The Revision behind the alias now; undefined where none of ours is. */
  readonly instead: Revision | undefined;
}

/**
 * The newest sink Revision that readers have ever used is where the alias was left by us: a rollback removes the newer one. So where the alias
 * is not on it, somebody else has moved it. It goes on being fed: moved back, readers find everything. Who deletes it gives it up.
 */
export function straysAmong(revisions: readonly Revision[], live: ReadonlyMap<NodeKey, Revision>): readonly Stray[] {
  const newest = new Map<NodeKey, Revision>();
  for (const revision of revisions) {
    const { spec, status, metadata } = revision;
    if (!spec.connection || status?.bound !== true || metadata.deletionTimestamp !== undefined) continue;
    if (spec.number > (newest.get(keyOf(spec.of))?.spec.number ?? 0)) newest.set(keyOf(spec.of), revision);
  }
  return [...newest].flatMap(([key, revision]) => {
    const instead = live.get(key);
    return instead === undefined || instead.spec.number < revision.spec.number ? [{ key, revision, instead }] : [];
  });
}

export const held = (strays: readonly Stray[]): readonly Reference[] => strays.map(({ revision }) => ({ revision: revision.metadata.name, as: 'blue' }));

/** What happened to it, and the ways out. Nothing is put back by itself: whoever moved an alias had a reason. */
export function strayError({ revision, instead }: Stray, targets: readonly AliasTarget[], index: IndexFacts | undefined): GrueError {
  const { spec, status, metadata } = revision;
  const alias = spec.connection?.destination.alias ?? '';
  const name = spec.physical.index ?? '';
  const where = targets.map((target) => target.index).join(' and ');
  const anew = `or, to build it anew, remove the alias and delete Revision ${metadata.name}`;
  const at = 'spec.destination.alias';
  if (index === undefined)
    return new GrueError('GRUE-ES-005', `index ${name} of ${metadata.name}, which readers of ${alias} used, does not exist any more`, {
      at,
      fix: where === '' ? `delete Revision ${metadata.name} to build it anew` : `restore it; ${anew}`,
    });
  if (index.uuid !== status?.uuids?.index)
    return new GrueError('GRUE-ES-005', `index ${name} has uuid ${index.uuid}, and ${status?.uuids?.index} was recorded: it was restored or made again`, {
      at,
      fix: `nobody can tell what is missing in it; to build it anew, remove the alias and delete Revision ${metadata.name}`,
    });
  const found = instead ? `is on ${where} of ${instead.metadata.name}` : where === '' ? 'is gone' : `is on ${where}, which is not ours`;
  return new GrueError('GRUE-ES-004', `alias ${alias} ${found}; readers were on ${name} of ${metadata.name}, and no migration has moved them`, {
    at,
    fix: `move the alias back to ${name}, which is still fed; ${instead ? `or, to stay, delete Revision ${metadata.name}` : anew}`,
  });
}
