import { GrueError } from '../api/errors.ts';
import type { KafkaCluster, Offset } from '../drivers/ports.ts';
import type { PartitionFacts } from './partition.ts';
import type { TopicPartition } from './ports.ts';

/** What is known of an input topic when the stage starts. */
export interface InputTopic {
  readonly topic: string;
  /** Identity that was recorded for it; another topic of that name is not read. */
  readonly id: string | undefined;
  /** In a Change stream that others write, a new partition moves keys, and the order of their changes is lost. */
  readonly fixedPartitions: boolean;
}

type Facts = (where: TopicPartition, signal: AbortSignal) => Promise<PartitionFacts>;

/**
 * Asks where a partition stands. Questions of the same moment are one: after a rebalance there is one for each partition.
 * @throws GrueError GRUE-KFK-001, GRUE-KFK-004 (another topic of that name, or another number of partitions)
 */
export function partitionFacts(cluster: Pick<KafkaCluster, 'topics' | 'committed' | 'offsets'>, group: string, inputs: readonly InputTopic[]): Facts {
  const names = inputs.map(({ topic }) => topic);
  let asked: Promise<(where: TopicPartition) => PartitionFacts> | undefined;

  async function ask(signal: AbortSignal): Promise<(where: TopicPartition) => PartitionFacts> {
    await new Promise(setImmediate);
    asked = undefined;
    const [topics, committed, earliest, latest] = await Promise.all([
      cluster.topics(names, signal),
      cluster.committed(group, names, signal),
      cluster.offsets(names, 'Earliest', signal),
      cluster.offsets(names, 'HighWatermark', signal),
    ]);
    return ({ topic, partition }) => {
      const input = inputs.find((one) => one.topic === topic);
      const found = topics.get(topic);
      if (input === undefined || found === undefined) throw new GrueError('GRUE-KFK-001', `topic ${topic} does not exist`);
      if (input.id !== undefined && found.id !== input.id)
        throw new GrueError('GRUE-KFK-004', `topic ${topic} has the id ${found.id}; the one that was recorded is ${input.id}`);
      const commits = committed.get(topic) ?? [];
      const known = commits.filter((offset) => offset !== undefined).length;
      if (input.fixedPartitions && known > 0 && known < found.partitions)
        throw new GrueError('GRUE-KFK-004', `topic ${topic} now has ${found.partitions} partitions; the keys of its records were spread over ${known}`);
      const logStart = earliest.get(topic)?.[partition];
      const logEnd = latest.get(topic)?.[partition];
      if (logStart === undefined || logEnd === undefined) throw new GrueError('GRUE-PLT-002', `partition ${partition} of topic ${topic} has no leader now`);
      const commit = commits[partition];
      return { committed: commit === undefined ? undefined : positionOf(commit), logStart: positionOf(logStart), logEnd: positionOf(logEnd) };
    };
  }

  return async (where, signal) => {
    asked ??= ask(signal);
    return (await asked)(where);
  };
}

function positionOf(offset: Offset): number {
  const position = Number(offset);
  if (!Number.isSafeInteger(position)) throw new RangeError(`offset ${offset} is beyond what this worker can count`);
  return position;
}
