import { GrueError } from '../../api/errors.ts';
import type { Binding, Revision } from '../../api/revision.ts';
import type { FenceRecord } from '../../api/stream-migration.ts';
import type { IndexView, Offset, OriginRange } from '../../drivers/ports.ts';
import type { AppendSide } from '../../parity/append.ts';
import { decodeOffsets } from '../../parity/offsets.ts';
import { deadLetterIdentity } from '../../records/dead-letters.ts';
import { lineageOf } from '../lineage.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';
import type { ParityPair } from './decision.ts';
import { countChange } from './measure-change.ts';
import type { Measurement, PairMeasurement } from './measurement.ts';
import type { Snapshot } from './snapshot.ts';

/** Counts both sides of every pair at the fence, in views opened after everything up to the fence had arrived. Reads only. */
export async function measure(
  fence: FenceRecord,
  pairs: readonly ParityPair[],
  snapshot: Snapshot,
  servers: Servers,
  world: World,
  signal: AbortSignal,
): Promise<Measurement> {
  const indices = pairs.flatMap(({ blue, green }) => [blue.index, green.index]);
  await servers.search.refresh(indices, signal);
  const measured: PairMeasurement[] = [];
  for (const pair of pairs) measured.push(await measurePair(fence, pair, snapshot, servers, world, signal));
  const newDeadLetters = await deadLettersOnlyOfGreen(pairs, snapshot, servers, signal);
  const { parity } = snapshot.migration.spec.gates;
  return {
    fence: fence.id,
    pairs: measured,
    newDeadLetters,
    disturbed: await disturbance(fence, pairs, servers, signal),
    bounds: { tolerance: parity.tolerance, ...(parity.expect?.count ? { ratio: parity.expect.count } : {}) },
  };
}

async function measurePair(
  fence: FenceRecord,
  pair: ParityPair,
  snapshot: Snapshot,
  servers: Servers,
  world: World,
  signal: AbortSignal,
): Promise<PairMeasurement> {
  const reads = (side: ParityPair['blue']): Binding => {
    const binding = snapshot.revisions.get(side.revision)?.spec.connection?.reads;
    if (!binding) throw new Error(`${side.revision} is no sink`);
    return binding;
  };
  const [blueReads, greenReads] = [reads(pair.blue), reads(pair.green)];
  if (isKeyed(blueReads) !== isKeyed(greenReads))
    throw new GrueError('GRUE-MIG-006', `${pair.alias}: one side keeps every record and the other one document per key, so their counts cannot be compared`, {
      fix: 'declare it as two migrations with an alias of its own',
    });
  const views: IndexView[] = [];
  try {
    for (const side of [pair.blue, pair.green]) views.push(await servers.search.view(side.index, side.uuid, signal));
    const [blue, green] = views as [IndexView, IndexView];
    const throughAlias = await countThroughAlias(pair.alias, blue, green, snapshot, signal);
    const counts = isKeyed(greenReads)
      ? await countChange(fence, pair.alias, { reads: blueReads, view: blue }, { reads: greenReads, view: green }, snapshot, servers, world, signal)
      : await countAppend(fence, pair, blue, green, snapshot, signal);
    return { alias: pair.alias, counts, throughAlias };
  } finally {
    await Promise.all(views.map((view) => view.close()));
  }
}

/** One document per key; otherwise one per record. */
const isKeyed = ({ type, keys }: Binding): boolean => type === 'Change' || (keys?.primary?.length ?? 0) > 0;

async function countThroughAlias(
  alias: string,
  blue: IndexView,
  green: IndexView,
  { aliases }: Snapshot,
  signal: AbortSignal,
): Promise<PairMeasurement['throughAlias']> {
  const target = aliases.get(alias)?.[0];
  if (target?.filter === undefined && target?.searchRouting === undefined) return undefined;
  return {
    green: await green.countThrough(target.filter, target.searchRouting, signal),
    blue: await blue.countThrough(target.filter, target.searchRouting, signal),
  };
}

