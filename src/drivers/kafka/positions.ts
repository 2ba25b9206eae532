import { listOffsetsV7, offsetCommitV8, offsetFetchV8 } from '@platformatic/kafka';
import { GrueError } from '../../api/errors.ts';
import type { Offset, Offsets } from '../ports.ts';
import type { BrokerAddress } from './connection.ts';
import { accept, errorName, noSuchTopic } from './errors.ts';
import { coordinator } from './groups.ts';
import { describeCluster, type TopicPlace } from './topics.ts';
import type { Attempt, Wire } from './wire.ts';

export type Which = 'Earliest' | 'HighWatermark' | 'LastStable';

const QUESTIONS = {
  Earliest: { timestamp: -2n, isolation: 0 },
  HighWatermark: { timestamp: -1n, isolation: 0 },
  LastStable: { timestamp: -1n, isolation: 1 },
} as const satisfies Record<Which, { timestamp: bigint; isolation: number }>;

/** One request to find the leaders and one to each of them, however many topics there are. A partition without a leader is undefined. */
export function offsets(wire: Wire, topics: readonly string[], which: Which, signal: AbortSignal): Promise<ReadonlyMap<string, Offsets>> {
  const { timestamp, isolation } = QUESTIONS[which];
  return wire.persist(signal, async (attempt) => {
    const places = [...(await describeCluster(wire, attempt, topics)).topics.values()];
    const found = new Map<string, (Offset | undefined)[]>(places.map(({ name, partitions }) => [name, Array(partitions).fill(undefined)]));
    const ask = async ({ leader, topics }: Share) => {
      const question = topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp })),
      }));
      for (const { name, partitions } of (await attempt.ask(leader, listOffsetsV7.api, -1, isolation, question)).topics) {
        for (const partition of partitions) {
          accept(partition, `partition ${partition.partitionIndex} of topic ${name}`);
          found.get(name)![partition.partitionIndex] = present(partition.offset);
        }
      }
    };
    await Promise.all(byLeader(places).map(ask));
    return found;
  });
}

interface Share {
  readonly leader: BrokerAddress;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[];
}

function byLeader(places: readonly TopicPlace[]): readonly Share[] {
  const led = places.flatMap(({ name, leaders }) => leaders.flatMap((leader, partition) => (leader ? [{ name, partition, leader }] : [])));
  const shares = Map.groupBy(led, ({ leader }) => `${leader.host}:${leader.port}`);
  return [...shares.values()].map((share) => ({
    leader: share[0]!.leader,
    topics: [...Map.groupBy(share, ({ name }) => name)].map(([name, parts]) => ({ name, partitions: parts.map(({ partition }) => partition) })),
  }));
}

/** Kafka says -1 where there is nothing. */
const present = (offset: Offset): Offset | undefined => (offset < 0n ? undefined : offset);

export function committed(wire: Wire, group: string, topics: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Offsets>> {
  return wire.persist(signal, (attempt) => fetchCommitted(wire, attempt, group, topics));
}

async function fetchCommitted(wire: Wire, attempt: Attempt, group: string, topics: readonly string[]): Promise<ReadonlyMap<string, Offsets>> {
  const places = [...(await describeCluster(wire, attempt, topics)).topics.values()];
  const found = new Map<string, (Offset | undefined)[]>(places.map(({ name, partitions }) => [name, Array(partitions).fill(undefined)]));
  if (places.length === 0) return found;
  const question = {
    groupId: group,
    memberEpoch: -1,
    topics: places.map(({ name, partitions }) => ({ name, partitionIndexes: [...Array(partitions).keys()] })),
  };
  const [answer] = (await attempt.ask(await coordinator(attempt, group), offsetFetchV8.api, [question], false)).groups;
  if (errorName(answer!.errorCode) === 'GROUP_ID_NOT_FOUND') return found;
  accept(answer!, `the positions of group ${group}`);
  for (const { name, partitions } of answer!.topics) {
    for (const partition of partitions) {
      accept(partition, `the position of group ${group} in partition ${partition.partitionIndex} of topic ${name}`);
      found.get(name)![partition.partitionIndex] = present(partition.committedOffset);
    }
  }
  return found;
}

const IN_USE = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS', 'STALE_MEMBER_EPOCH'];

/**
 * The broker itself refuses a commit from outside while the group has members, so a member that joins between our look and our commit
 * makes this fail and not the member read twice.
 * @throws GrueError GRUE-KFK-007 when the group has members, GRUE-KFK-001 when a topic or partition does not exist
 */
export function commitStart(wire: Wire, group: string, start: ReadonlyMap<string, readonly Offset[]>, signal: AbortSignal): Promise<void> {
  return wire.persist(signal, async (attempt) => {
    const present = await fetchCommitted(wire, attempt, group, [...start.keys()]);
    const missing = [...start].map(([topic, offsets]) => ({ name: topic, partitions: missingOf(topic, offsets, present) }));
    const topics = missing.filter(({ partitions }) => partitions.length > 0);
    if (topics.length === 0) return;
    const response = await attempt.command(await coordinator(attempt, group), offsetCommitV8.api, group, -1, '', null, topics);
    for (const { name, partitions } of response.topics) {
      for (const partition of partitions) {
        if (IN_USE.includes(errorName(partition.errorCode))) throw inUse(group);
        accept(partition, `the start of group ${group} in partition ${partition.partitionIndex} of topic ${name}`);
      }
    }
  });
}

function missingOf(topic: string, start: readonly Offset[], committed: ReadonlyMap<string, Offsets>) {
  const there = committed.get(topic);
  if (there === undefined) throw noSuchTopic(topic);
  if (start.length > there.length) {
    throw new GrueError('GRUE-KFK-001', `topic ${topic} has ${there.length} partitions, and a start for ${start.length} was to be committed`);
  }
  return start.flatMap((committedOffset, partitionIndex) =>
    there[partitionIndex] === undefined ? [{ partitionIndex, committedOffset, committedLeaderEpoch: -1, committedMetadata: '' }] : [],
  );
}

const inUse = (group: string): GrueError =>
  new GrueError('GRUE-KFK-007', `group ${group} has members, so Kafka does not let its start be set`, { fix: 'stop what reads with this group' });
