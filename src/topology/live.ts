import type { Revision, Role } from '../api/revision.ts';
import type { NodeKey } from './graph.ts';

/** Where an alias points: concrete index and its uuid. */
export interface AliasedIndex {
  readonly index: string;
  readonly uuid: string;
}

/** The live Revisions, derived: alias -> index -> Connection Revision -> its inputs, upwards. */
export function liveRevisions(_revisions: readonly Revision[], _aliases: ReadonlyMap<string, readonly AliasedIndex[]>): ReadonlyMap<NodeKey, Revision> {
  throw new Error('under construction');
}

export interface RolesInput {
  readonly revisions: readonly Revision[];
  readonly live: ReadonlyMap<NodeKey, Revision>;
  /** What migrations hold, by Revision name. */
  readonly references: readonly { readonly revision: string; readonly as: 'green' | 'blue' }[];
}

/** The role of every Revision, by name: the first that applies of live, green, blue, retired. What a green or blue one reads has its role, where it is not live. */
export function roles(_input: RolesInput): ReadonlyMap<string, Role> {
  throw new Error('under construction');
}
