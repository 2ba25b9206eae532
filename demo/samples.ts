import type { Revision, Role } from '../src/api/revision.ts';
import type { KafkaCluster, Offsets } from '../src/drivers/ports.ts';
import type { Search } from './search.ts';

/** One side of the topology at a moment: how far its stages are, by the offsets that their groups have committed in Kafka, and what its index holds. */
export interface Side {
  readonly role: Role;
  readonly index: string;
  /** Records that the SQL has not processed yet; undefined while a position is missing. */
  readonly behindInSql: number | undefined;
  /** Records that the sink has not indexed yet. */
  readonly behindInSink: number | undefined;
  readonly documents: number;
}

/** A consumer group and the topics that it reads. */
interface Stage {
  readonly group: string;
  readonly topics: readonly string[];
}

interface Lineage {
  readonly role: Role;
  readonly index: string;
  readonly sql: Stage | undefined;
  readonly sink: Stage;
}

/** Asks Kafka and Elasticsearch about every side that still runs. */
export async function sampleSides(revisions: readonly Revision[], kafka: KafkaCluster, search: Search, signal: AbortSignal): Promise<readonly Side[]> {
  const lineages = lineagesOf(revisions);
  if (lineages.length === 0) return [];
  const documents = await documentCounts(search, lineages);
  return Promise.all(
    lineages.map(async ({ role, index, sql, sink }) => ({
      role,
      index,
      behindInSql: sql && (await behind(kafka, sql, signal)),
      behindInSink: await behind(kafka, sink, signal),
      documents: documents.get(index) ?? 0,
    })),
  );
}

const order: readonly Role[] = ['live', 'green', 'blue'];

/** Each running sink with the pipeline that feeds it. Pure; exported for tests. */
export function lineagesOf(revisions: readonly Revision[]): readonly Lineage[] {
  const named = new Map(revisions.map((revision) => [revision.metadata.name, revision]));
  const lineages = revisions.flatMap(({ spec, status }): readonly Lineage[] => {
    const { connection, physical, inputs } = spec;
    const role = status?.role;
    if (connection === undefined || physical.index === undefined || role === undefined || role === 'retired') return [];
    const above = inputs.flatMap((stream) => named.get(stream)?.spec.inputs ?? []).flatMap((name) => named.get(name) ?? []);
    const pipeline = above.find((revision) => revision.spec.pipeline !== undefined)?.spec;
    const sql = pipeline?.pipeline && { group: pipeline.physical.group ?? '', topics: pipeline.pipeline.reads.map(({ topic }) => topic) };
    return [{ role, index: physical.index, sql, sink: { group: physical.group ?? '', topics: [connection.reads.topic] } }];
  });
  return lineages.sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
}

async function behind(kafka: KafkaCluster, { group, topics }: Stage, signal: AbortSignal): Promise<number | undefined> {
  const [ends, positions] = await Promise.all([kafka.offsets(topics, 'HighWatermark', signal), kafka.committed(group, topics, signal)]);
  const missing = topics.map((topic) => distance(positions.get(topic) ?? [], ends.get(topic) ?? [undefined]));
  return missing.every((count) => count !== undefined) ? missing.reduce((a, b) => a + b, 0) : undefined;
}

function distance(positions: Offsets, ends: Offsets): number | undefined {
  let sum = 0n;
  for (const [partition, end] of ends.entries()) {
    const position = positions[partition];
    if (position === undefined || end === undefined) return undefined;
    sum += end - position;
  }
  return Number(sum);
}

async function documentCounts(search: Search, lineages: readonly Lineage[]): Promise<ReadonlyMap<string, number>> {
  // An index that nobody searches shows its documents only when it is asked to.
  const unread = lineages.filter(({ role }) => role !== 'live').map(({ index }) => index);
  if (unread.length > 0) await search.ask('POST', `/${unread.join()}/_refresh?ignore_unavailable=true`);
  const indices = lineages.map(({ index }) => index);
  const path = `/${indices.join()}/_stats/docs?ignore_unavailable=true&filter_path=indices.*.primaries.docs.count`;
  const { indices: stats = {} } = await search.must<{ indices?: Record<string, { primaries: { docs: { count: number } } }> }>('GET', path);
  return new Map(Object.entries(stats).map(([index, { primaries }]) => [index, primaries.docs.count]));
}

/** How fast a number grows, over the last seconds. */
export interface Rate {
  /** @param at seconds */
  add(value: number, at: number): void;
  /** Per second; 0 while there is too little to tell. */
  value(): number;
}

const windowSeconds = 5;

export function rate(): Rate {
  const points: { readonly value: number; readonly at: number }[] = [];
  return {
    add(value, at) {
      points.push({ value, at });
      while (points.length > 2 && (points[1]?.at ?? at) <= at - windowSeconds) points.shift();
    },
    value() {
      const [first, last] = [points[0], points.at(-1)];
      return first && last && last.at > first.at ? (last.value - first.value) / (last.at - first.at) : 0;
    },
  };
}
