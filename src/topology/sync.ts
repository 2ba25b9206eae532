/** How a logical resource relates to what is live: the reasons of its condition `Synced`. */
export type Sync = 'InSync' | 'Pending' | 'LiveAhead' | 'Conflict' | 'Rejected';

/** Three digests, all by `definitionDigest` (fingerprint.ts), and what was refused before. */
export interface SyncInput {
  /** D: of the logical spec. */
  readonly desired: string;
  /** L: of the live definition (`definitionOf` the live Revision). */
  readonly live: string;
  /** A: of the logical spec when the live Revision was made, `spec.accepted`. */
  readonly accepted: string;
  /** Fingerprint that a migration of the logical spec would have, and those that were refused. */
  readonly fingerprint?: string;
  readonly rejected?: readonly string[];
}

/**
 * D = L: InSync. D = A: the live definition was changed inline (by `changes` of a migration), and Git does not have it yet: LiveAhead.
 * Otherwise the logical spec was edited: Pending if the live definition is the accepted one, Conflict if it was changed inline as well.
 */
export function syncOf({ desired, live, accepted, fingerprint, rejected = [] }: SyncInput): Sync {
  if (desired === live) return 'InSync';
  if (desired === accepted) return 'LiveAhead';
  if (live !== accepted) return 'Conflict';
  return fingerprint !== undefined && rejected.includes(fingerprint) ? 'Rejected' : 'Pending';
}
