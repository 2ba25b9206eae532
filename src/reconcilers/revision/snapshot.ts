import type { GrueError } from '../../api/errors.ts';
import type { Revision, Role } from '../../api/revision.ts';

/** What a pass over a Revision knows. */
export interface Snapshot {
  readonly revision: Revision;
  readonly now: number;
  /** Undefined while it cannot be told, because the servers cannot be asked. */
  readonly role: Role | undefined;
  readonly unreachable: GrueError | undefined;
  /** A migration that has not moved its readers yet holds it: people watch its columns. */
  readonly watched: boolean;
  /** Another server stands behind the Platform than the one that this Revision was made on. */
  readonly otherServers: string | undefined;
  readonly physical: PhysicalFacts | undefined;
}

export interface PhysicalFacts {
  /** Members of the stage's group; undefined for a Stream. */
  readonly members: number | undefined;
  /** Topics that it reads and that do not exist yet. */
  readonly missingInputs: readonly string[];
  /** Where the alias of a sink points; empty if it does not exist. */
  readonly aliasTargets: readonly string[];
  /** Numbers for people: absent outside of a migration, and left as they are between two looks. */
  readonly columns: { readonly lag: bigint | undefined; readonly rate: number | undefined } | 'AsBefore' | undefined;
  /** A recorded identity that is no longer the one under that name. */
  readonly replaced: string | undefined;
}
