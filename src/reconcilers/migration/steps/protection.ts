import { type Decision, doNow } from '../decision.ts';
import type { Snapshot } from '../snapshot.ts';

/** Holds a deleted migration until what it has begun is ended. */
export const finalizer = 'grue.dev/migration';

export const isProtected = ({ migration }: Pick<Snapshot, 'migration'>): boolean => migration.metadata.finalizers?.includes(finalizer) ?? false;

/** The finalizer comes before the first thing that a deletion would leave behind. */
export const protect: Decision = doNow('Planning', 'protecting the migration', { kind: 'Protect', hold: true });

export const release = (message: string): Decision => doNow('Aborted', message, { kind: 'Protect', hold: false });
