import { GrueError } from '../../api/errors.ts';
import type { Revision } from '../../api/revision.ts';
import { keyOf, type NodeKey } from '../../topology/graph.ts';
import { revisionsByName } from '../../topology/live.ts';
import type { LiveFacts } from '../facts.ts';
import { lineageOf, readsOf } from '../lineage.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';

/** Beyond every offset that a topic reaches. */
const farAway = 2n ** 62n;

/**
 * Live sinks whose documents come from positions that their root does not have: Kafka was restored to an earlier time, and what is written
 * there now gets the positions of what was lost. That takes an outage, so it is looked at once for each connection to the servers.
 */
export async function observeHorizons(facts: LiveFacts, { memory }: World, signal: AbortSignal): Promise<ReadonlyMap<NodeKey, GrueError>> {
  const byName = revisionsByName(facts.revisions);
  const found = new Map<NodeKey, GrueError>();
  for (const sink of facts.live.values()) {
    const { uid, name } = sink.metadata;
    const servers = facts.platforms.get(sink.spec.platform.name)?.servers;
    if (!servers || sink.status?.uuids?.index === undefined || sink.spec.physical.index === undefined) continue;
    const before = memory.horizons.get(uid);
    if (before?.servers === servers && before.error === undefined) continue;
    try {
      const error = await beyond(sink, lineageOf([name], byName), servers, signal);
      memory.horizons.set(uid, { servers, error });
      if (error) found.set(keyOf(sink.spec.of), error);
    } catch (error) {
      // An index that cannot be searched now is looked at by a later pass: it must not hold up all others.
      if (!(error instanceof GrueError)) throw error;
    }
  }
  return found;
}

async function beyond(sink: Revision, lineage: readonly Revision[], { kafka, search }: Servers, signal: AbortSignal): Promise<GrueError | undefined> {
  const index = sink.spec.physical.index ?? '';
  const roots = lineage.flatMap(({ spec }) =>
    spec.stream?.external && spec.physical.topic !== undefined ? [{ root: spec.of.name, topic: spec.physical.topic }] : [],
  );
  const epochs = new Map(lineage.flatMap(readsOf).map(({ stream, epoch }) => [stream, epoch]));
  // The view first: whatever it holds was in Kafka before the ends are asked for.
  const view = await search.view(index, sink.status?.uuids?.index ?? '', signal);
  try {
    const ends = await kafka.offsets(
      roots.map(({ topic }) => topic),
      'HighWatermark',
      signal,
    );
    const ranges = roots.flatMap(({ root, topic }) =>
      (ends.get(topic) ?? []).flatMap((end, partition) =>
        end === undefined ? [] : [{ root, epoch: epochs.get(root) ?? 0, partition, from: end, to: farAway }],
      ),
    );
    const counts = await view.countByOrigin(ranges, signal);
    const at = counts.findIndex((count) => count > 0);
    const range = ranges[at];
    if (range === undefined) return undefined;
    const total = counts.reduce((sum, count) => sum + count, 0);
    const where = `partition ${range.partition} of Stream/${range.root} ends at ${range.from}`;
    return new GrueError('GRUE-KFK-010', `${index} holds ${total} documents from beyond the end of what it is made of: ${where}`, {
      fix: `restore what is missing, or build it anew: remove alias ${sink.spec.connection?.destination.alias} and delete Revision ${sink.metadata.name}`,
    });
  } finally {
    await view.close();
  }
}
