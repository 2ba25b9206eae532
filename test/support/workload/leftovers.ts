import type { Kafka } from 'kafkajs';
import type { Search } from '../../../demo/search.ts';
import type { Revision } from '../../../src/api/revision.ts';
import type { KafkaRegistry } from '../../../src/drivers/ports.ts';
import { keptVersions } from './topology.ts';

/** Everything physical that carries the names of one namespace. */
export interface Found {
  readonly topics: readonly string[];
  readonly groups: readonly string[];
  readonly indices: readonly string[];
  /** What Grue's own notes say that it has made. */
  readonly noted: readonly string[];
}

export async function findAll(namespace: string, kafka: Kafka, registry: KafkaRegistry, search: Search, signal: AbortSignal): Promise<Found> {
  const ours = (name: string): boolean => name.startsWith(`grue.${namespace}.`);
  const admin = kafka.admin();
  await admin.connect();
  try {
    const topics = await admin.listTopics();
    const { groups } = await admin.listGroups();
    const indices = await search.must<readonly { readonly index: string }[]>('GET', `/_cat/indices/grue.${namespace}.*?format=json&expand_wildcards=all`);
    const entries = await registry.entries(signal);
    return {
      topics: topics.filter(ours),
      groups: groups.map(({ groupId }) => groupId).filter(ours),
      indices: indices.map(({ index }) => index),
      noted: entries.filter((entry) => entry.namespace === namespace).map(({ kind, name }) => `${kind} ${name}`),
    };
  } finally {
    await admin.disconnect();
  }
}

/** What is there without a reason once no migration is under way: one line each. Pure. */
export function leftBehind(revisions: readonly Revision[], found: Found): readonly string[] {
  const physical = revisions.map(({ spec }) => spec.physical);
  const own = revisions.filter(({ spec }) => spec.stream?.external !== true).map(({ spec }) => spec.physical);
  const topics = new Set(own.flatMap(({ topic, deadLetters }) => [topic, deadLetters]));
  const groups = new Set(physical.map(({ group }) => group));
  const indices = new Set(physical.map(({ index }) => index));
  const noted = new Set([...[...topics].map((topic) => `topic ${topic}`), ...[...groups].map((group) => `group ${group}`)]);
  return [
    ...strayRevisions(revisions),
    ...found.topics.filter((topic) => !topics.has(topic)).map((topic) => `topic ${topic}`),
    ...found.groups.filter((group) => !groups.has(group)).map((group) => `group ${group}`),
    ...found.indices.filter((index) => !indices.has(index)).map((index) => `index ${index}`),
    ...found.noted.filter((note) => !noted.has(note)).map((note) => `a note on ${note}`),
  ];
}

/** Live ones are there, and as many retired sinks as are kept. */
function strayRevisions(revisions: readonly Revision[]): readonly string[] {
  const retired = new Map<string, number>();
  const strays: string[] = [];
  for (const { metadata, spec, status } of revisions) {
    const isRetiredSink = spec.connection !== undefined && status?.role === 'retired';
    if (isRetiredSink) retired.set(spec.of.name, (retired.get(spec.of.name) ?? 0) + 1);
    else if (status?.role !== 'live') strays.push(`Revision ${metadata.name}, ${status?.role ?? 'without a role'}, made by ${spec.migration}`);
  }
  for (const [sink, count] of retired) if (count > keptVersions) strays.push(`${count - keptVersions} retired Revisions of ${sink} too many`);
  return strays;
}
