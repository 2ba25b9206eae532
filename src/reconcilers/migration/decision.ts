import type { AliasMove, FenceRecord, MigrationStatus, Phase } from '../../api/stream-migration.ts';
import type { Plan } from '../../topology/plan.ts';
import type { Snapshot } from './snapshot.ts';

/** A pair of indices that must agree before readers move. */
export interface ParityPair {
  readonly alias: string;
  readonly blue: { readonly revision: string; readonly index: string; readonly uuid: string };
  readonly green: { readonly revision: string; readonly index: string; readonly uuid: string };
}

/** What is done to the world. At most one per pass, and each may be repeated without harm. */
export type Effect =
  | { readonly kind: 'Protect'; readonly hold: boolean }
  | { readonly kind: 'CreateRevisions'; readonly plan: Plan }
  | { readonly kind: 'DeleteRevisions'; readonly names: readonly string[] }
  | { readonly kind: 'Measure'; readonly fence: FenceRecord; readonly pairs: readonly ParityPair[] }
  | { readonly kind: 'Flip'; readonly moves: readonly AliasMove[] };

/** What one pass has to say. A decision that records an intent has no effect: the effect is a later pass that reads the intent back. */
export interface Decision {
  readonly phase: Phase;
  /** What is going on and, where it waits, for what: one sentence for people. */
  readonly message: string;
  /** Written to the status: latches, intents, results. */
  readonly record?: Partial<MigrationStatus>;
  readonly effect?: Effect;
  /** Milliseconds until the next pass; 0 is at once; absent: only when something changes. */
  readonly again?: number;
  /** What follows from the record needs no newer facts: it is decided in the same pass, and stored together with it. */
  readonly goesOn?: true;
  /** Set where nobody but a person or another system can make progress. */
  readonly stalled?: { readonly reason: string };
  /** The migration is deleted, and what that asks for is not done yet. */
  readonly blocked?: true;
}

/** A pure function that has nothing to say, or says one thing. */
export type Step = (snapshot: Snapshot) => Decision | undefined;

export const firstDecision = (way: readonly Step[], snapshot: Snapshot): Decision => {
  for (const step of way) {
    const decision = step(snapshot);
    if (decision) return decision;
  }
  return { phase: 'Completed', message: '' };
};

/** How often something that only the servers know is looked at again. */
export const poll = 1_000;

export const waitFor = (phase: Phase, message: string, again?: number): Decision => ({ phase, message, ...(again === undefined ? {} : { again }) });

/** Writes something down, and goes on at once. */
export const note = (phase: Phase, message: string, record: Partial<MigrationStatus>): Decision => ({ phase, message, record, again: 0 });

/** As {@link note}, where what follows from it can be decided with the facts that are there. */
export const noteAndGoOn = (phase: Phase, message: string, record: Partial<MigrationStatus>): Decision => ({ ...note(phase, message, record), goesOn: true });

export const doNow = (phase: Phase, message: string, effect: Effect, again = 0): Decision => ({ phase, message, effect, again });

/** The event of the deletion sets off the next pass. Until it has come the caches show what is deleted, and the same would be done again and again. */
export const deleting = (phase: Phase, message: string, names: readonly string[]): Decision => doNow(phase, message, { kind: 'DeleteRevisions', names }, poll);

export const stall = (phase: Phase, reason: string, message: string, again?: number): Decision => ({
  phase,
  message,
  stalled: { reason },
  ...(again === undefined ? {} : { again }),
});
