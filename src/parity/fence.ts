import type { FenceRecord } from '../api/stream-migration.ts';
import type { Offset, Offsets } from '../drivers/ports.ts';
import { decodeOffsets, encodeOffsets, partitionName } from './offsets.ts';

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
 * between two answers: `fence(out) := HW(out)` holds only for an HW read after the commit that it follows from, and the low marks must be
 * older than the ends of the roots.
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
  /** What is new in the fence has not been used: this is called again, and nothing is done on account of it before it is stored. */
  readonly changed: boolean;
  /** Empty, not `changed` and not `broken`: everything up to the fence has durably arrived. */
  readonly late: readonly LateStage[];
  /** The fence can never be reached: take another one. */
  readonly broken?: string;
}

/**
 * Starts a fence: low marks of the sink inputs, then the ends of the roots as read_committed readers see them. All topics between are
 * listed with their identity and without an end; {@link advanceFence} fills those in.
 */
export function takeFence(id: number, time: string, input: FenceInput): FenceRecord | { readonly inconclusive: string } {
  const inconclusive = whyNoFence(input);
  if (inconclusive !== undefined) return { inconclusive };
  const roots = new Set(input.roots);
  const sinkInputs = new Set(input.sinkInputs);
  const entries = topicsOf(input).map((topic) => ({
    topic,
    topicId: input.topicIds.get(topic) ?? '',
    at: roots.has(topic) ? encodeOffsets(input.lastStable.get(topic) ?? []) : '',
    ...(sinkInputs.has(topic) ? { low: encodeOffsets(input.highWatermark.get(topic) ?? []) } : {}),
  }));
  return { id, time, offsets: entries };
}

const topicsOf = ({ roots, sinkInputs, stages }: FenceInput): readonly string[] =>
  [...new Set([...roots, ...sinkInputs, ...stages.flatMap(({ reads, writes }) => (writes === undefined ? reads : [...reads, writes]))])].sort();

function whyNoFence(input: FenceInput): string | undefined {
  if (input.roots.length === 0) return 'no external stream is read';
  const unknown = topicsOf(input).find((topic) => !input.topicIds.has(topic));
  if (unknown !== undefined) return `topic ${unknown} is not there`;
  const written = new Set([...input.roots, ...input.stages.flatMap(({ writes }) => writes ?? [])]);
  const orphan = input.stages.flatMap(({ revision, reads }) => reads.map((topic) => ({ revision, topic }))).find(({ topic }) => !written.has(topic));
  if (orphan) return `${orphan.revision} reads ${orphan.topic}, which no stage writes and which is no root`;
  for (const topic of input.sinkInputs) {
    const hole = holeIn(input.highWatermark.get(topic));
    if (hole !== undefined) return `the end of ${partitionName(topic, hole)} is unknown`;
  }
  for (const topic of input.roots) {
    const why = unstable(topic, input.lastStable.get(topic), input.highWatermark.get(topic));
    if (why !== undefined) return why;
  }
  return undefined;
}

/** The first partition without an offset; 0 where there are none at all. */
function holeIn(offsets: Offsets | undefined): number | undefined {
  if (offsets === undefined || offsets.length === 0) return 0;
  const hole = offsets.indexOf(undefined);
  return hole < 0 ? undefined : hole;
}

/** While a transaction is open its records may still be aborted, so what lies behind its start is neither there nor not there. */
function unstable(topic: string, stable: Offsets | undefined, high: Offsets | undefined): string | undefined {
  const hole = holeIn(stable) ?? holeIn(high);
  if (stable === undefined || hole !== undefined) return `the end of ${partitionName(topic, hole ?? 0)} is unknown`;
  const open = stable.findIndex((end, partition) => end !== undefined && end < (high?.[partition] ?? end));
  return open < 0 ? undefined : `a transaction is open on ${partitionName(topic, open)} from offset ${stable[open]}`;
}

/**
 * Pushes a fence down by what the facts allow: where all writers of a topic have passed the fences of what they read, the end of that
 * topic, as it is now, becomes its fence. A fence that is set here is not used here, because the caller has not stored it yet: after a
 * crash a later end would take its place, and what was concluded from the first would hang in the air.
 */
