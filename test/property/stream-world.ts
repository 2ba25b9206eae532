import type { Offsets } from '../../src/drivers/ports.ts';
import type { FenceInput, StageFacts } from '../../src/parity/fence.ts';
import type { NewRevision } from '../../src/topology/realise.ts';

/** A Kafka and workers in miniature: topics are lists, stages read in order per partition, write durably and commit afterwards. Chance comes from outside. */

/** A record is known by the root record that it comes from. */
interface SimRecord {
  readonly root: string;
  readonly partition: number;
  readonly offset: number;
}
export const originOf = ({ root, partition, offset }: SimRecord): string => `${root}[${partition}]@${offset}`;

/** A number in [0, below). */
export type Chance = (below: number) => number;

/** What a stage has read of one partition and not yet committed. Its records are written in any order; the last one held back holds back the commit. */
interface Batch {
  readonly to: number;
  readonly unwritten: SimRecord[];
}

interface Stage {
  readonly revision: string;
  readonly reads: readonly string[];
  readonly writes: string | undefined;
  /** Per topic and partition; undefined: the group has no offset there (yet). */
  readonly committed: Map<string, (number | undefined)[]>;
  readonly batches: Map<string, Batch>;
  /** Records that the SQL drops, as one of so many by their origin; 0: none. */
  readonly drops: number;
}

export interface World {
  readonly topics: Map<string, SimRecord[][]>;
  readonly roots: readonly string[];
  readonly stages: readonly Stage[];
  /** What has durably arrived in each sink. */
  readonly documents: Map<string, Set<string>>;
}

/** The stages and topics of a plan, all empty; groups have no offsets yet. */
export function worldOf(revisions: readonly NewRevision[], drops: Chance): World {
  const topics = new Map(
    revisions.flatMap(({ spec }) =>
      spec.stream ? [[spec.physical.topic ?? '', Array.from({ length: spec.stream.partitions }, (): SimRecord[] => [])] as const] : [],
    ),
  );
  const stages = revisions.flatMap(({ name, spec }): Stage[] => {
    const reads = spec.pipeline?.reads ?? (spec.connection ? [spec.connection.reads] : []);
    if (reads.length === 0) return [];
    const names = [...new Set(reads.map(({ topic }) => topic))];
    return [
      {
        revision: name,
        reads: names,
        writes: spec.pipeline?.writes.topic,
        committed: new Map(names.map((topic) => [topic, (topics.get(topic) ?? []).map(() => undefined)])),
        batches: new Map(),
        drops: spec.pipeline ? drops(4) : 0,
      },
    ];
  });
  const roots = revisions.flatMap(({ spec }) => (spec.stream?.external ? [spec.physical.topic ?? ''] : []));
  return {
    topics,
    roots,
    stages,
    documents: new Map(stages.flatMap(({ revision, writes }) => (writes === undefined ? [[revision, new Set<string>()] as const] : []))),
  };
}

export function produce({ topics, roots }: World, chance: Chance): void {
  const root = roots[chance(roots.length)] ?? '';
  const partitions = topics.get(root) ?? [];
  const partition = chance(partitions.length);
  const log = partitions[partition] ?? [];
  log.push({ root, partition, offset: log.length });
}

const dropped = ({ drops }: Stage, { partition, offset }: SimRecord): boolean => drops > 0 && (partition + offset) % (drops + 1) === 0;

/** Lets one stage that has something to do take one step in one partition: take its place in it, read a batch, write one of its records, or commit. */
export function step(world: World, chance: Chance): void {
  const places = world.stages.flatMap((stage) =>
    stage.reads.flatMap((topic) => (world.topics.get(topic) ?? []).map((_, partition) => ({ stage, topic, partition }))),
  );
  const first = chance(places.length);
  for (let tried = 0; tried < places.length; tried += 1) {
    const place = places[(first + tried) % places.length];
    if (place && work(world, place.stage, place.topic, place.partition, chance)) return;
  }
}

