import { setTimeout as sleep } from 'node:timers/promises';
import type { TopologyWatch } from '../../demo/course.ts';
import type { Revision } from '../../src/api/revision.ts';
import type { KafkaCluster } from '../../src/drivers/ports.ts';

export interface GreenWatch {
  /** The longest time in which green should have run and had committed nothing, in seconds. */
  longestStandstill(): number;
  stop(): Promise<void>;
}

const everyMilliseconds = 1_000;

/** Looks at what the stages of green have committed. There is always something to read, so a position that stands still is an outage. */
export function watchGreen(watch: TopologyWatch, kafka: KafkaCluster): GreenWatch {
  const stopped = new AbortController();
  let longest = 0;
  /** Per group: its position, and since when it has been there. */
  let standing = new Map<string, { readonly position: bigint; readonly since: number }>();

  async function look(): Promise<void> {
    const now = performance.now();
    const found: typeof standing = new Map();
    for (const { group, topics } of watch.revisions().flatMap(greenStage)) {
      const position = await positionOf(kafka, group, topics, stopped.signal);
      const before = standing.get(group);
      const since = before?.position === position ? before.since : now;
      found.set(group, { position, since });
      longest = Math.max(longest, (now - since) / 1_000);
    }
    standing = found;
  }

  async function loop(): Promise<void> {
    while (!stopped.signal.aborted) {
      await look().catch(() => {}); // a group that has just gone
      await sleep(everyMilliseconds);
    }
  }
  const running = loop();
  return {
    longestStandstill: () => Math.round(longest * 10) / 10,
    async stop() {
      stopped.abort(new Error('the run is over'));
      await running;
    },
  };
}

function greenStage({ spec, status }: Revision) {
  if (status?.role !== 'green' || status.state !== 'Running' || spec.physical.group === undefined) return [];
  const topics = spec.pipeline?.reads.map(({ topic }) => topic) ?? (spec.connection ? [spec.connection.reads.topic] : []);
  return topics.length === 0 ? [] : [{ group: spec.physical.group, topics }];
}

async function positionOf(kafka: KafkaCluster, group: string, topics: readonly string[], signal: AbortSignal): Promise<bigint> {
  const committed = await kafka.committed(group, topics, signal);
  return [...committed.values()].flat().reduce<bigint>((sum, offset) => sum + (offset ?? 0n), 0n);
}