async function countAppend(
  fence: FenceRecord,
  pair: ParityPair,
  blue: IndexView,
  green: IndexView,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<PairMeasurement['counts']> {
  const region = closedRegion(fence, pair.green.revision, snapshot.revisions);
  const [blueSide, greenSide] = await Promise.all([appendSide(blue, region, signal), appendSide(green, region, signal)]);
  return { type: 'Append', region, blue: blueSide, green: greenSide };
}

/** Per root partition from the first offset that green read to the fence. */
function closedRegion(fence: FenceRecord, greenSink: string, revisions: ReadonlyMap<string, Revision>): readonly OriginRange[] {
  const chain = lineageOf([greenSink], revisions);
  const region = new Map<string, OriginRange>();
  for (const { spec, status } of chain) {
    for (const { root, topic, stream, epoch } of spec.pipeline?.reads ?? (spec.connection ? [spec.connection.reads] : [])) {
      if (!root) continue;
      const ends = decodeOffsets(fence.offsets.find((entry) => entry.topic === topic)?.at ?? '');
      const starts = decodeOffsets(status?.startOffsets?.find((entry) => entry.topic === topic)?.offsets ?? '');
      for (const [partition, to] of ends.entries()) {
        const from = starts[partition];
        if (to === undefined || from === undefined) continue;
        const key = `${stream}/${partition}`;
        const known = region.get(key);
        // Where several stages read one root, only what all of them read is green's.
        region.set(key, { root: stream, epoch, partition, from: later(known?.from ?? from, from), to: later(from, to) });
      }
    }
  }
  return [...region.values()];
}

const later = (a: Offset, b: Offset): Offset => (a > b ? a : b);

const farthest = (1n << 62n) - 1n;

async function appendSide(view: IndexView, region: readonly OriginRange[], signal: AbortSignal): Promise<AppendSide> {
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  const below = region.map((range): OriginRange => ({ ...range, from: 0n, to: range.from }));
  const beyond = region.map((range): OriginRange => ({ ...range, from: range.to, to: farthest }));
  return {
    inRegion: await view.countByOrigin(region, signal),
    below: sum(await view.countByOrigin(below, signal)),
    beyond: sum(await view.countByOrigin(beyond, signal)),
    foreign: await view.countForeign([...new Set(region.map(({ root }) => root))], signal),
    total: await view.count(signal),
  };
}

const examplesShown = 5;

/** Identities that a stage of green could not process, and blue could. */
async function deadLettersOnlyOfGreen(
  pairs: readonly ParityPair[],
  { revisions }: Snapshot,
  servers: Servers,
  signal: AbortSignal,
): Promise<Measurement['newDeadLetters']> {
  const of = (sinks: readonly string[]) => lineageOf(sinks, revisions).flatMap(({ spec }) => spec.physical.deadLetters ?? []);
  const blueTopics = of(pairs.map(({ blue }) => blue.revision));
  const greenTopics = of(pairs.map(({ green }) => green.revision)).filter((topic) => !blueTopics.includes(topic));
  const green = await deadLetters(greenTopics, servers, signal);
  if (green.size === 0) return { count: 0, examples: [] };
  const blue = await deadLetters(blueTopics, servers, signal);
  const only = [...green].filter((identity) => !blue.has(identity));
  return { count: only.length, examples: only.slice(0, examplesShown) };
}

async function deadLetters(topics: readonly string[], servers: Servers, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const [starts, ends] = await Promise.all([servers.kafka.offsets(topics, 'Earliest', signal), servers.kafka.offsets(topics, 'HighWatermark', signal)]);
  for (const topic of topics) {
    for (const [partition, to] of (ends.get(topic) ?? []).entries()) {
      const from = starts.get(topic)?.[partition] ?? 0n;
      if (to === undefined || from >= to) continue;
      for await (const { key, value } of servers.kafka.read(topic, partition, from, to, signal)) {
        const identity = deadLetterIdentity(key);
        if (identity === undefined) continue;
        if (value === undefined) found.delete(identity);
        else found.add(identity);
      }
    }
  }
  return found;
}

/** Anything that was replaced while it was counted makes the numbers meaningless. */
async function disturbance(fence: FenceRecord, pairs: readonly ParityPair[], servers: Servers, signal: AbortSignal): Promise<string | undefined> {
  const topics = await servers.kafka.topics(
    fence.offsets.map(({ topic }) => topic),
    signal,
  );
  const replaced = fence.offsets.find(({ topic, topicId }) => topics.get(topic)?.id !== topicId);
  if (replaced) return `topic ${replaced.topic} was replaced`;
  const sides = pairs.flatMap(({ blue, green }) => [blue, green]);
  const indices = await servers.search.indices(
    sides.map(({ index }) => index),
    signal,
  );
  const other = sides.find(({ index, uuid }) => indices.get(index)?.uuid !== uuid);
  return other && `index ${other.index} was replaced`;
}
