import type { LogicalStatus } from '../../api/stream.ts';
import type { StreamMigration } from '../../api/stream-migration.ts';
import type { NodeKey } from '../../topology/graph.ts';
import type { TopologyFacts } from '../facts.ts';
import { markedRejections, markRejections, type Rejections, rejectionId } from '../recovery/rejections.ts';
import type { World } from '../world.ts';

type Rejected = NonNullable<LogicalStatus['rejected']>;

const kept = 5;

/** Definitions that a migration gave up after it had begun: by a gate, a person's abort, or a rollback. They outlive the migration. */
export function rejectedOf(key: NodeKey, stored: Rejected, migrations: readonly StreamMigration[]): Rejected {
  const found = migrations.flatMap(({ metadata, status }) => {
    const { ending, plan } = status ?? {};
    const refused = ending !== undefined && ending.way !== 'Retry' && !ending.reason.startsWith('superseded');
    if (!refused || plan === undefined) return [];
    return plan.steps
      .filter(({ of, action }) => action === 'Clone' && `${of.kind}/${of.name}` === key)
      .map(({ fingerprint }) => ({ fingerprint, migration: metadata.name, reason: ending.reason, time: ending.time }));
  });
  const all = new Map([...stored, ...found].map((entry) => [rejectionId(entry), entry]));
  return [...all.values()].sort((a, b) => (a.time < b.time ? -1 : 1)).slice(-kept);
}

/**
 * What was given up of each resource, as its status is to say it. What is new is written into the marks of live indices first; and from there
 * it comes back where a status was lost, or is not written yet.
 */
export async function observeRejected(facts: TopologyFacts, world: World, signal: AbortSignal): Promise<Rejections> {
  const isForgotten = [...facts.resources].some(([key, { status }]) => facts.live.has(key) && status?.live === undefined);
  const marked: Rejections = isForgotten ? await markedRejections(facts, signal) : new Map();
  const all = new Map<NodeKey, Rejected>();
  const news = new Map<NodeKey, Rejected>();
  for (const [key, { status }] of facts.resources) {
    const known = [...(marked.get(key) ?? []), ...(status?.rejected ?? [])];
    const rejected = rejectedOf(key, known, facts.migrations);
    const said = new Set(known.map(rejectionId));
    const unknown = rejected.filter((entry) => !said.has(rejectionId(entry)));
    all.set(key, rejected);
    if (unknown.length > 0) news.set(key, unknown);
  }
  await markRejections(news, facts, world, signal);
  return all;
}
