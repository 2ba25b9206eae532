import type { GrueError } from '../../api/errors.ts';
import type { Revision, Role } from '../../api/revision.ts';
import type { LogicalResource } from '../facts.ts';

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
  /** The logical resource that it realises; undefined once that is gone. */
  readonly resource: LogicalResource | undefined;
  /** For how long this process has seen that it is gone, in monotonic milliseconds. */
  readonly goneMilliseconds: number;
  /** What still uses it, or may be about to, in words; a migration under way counts. */
  readonly readers: readonly string[];
  /** It is deleted because its namespace is. */
  readonly namespaceEnds: boolean;
  /** For how long its deletion could not be carried out, as far as this process has seen, in milliseconds. */
  readonly blockedMilliseconds: number;
  /** After so long the object is let go. */
  readonly letGoMilliseconds: number;
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
