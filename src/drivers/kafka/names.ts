import { listGroupsV4, metadataV12 } from '@platformatic/kafka';
import type { KafkaCluster } from '../ports.ts';
import { accept } from './errors.ts';
import type { Wire } from './wire.ts';

/** Topics are known to every broker; each broker knows the groups that it coordinates. */
export function namesUnder(wire: Wire, prefix: string, signal: AbortSignal): ReturnType<KafkaCluster['namesUnder']> {
  const isMeant = (name: string): boolean => name.startsWith(prefix);
  return wire.persist(signal, async (attempt) => {
    const { brokers, topics } = await attempt.ask('any', metadataV12.api, null, false);
    wire.learn(brokers);
    const answers = await Promise.all(brokers.map(({ host, port }) => attempt.ask({ host, port }, listGroupsV4.api, [], [])));
    for (const answer of answers) accept(answer, 'the list of groups');
    return {
      topics: topics.flatMap(({ name }) => (typeof name === 'string' && isMeant(name) ? [name] : [])),
      groups: answers.flatMap(({ groups }) => groups.map(({ groupId }) => groupId).filter(isMeant)),
    };
  });
}
