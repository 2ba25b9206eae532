import { fetchV13 } from '@platformatic/kafka';
import { GrueError } from '../../api/errors.ts';
import type { KafkaRecord, Offset } from '../ports.ts';
import type { BrokerAddress } from './connection.ts';
import { accept, errorName, isUnknownCompression, noSuchTopic, Transient, Undecodable } from './errors.ts';
import { offsets } from './positions.ts';
import { type FetchedPartition, type Page, pageOf } from './records.ts';
import { describeCluster, topicConfig, toUuid } from './topics.ts';
import type { Attempt, Wire } from './wire.ts';

const READ_COMMITTED = 1;
/** One batch may be larger; a broker always sends at least one whole batch. */
const PAGE_BYTES = 1_048_576;

/** The partition that is read; its id is fixed when reading starts, so that it ends where the topic ends. */
interface Place {
  readonly topic: string;
  readonly id: string;
  readonly partition: number;
  readonly leader: BrokerAddress;
}

/**
 * Reads [from, to) page by page, without a group. Waits as long as the driver's patience for records that are held back.
 * @throws GrueError GRUE-KFK-001 no such topic or partition; -003 the log starts later; -004 the topic was made anew meanwhile;
 *   -005 unknown compression; -009 the records cannot be read: an open transaction, an end before `to`, a damaged batch
 */
export async function* readRange(wire: Wire, topic: string, partition: number, from: Offset, to: Offset, signal: AbortSignal): AsyncIterable<KafkaRecord> {
  let place: Place | undefined;
  let id: string | undefined;
  for (let position = from; position < to; ) {
    const page: Page = await wire.persist(signal, async (attempt) => {
      try {
        place ??= await locate(wire, attempt, topic, partition, id);
        id = place.id;
        return await fetchPage(wire, attempt, place, position, signal);
      } catch (error) {
        // the leader may have moved: look for it again
        place = undefined;
        throw error;
      }
    });
    for (const record of page.records) {
      if (record.offset >= to) return;
      yield record;
    }
    position = page.next;
  }
}

async function locate(wire: Wire, attempt: Attempt, topic: string, partition: number, id: string | undefined): Promise<Place> {
  const found = (await describeCluster(wire, attempt, [topic])).topics.get(topic);
  if (found === undefined || partition >= found.partitions) throw noSuchTopic(found === undefined ? topic : `partition ${partition} of ${topic}`);
  if (id !== undefined && id !== found.id) throw new GrueError('GRUE-KFK-004', `topic ${topic} was deleted and made again while it was read`);
  const leader = found.leaders[partition];
  if (leader === undefined) throw new Transient(unreadable(topic, partition, 'it has no leader'));
  return { topic, id: found.id, partition, leader };
}

async function fetchPage(wire: Wire, attempt: Attempt, place: Place, position: Offset, signal: AbortSignal): Promise<Page> {
  const { topic, partition } = place;
  const fetched = await fetchFrom(attempt, place, position);
  const error = errorName(fetched.errorCode);
  if (error === 'OFFSET_OUT_OF_RANGE') throw await outOfRange(wire, place, position, signal);
  accept(fetched, `partition ${partition} of topic ${topic}`);
  const page = pageOf(fetched, position);
  if (page.next > position) return page;
  const { lastStableOffset, highWatermark } = fetched;
  if (lastStableOffset > position && (await isCompacted(wire, topic, signal))) return { records: [], next: lastStableOffset };
  if (lastStableOffset > position)
    throw new Transient(unreadable(topic, partition, `the broker sends nothing from offset ${position} on, and it ends at ${lastStableOffset}`));
  if (highWatermark > position) throw new Transient(unreadable(topic, partition, `an open transaction holds back what follows offset ${position}`));
  throw new Transient(unreadable(topic, partition, `it ends at offset ${position}`));
}

/** Asks for what is there now, without a wait at the broker: that would hold up all other questions on the connection. */
async function fetchFrom(attempt: Attempt, place: Place, position: Offset): Promise<FetchedPartition & { errorCode: number; highWatermark: Offset }> {
  const { topic, id, partition, leader } = place;
  const wanted = { partition, currentLeaderEpoch: -1, fetchOffset: position, lastFetchedEpoch: -1, partitionMaxBytes: PAGE_BYTES };
  const question = [{ topicId: toUuid(id), partitions: [wanted] }];
  const response = await attempt.ask(leader, fetchV13.api, 0, 0, PAGE_BYTES, READ_COMMITTED, 0, -1, question, [], '').catch((error) => {
    throw error instanceof Undecodable ? undecodable(error, place, position) : error;
  });
  accept(response, `partition ${partition} of topic ${topic}`);
  const fetched = response.responses[0]?.partitions[0];
  if (fetched === undefined) throw new Transient(unreadable(topic, partition, 'the broker holds answers back (a quota)'));
  return fetched;
}

/** The library decodes records while it reads the response, so what is wrong with them comes up as an error of its own kind. */
function undecodable(error: Undecodable, { topic, partition }: Place, position: Offset): GrueError {
  if (!isUnknownCompression(error)) return unreadable(topic, partition, `what follows offset ${position} cannot be decoded: ${error.message}`);
  const where = `partition ${partition} of topic ${topic}, after offset ${position}`;
  return new GrueError('GRUE-KFK-005', `records of ${where}, use a compression that is not supported: ${error.message}`, {
    fix: 'gzip, snappy, lz4 and zstd are',
  });
}

async function outOfRange(wire: Wire, { topic, partition }: Place, position: Offset, signal: AbortSignal): Promise<Error> {
  const start = (await offsets(wire, [topic], 'Earliest', signal)).get(topic)?.[partition];
  if (start !== undefined && position < start) {
    return new GrueError('GRUE-KFK-003', `partition ${partition} of topic ${topic} starts at offset ${start}: the records from ${position} on are gone`);
  }
  return new Transient(unreadable(topic, partition, `it ends before offset ${position}`));
}

/** Nothing to deliver below the end: compaction may have left it so, in any other topic something is wrong. */
async function isCompacted(wire: Wire, topic: string, signal: AbortSignal): Promise<boolean> {
  return (await topicConfig(wire, topic, signal))['cleanup.policy']?.includes('compact') ?? false;
}

const unreadable = (topic: string, partition: number, why: string): GrueError =>
  new GrueError('GRUE-KFK-009', `partition ${partition} of topic ${topic} cannot be read: ${why}`);
