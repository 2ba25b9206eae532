import type { FenceRecord } from '../api/stream-migration.ts';
import type { Offset, Offsets } from '../drivers/ports.ts';

/** One pipeline or sink Revision. */
export interface StageFacts {
  readonly revision: string;
  /** Topics. */
  readonly reads: readonly string[];
  /** Topic; a sink has none. */
  readonly writes?: string;
  /** Per topic that it reads. */
  readonly committed: ReadonlyMap<string, Offsets>;
}

/**
 * Facts of one moment. They must have been asked for in this order: committed, high watermark, last stable. Otherwise a record could slip
 * between two answers: `fence(out) := HW(out)` holds only for an HW read after the commit that it follows from.
 */
export interface FenceInput {
  /** Of both colours; shared ones once. */
  readonly stages: readonly StageFacts[];
  /** Topics of the external streams above. */
  readonly roots: readonly string[];
  /** Topics that sinks of either colour read. */
  readonly sinkInputs: readonly string[];
  readonly topicIds: ReadonlyMap<string, string>;
  readonly highWatermark: ReadonlyMap<string, Offsets>;
  readonly lastStable: ReadonlyMap<string, Offsets>;
  readonly logStart: ReadonlyMap<string, Offsets>;
  /** A probe's answer: true only if [from, to) was read and holds no record. */
  readonly emptyFrom?: (topic: string, partition: number, from: Offset, to: Offset) => boolean;
}

/** A stage that is before the fence. */
export interface LateStage {
  readonly revision: string;
  /** Records up to the fence; undefined where a fact is missing or the fence of an input is not there yet. */
  readonly missing: bigint | undefined;
  /** The first partition that is late, and why. */
  readonly where: string;
}

export interface FenceProgress {
  readonly fence: FenceRecord;
  /** The fence must be stored before this is called again: what is new in it has not been used. */
  readonly changed: boolean;
  /** Empty and not `changed` and not `broken`: everything up to the fence has durably arrived. */
  readonly late: readonly LateStage[];
  /** The fence can never be reached: take another one. */
  readonly broken?: string;
}

/** Starts a fence: the low marks of the sink inputs, then the ends of the roots. */
export function takeFence(_id: number, _time: string, _input: FenceInput): FenceRecord | { readonly inconclusive: string } {
  throw new Error('under construction');
}

/** Pushes a fence down by what the facts allow. */
export function advanceFence(_fence: FenceRecord, _input: FenceInput): FenceProgress {
  throw new Error('under construction');
}

/** Records that a stage has not read yet, over all partitions; undefined where a fact is missing. */
export function lagOf(_stage: StageFacts, _ends: ReadonlyMap<string, Offsets>, _logStart: ReadonlyMap<string, Offsets>): bigint | undefined {
  throw new Error('under construction');
}
