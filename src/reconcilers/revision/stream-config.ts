import type { Revision } from '../../api/revision.ts';
import { revisionsByName } from '../../topology/live.ts';
import { lineageOf } from '../lineage.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';

/**
 * Configuration of a topic that Grue makes. It must hold what the root holds, or every later migration would have to start at the root:
 * Change streams are compacted, Append streams keep as long as the root does.
 */
export async function streamConfig(revision: Revision, { kafka }: Servers, { caches }: World, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
  const revisions = revisionsByName(caches.revisions.list(revision.metadata.namespace));
  const roots = lineageOf([revision.metadata.name], revisions).flatMap(({ spec }) => (spec.stream?.external ? (spec.physical.topic ?? []) : []));
  const configs = await Promise.all(roots.map((topic) => kafka.topicConfig(topic, signal)));
  const largest = Math.max(0, ...configs.map((config) => Number(config['max.message.bytes'] ?? 0)));
  const room = largest > 0 ? { 'max.message.bytes': String(largest) } : {};
  if (revision.spec.stream?.type === 'Change') return { 'cleanup.policy': 'compact', ...room };
  const retention = configs.map((config) => (config['cleanup.policy']?.includes('delete') === false ? -1 : Number(config['retention.ms'] ?? -1)));
  const longest = retention.length === 0 || retention.includes(-1) ? -1 : Math.max(...retention);
  return { 'cleanup.policy': 'delete', 'retention.ms': String(longest), 'retention.bytes': '-1', ...room };
}
