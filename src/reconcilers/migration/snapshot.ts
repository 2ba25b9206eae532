import type { GrueError } from '../../api/errors.ts';
import type { Request } from '../../api/requests.ts';
import type { Revision } from '../../api/revision.ts';
import type { MigrationStatus, StreamMigration } from '../../api/stream-migration.ts';
import type { AliasTarget, Offset } from '../../drivers/ports.ts';
import type { FenceInput } from '../../parity/fence.ts';
import type { Plan } from '../../topology/plan.ts';
import type { FoundMoved } from '../recovery/moved.ts';

/** What a pass knows, gathered once and never changed. The plan is a pure function of it. */
export interface Snapshot {
  readonly migration: StreamMigration;
  /** Stored status; empty at first. */
  readonly status: MigrationStatus;
  /** Wall time in milliseconds. */
  readonly now: number;
  /** A request that has not been answered yet, or why it cannot be understood. */
  readonly request: { readonly ask: Request } | { readonly id: string; readonly error: GrueError } | undefined;
  /** Why the named resources are not ready to be planned; empty when they are. */
  readonly unsettled: readonly Unsettled[];
  /** Other unfinished migrations over some of the same resources. */
  readonly rivals: readonly Rival[];
  /** Of one that has failed: the next one over some of the same resources that has a plan, or found nothing to do. */
  readonly newer: string | undefined;
  /** What would be done if it were planned now; absent once the plan is frozen in its Revisions. */
  readonly proposal: Proposal | undefined;
  /** Revisions by name. */
  readonly revisions: ReadonlyMap<string, Revision>;
  /** Where each alias of the plan points. */
  readonly aliases: ReadonlyMap<string, readonly AliasTarget[]>;
  /** How far the stages of both colours are; absent before green runs. */
  readonly progress: Progress | undefined;
  /** Why the servers cannot be asked. */
  readonly unreachable: GrueError | undefined;
  /** For how long this process has seen readers on green, in monotonic milliseconds. */
  readonly flippedMilliseconds: number;
  /** What the soak has shown so far. */
  readonly soak: SoakFacts | undefined;
  /** It is deleted, and a resource does not say yet that it gave a definition of it up. */
  readonly unremembered: boolean;
  /** It is deleted because its namespace is. */
  readonly namespaceEnds: boolean;
  /** For how long its deletion could not be carried out, as far as this process has seen, in milliseconds. */
  readonly blockedMilliseconds: number;
  /** After so long the object is let go. */
  readonly letGoMilliseconds: number;
}

export interface Unsettled {
  readonly reason: 'Settling' | 'WaitingForInputs' | 'WaitingForBase';
  readonly message: string;
}

export interface Rival {
  readonly name: string;
  /** Made after this one. */
  readonly newer: boolean;
  /** It could be planned, and says that it waits for this one. */
  readonly waitsForUs: boolean;
  /** It has a plan, and with it the resources. */
  readonly planned: boolean;
  /** Its readers have moved, so only it can go on. */
  readonly flipped: boolean;
  /** Its plan is to make live again what this one has replaced. */
  readonly goesBack: boolean;
}

export type Proposal =
  | { readonly plan: Plan }
  /** Its readers have moved already, and its status does not know it any more. */
  | { readonly moved: FoundMoved }
  | { readonly nothingToDo: string }
  | { readonly refused: readonly GrueError[] };

export interface Progress {
  readonly fenceInput: FenceInput;
  /** Records that stages of green have not processed yet; undefined while a position is missing. */
  readonly lag: Offset | undefined;
  /** Records per second that green processes; undefined while there is too little to tell. */
  readonly rate: number | undefined;
  /** Seconds until green is expected to reach the end; undefined while unknown. */
  readonly eta: number | undefined;
  /** What is wrong with a stage of either colour, as its workers report it. */
  readonly unhealthy: readonly string[];
}

export interface SoakFacts {
  /** Seconds since blue was last proven to be at a fresh fence; undefined while it has not been. */
  readonly blueProvenSecondsAgo: number | undefined;
  readonly unhealthy: readonly string[];
  /** Searches that are still open on blue indices. */
  readonly openSearches: number;
  /** Workers that still run sinks of blue; looked at in the teardown. */
  readonly members: number;
}