export function advanceFence(fence: FenceRecord, input: FenceInput): FenceProgress {
  const broken = whyBroken(fence, input);
  if (broken !== undefined) return { fence, changed: false, late: [], broken };
  const ends = new Map(fence.offsets.map(({ topic, at }) => [topic, at === '' ? undefined : decodeOffsets(at)]));
  const judged = input.stages.map((stage) => ({ stage, late: lateness(stage, ends, input) }));
  const busy = new Set(judged.flatMap(({ stage, late }) => (late && stage.writes !== undefined ? [stage.writes] : [])));
  const written = new Set(input.stages.flatMap(({ writes }) => writes ?? []));
  const offsets = fence.offsets.map((entry) => {
    const end = input.highWatermark.get(entry.topic);
    const ready = entry.at === '' && written.has(entry.topic) && !busy.has(entry.topic) && end !== undefined && holeIn(end) === undefined;
    return ready ? { ...entry, at: encodeOffsets(end) } : entry;
  });
  const late = judged.flatMap((stage) => stage.late ?? []);
  const changed = offsets.some((entry, index) => entry !== fence.offsets[index]);
  return { fence: changed ? { ...fence, offsets } : fence, changed, late: [...late, ...withoutEnd(offsets, input)] };
}

function whyBroken({ offsets }: FenceRecord, input: FenceInput): string | undefined {
  const known = new Set(offsets.map(({ topic }) => topic));
  for (const { topic, topicId } of offsets) {
    const found = input.topicIds.get(topic);
    if (found === undefined) return `topic ${topic} is not there any more`;
    if (found !== topicId) return `topic ${topic} was replaced: its id is ${found}, not ${topicId}`;
  }
  const unknown = topicsOf(input).find((topic) => !known.has(topic));
  return unknown === undefined ? undefined : `topic ${unknown} has joined since the fence was taken`;
}

/** A topic at the end of a branch without a sink has no stage that would be late for it. */
function withoutEnd(offsets: FenceRecord['offsets'], { stages, highWatermark }: FenceInput): readonly LateStage[] {
  return offsets.flatMap(({ topic, at }) => {
    const hole = at === '' ? holeIn(highWatermark.get(topic)) : undefined;
    const writer = stages.find(({ writes }) => writes === topic);
    return hole === undefined || !writer
      ? []
      : [{ revision: writer.revision, missing: undefined, where: `the end of ${partitionName(topic, hole)} is unknown` }];
  });
}

type Ends = ReadonlyMap<string, Offsets | undefined>;

/** What a stage still has to do up to the fences of all that it reads; undefined when it is done. */
function lateness({ revision, reads, committed }: StageFacts, ends: Ends, input: FenceInput): LateStage | undefined {
  const behind = reads.flatMap((topic) => {
    const end = ends.get(topic);
    if (end === undefined) return [{ missing: undefined, where: `the fence has not come down to ${topic} yet` }];
    return end.flatMap((to, partition) => lateAt(topic, partition, committed.get(topic)?.[partition], to, input) ?? []);
  });
  const [first] = behind;
  return first && { revision, missing: sum(behind.map(({ missing }) => missing)), where: first.where };
}

function lateAt(
  topic: string,
  partition: number,
  committed: Offset | undefined,
  to: Offset | undefined,
  { logStart, emptyFrom }: FenceInput,
): Omit<LateStage, 'revision'> | undefined {
  const where = partitionName(topic, partition);
  if (to === undefined) return { missing: undefined, where: `${where} has no fence` };
  // However empty a partition looks: a group without a position may start anywhere.
  if (committed === undefined) return { missing: undefined, where: `${where} has no committed offset` };
  const start = logStart.get(topic)?.[partition];
  if (committed >= to || (start !== undefined && to <= start) || emptyFrom?.(topic, partition, committed, to) === true) return undefined;
  return { missing: to - later(committed, start), where };
}

const later = (a: Offset, b: Offset | undefined): Offset => (b !== undefined && b > a ? b : a);

const sum = (parts: readonly (bigint | undefined)[]): bigint | undefined =>
  parts.reduce<bigint | undefined>((total, part) => (total === undefined || part === undefined ? undefined : total + part), 0n);

/** Records that a stage has not read yet, over all partitions of `ends`; undefined where a fact is missing. What the log has lost is not counted. */
export function lagOf({ reads, committed }: StageFacts, ends: ReadonlyMap<string, Offsets>, logStart: ReadonlyMap<string, Offsets>): bigint | undefined {
  return sum(
    reads.flatMap((topic) => {
      const to = ends.get(topic);
      if (to === undefined || to.length === 0) return [undefined];
      return to.map((end, partition) => {
        const position = committed.get(topic)?.[partition];
        if (end === undefined || position === undefined) return undefined;
        const from = later(position, logStart.get(topic)?.[partition]);
        return from < end ? end - from : 0n;
      });
    }),
  );
}
