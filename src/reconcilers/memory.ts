import type { GrueError } from '../api/errors.ts';
import type { FenceRecord } from '../api/stream-migration.ts';
import type { Offset } from '../drivers/ports.ts';
import type { OpenIds } from '../parity/change.ts';
import type { LiveFacts } from './facts.ts';
import type { Servers } from './servers.ts';

/** One look at the progress of a group of stages. */
export interface Sample {
  readonly at: number;
  readonly done: Offset;
}

/** Facts that a restarted operator simply gathers again. Nothing here decides whether an effect has happened. */
export interface Memory {
  /** When each object was first seen with its present generation, in monotonic milliseconds. Key: uid. */
  readonly generations: Map<string, { readonly generation: number; readonly since: number }>;
  /** Progress samples. Key: uid of the migration or Revision. */
  readonly samples: Map<string, readonly Sample[]>;
  /** Ids of Change streams that earlier fences left open. Key: uid of the migration, attempt and alias. */
  readonly open: Map<string, OpenIds>;
  /** A recent view of each namespace, shared by passes that come in bursts. */
  readonly views: Map<string, { readonly at: number; readonly versions: string; readonly facts: LiveFacts }>;
  /** When blue was last proven to be at a fresh fence during a soak. Key: uid of the migration. */
  readonly soaks: Map<string, SoakMemory>;
  /** Since when a Revision is in something that passes by itself, in monotonic milliseconds. Key: uid. */
  readonly passing: Map<string, number>;
  /** Since when a deletion cannot be carried out, in monotonic milliseconds. Key: uid of the Revision or migration. */
  readonly blocked: Map<string, number>;
  /** Since when readers are on green, in monotonic milliseconds. Key: uid of the migration. */
  readonly flipped: Map<string, number>;
  /** Since when the logical resource of a Revision is gone, in monotonic milliseconds. Key: uid of the Revision. */
  readonly gone: Map<string, number>;
  /** Which connection the documents of a live sink were last compared over with the ends of their roots, and what was wrong. Key: uid of the Revision. */
  readonly horizons: Map<string, { readonly servers: Servers; readonly error: GrueError | undefined }>;
  /** When the columns of a Revision were last renewed, in monotonic milliseconds. Key: uid. */
  readonly columns: Map<string, number>;
}

export interface SoakMemory {
  /** A fence that blue is being followed to. */
  readonly fence: FenceRecord | undefined;
  /** When the last fence that blue reached was taken, in wall milliseconds. */
  readonly provenAt: number | undefined;
}

export const emptyMemory = (): Memory => ({
  generations: new Map(),
  samples: new Map(),
  open: new Map(),
  views: new Map(),
  soaks: new Map(),
  passing: new Map(),
  blocked: new Map(),
  flipped: new Map(),
  gone: new Map(),
  horizons: new Map(),
  columns: new Map(),
});

const window = 30_000;

/** Adds a sample and forgets those older than half a minute. */
export function remember(samples: readonly Sample[] | undefined, sample: Sample): readonly Sample[] {
  return [...(samples ?? []).filter(({ at }) => sample.at - at <= window), sample];
}

/** Records per second over the samples; undefined while there is too little to tell. */
export function rateOf(samples: readonly Sample[] | undefined): number | undefined {
  const first = samples?.[0];
  const last = samples?.at(-1);
  if (!first || !last || last.at - first.at < 500) return undefined;
  return (Number(last.done - first.done) * 1_000) / (last.at - first.at);
}

/** Drops what is remembered of an object that has come to its end. */
export function forget(memory: Memory, uid: string): void {
  memory.samples.delete(uid);
  memory.soaks.delete(uid);
  memory.passing.delete(uid);
  memory.blocked.delete(uid);
  memory.flipped.delete(uid);
  memory.gone.delete(uid);
  memory.columns.delete(uid);
  memory.horizons.delete(uid);
  for (const key of memory.open.keys()) if (key.startsWith(`${uid}/`)) memory.open.delete(key);
}

/** For how many milliseconds something of an object lasts. */
export const lastsFor = (since: ReadonlyMap<string, number>, uid: string, now: number): number => now - (since.get(uid) ?? now);

/** Starts, goes on or ends that count. */
export function noteLasting(since: Map<string, number>, uid: string, lasts: boolean, now: number): void {
  if (!lasts) since.delete(uid);
  else if (!since.has(uid)) since.set(uid, now);
}
