import type { Revision } from '../../api/revision.ts';
import type { Offsets } from '../../drivers/ports.ts';
import type { TopologyFacts } from '../facts.ts';
import type { Servers } from '../servers.ts';

/**
 * Does the topic of a live stream still hold everything that green needs? A topic whose log starts at 0 holds all it ever got. A root whose
 * log was cut is good enough while no live document came from before the cut; an owned topic that was cut is not asked further, because
 * its positions are not those of the root.
 */
export async function historyCover(facts: TopologyFacts, servers: Servers, signal: AbortSignal): Promise<(stream: Revision) => boolean> {
  const streams = [...facts.live.values()].filter(({ spec }) => spec.physical.topic !== undefined);
  const topics = streams.flatMap(({ spec }) => spec.physical.topic ?? []);
  const starts = topics.length === 0 ? new Map<string, Offsets>() : await servers.kafka.offsets(topics, 'Earliest', signal);
  const isWhole = (topic: string): boolean => starts.get(topic)?.every((offset) => offset === 0n) ?? false;
  const cutRoots = streams.filter(({ spec }) => spec.stream?.external === true && !isWhole(spec.physical.topic ?? ''));
  const oldest = cutRoots.length === 0 ? [] : await oldestOrigins(facts, servers, signal);
  return ({ spec }) => {
    const topic = spec.physical.topic ?? '';
    if (isWhole(topic)) return true;
    if (spec.stream?.external !== true) return false;
    return oldest.filter(({ root }) => root === spec.of.name).every(({ partition, offset }) => offset >= (starts.get(topic)?.[partition] ?? offset + 1n));
  };
}

async function oldestOrigins(facts: TopologyFacts, servers: Servers, signal: AbortSignal) {
  const sinks = [...facts.live.values()].filter(({ spec, status }) => spec.physical.index !== undefined && status?.uuids?.index !== undefined);
  const found = await Promise.all(
    sinks.map(async ({ spec, status }) => {
      const view = await servers.search.view(spec.physical.index ?? '', status?.uuids?.index ?? '', signal);
      try {
        return await view.minimumOrigins(signal);
      } finally {
        await view.close();
      }
    }),
  );
  return found.flat();
}
