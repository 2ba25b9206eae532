import type { Connection } from '../api/connection.ts';
import type { GrueError } from '../api/errors.ts';
import type { Pipeline } from '../api/pipeline.ts';
import type { Platform } from '../api/platform.ts';
import type { Revision, Role } from '../api/revision.ts';
import type { Stream } from '../api/stream.ts';
import type { StreamMigration } from '../api/stream-migration.ts';
import type { AliasTarget } from '../drivers/ports.ts';
import type { Definition, Graph, NodeKey } from '../topology/graph.ts';
import type { RootFacts } from '../topology/plan.ts';
import type { Stray } from './recovery/strays.ts';
import type { Servers } from './servers.ts';

export type LogicalResource = Stream | Pipeline | Connection;

/** A Platform as this pass found it: connected, or why not. */
export type PlatformFacts =
  | { readonly platform: Platform; readonly servers: Servers; readonly error?: undefined }
  | { readonly platform?: Platform; readonly servers?: undefined; readonly error: GrueError };

/** What readers use, and Kubernetes does not know any more. */
export interface Lost {
  /** Revisions that the marks of those indices tell of, as they were made; none of them is there. */
  readonly revisions: readonly Revision[];
  /** Identity of the index behind the alias, by the name of the Revision that made it and whose status is lost: its mark says so. */
  readonly recognised: ReadonlyMap<string, string>;
  /** Indices of ours behind an alias whose origin cannot be told. Nothing may be removed while there is one: it could be what feeds it. */
  readonly unexplained: readonly Unexplained[];
}

export interface Unexplained {
  readonly alias: string;
  readonly index: string;
  /** As a part of a sentence: `its mark is damaged at chain.0`. */
  readonly why: string;
}

/** What is live in one namespace, and what is held by migrations. */
export interface LiveFacts {
  readonly namespace: string;
  readonly platforms: ReadonlyMap<string, PlatformFacts>;
  /** Those that are lost and about to be made again included. */
  readonly revisions: readonly Revision[];
  readonly migrations: readonly StreamMigration[];
  /** Where each alias points; aliases of unreachable Platforms are missing. */
  readonly aliases: ReadonlyMap<string, readonly AliasTarget[]>;
  readonly lost: Lost;
  readonly strays: readonly Stray[];
  readonly live: ReadonlyMap<NodeKey, Revision>;
  /** Without those that nothing leads to while that cannot be said for sure. */
  readonly roles: ReadonlyMap<string, Role>;
}

/** All that is known of one namespace at one moment. Immutable; everything else is computed from it. */
export interface TopologyFacts extends LiveFacts {
  readonly resources: ReadonlyMap<NodeKey, LogicalResource>;
  readonly definitions: ReadonlyMap<NodeKey, Definition>;
  readonly graph: Graph;
  /** What is wrong with each logical resource, in the order found. */
  readonly problems: ReadonlyMap<NodeKey, readonly GrueError[]>;
  readonly roots: ReadonlyMap<NodeKey, RootFacts>;
  /** What the live Revisions hold, as logical definitions. */
  readonly liveDefinitions: ReadonlyMap<NodeKey, Definition>;
}

export const keyOfResource = (resource: LogicalResource): NodeKey => `${resource.kind}/${resource.metadata.name}`;