/** @returns whether there was anything to do */
function work(world: World, stage: Stage, topic: string, partition: number, chance: Chance): boolean {
  const positions = stage.committed.get(topic) as (number | undefined)[];
  const log = world.topics.get(topic)?.[partition] ?? [];
  const at = positions[partition];
  const key = `${topic}/${partition}`;
  const batch = stage.batches.get(key);
  if (at === undefined) positions[partition] = 0;
  else if (!batch) {
    if (at >= log.length) return false;
    const to = Math.min(log.length, at + 1 + chance(3));
    stage.batches.set(key, { to, unwritten: log.slice(at, to).filter((record) => !dropped(stage, record)) });
  } else if (batch.unwritten.length > 0) {
    const [record] = batch.unwritten.splice(chance(batch.unwritten.length), 1);
    write(world, stage, record as SimRecord, chance);
  } else {
    positions[partition] = batch.to;
    stage.batches.delete(key);
  }
  return true;
}

/** Into any partition: a re-keyed record may overtake its elders. */
function write({ topics, documents }: World, { writes, revision }: Stage, record: SimRecord, chance: Chance): void {
  if (writes === undefined) documents.get(revision)?.add(originOf(record));
  else {
    const partitions = topics.get(writes) ?? [];
    partitions[chance(partitions.length)]?.push(record);
  }
}

/** A killed worker: what was read and not committed is read again, also what has been written already. */
export function restart({ stages }: World, chance: Chance): void {
  stages[chance(stages.length)]?.batches.clear();
}

/** Everything that is there flows to the end. */
export function drain(world: World, chance: Chance): void {
  for (let busy = true; busy; ) {
    busy = false;
    for (const stage of world.stages) {
      for (const topic of stage.reads)
        for (const partition of (world.topics.get(topic) ?? []).keys()) if (work(world, stage, topic, partition, chance)) busy = true;
    }
  }
}

/** Which facts are asked for, in which order; the world may move on before each. */
export type Question = 'committed' | 'highWatermark' | 'lastStable';

export function factsOf(world: World, order: readonly Question[], meanwhile: () => void): FenceInput {
  const ends = (topics: Iterable<string>): ReadonlyMap<string, Offsets> =>
    new Map([...topics].map((topic) => [topic, (world.topics.get(topic) ?? []).map((log) => BigInt(log.length))]));
  let stages: readonly StageFacts[] = [];
  let highWatermark: FenceInput['highWatermark'] = new Map();
  let lastStable: FenceInput['lastStable'] = new Map();
  const ask: Readonly<Record<Question, () => void>> = {
    committed: () => {
      stages = world.stages.map(stageFacts);
    },
    highWatermark: () => {
      highWatermark = ends(world.topics.keys());
    },
    lastStable: () => {
      lastStable = ends(world.roots);
    },
  };
  for (const question of order) {
    meanwhile();
    ask[question]();
  }
  return {
    stages,
    roots: world.roots,
    sinkInputs: [...new Set(world.stages.filter(({ writes }) => writes === undefined).flatMap(({ reads }) => reads))],
    topicIds: new Map([...world.topics.keys()].map((topic) => [topic, `id-of-${topic}`])),
    highWatermark,
    lastStable,
    logStart: new Map([...world.topics].map(([topic, logs]) => [topic, logs.map(() => 0n)])),
  };
}

function stageFacts({ revision, reads, writes, committed }: Stage): StageFacts {
  const offsets = new Map(
    [...committed].map(([topic, positions]) => [topic, positions.map((position) => (position === undefined ? undefined : BigInt(position)))]),
  );
  return { revision, reads, ...(writes === undefined ? {} : { writes }), committed: offsets };
}

/** The origins that a sink holds once every root record below the ends has gone all the way, by what the SQL keeps on each path. */
export function expectedIn(world: World, sink: string, ends: ReadonlyMap<string, Offsets>): ReadonlySet<string> {
  const arriving = (topic: string): readonly SimRecord[] => {
    if (world.roots.includes(topic))
      return (world.topics.get(topic) ?? []).flatMap((log, partition) => log.slice(0, Number(ends.get(topic)?.[partition] ?? 0n)));
    return world.stages.filter(({ writes }) => writes === topic).flatMap((stage) => stage.reads.flatMap(arriving).filter((record) => !dropped(stage, record)));
  };
  const stage = world.stages.find(({ revision }) => revision === sink);
  return new Set((stage?.reads ?? []).flatMap(arriving).map(originOf));
}
