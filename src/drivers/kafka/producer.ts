import type { Message, Producer } from 'kafkajs';
import type { Logger } from '../../controller/logger.ts';
import type { ProducerRecord, RecordProducer, RefusedRecord } from '../../worker/ports.ts';
import type { KafkaSettings } from './connection.ts';
import { answerOf, coded, kafkajs } from './kafkajs.ts';

/** The library groups by partition in time that grows with the square of the number of records; with so many it does not matter yet. */
const RECORDS_AT_ONCE = 1_000;
/** One request becomes one record batch per partition, and topics take a mebibyte unless they are told otherwise. */
const BYTES_AT_ONCE = 768 * 1024;
/** Length of what a record has beside key, value and headers, generously. */
const RECORD_OVERHEAD = 64;

/** Answers that are about one record, and will be the same however often it is sent. */
const forGood = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP']);

/** An idempotent producer that connects at its first use. After a failed send it starts anew under another producer id. */
export function openProducer(settings: KafkaSettings, logger: Logger): RecordProducer {
  const kafka = kafkajs(settings, logger);
  let current: Promise<Producer> | undefined;

  const connected = (): Promise<Producer> => {
    current ??= connect();
    return current;
  };

  async function connect(): Promise<Producer> {
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      // What a partition sends next has to wait for it, so a failure is passed on soon; the caller starts again from its commit.
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 },
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    });
    await producer.connect();
    return producer;
  }

  /** The sequence numbers of a failed send are in doubt, and they belong to the producer id. */
  function forget(): void {
    const old = current;
    current = undefined;
    void old?.then((producer) => producer.disconnect()).catch(() => {});
  }

  async function sendChunk(producer: Producer, topic: string, records: readonly ProducerRecord[], offset: number): Promise<readonly RefusedRecord[]> {
    try {
      await producer.send({ topic, acks: -1, messages: records as Message[] });
      return [];
    } catch (error) {
      const answer = answerOf(error);
      if (answer === undefined || !forGood.has(answer)) throw error;
      if (records.length === 1) return [{ index: offset, reason: `Kafka does not take it: ${answer}` }];
      const half = records.length >> 1;
      const first = await sendChunk(producer, topic, records.slice(0, half), offset);
      return [...first, ...(await sendChunk(producer, topic, records.slice(half), offset + half))];
    }
  }

  return {
    async send(topic, records) {
      const refused: RefusedRecord[] = [];
      if (records.length === 0) return refused;
      try {
        const producer = await connected();
        for (const [from, to] of chunks(records)) refused.push(...(await sendChunk(producer, topic, records.slice(from, to), from)));
      } catch (error) {
        forget();
        throw coded(`producing to ${topic}`, settings, error);
      }
      return refused;
    },
    async close() {
      const producer = await current?.catch(() => undefined);
      current = undefined;
      await producer?.disconnect();
    },
  };
}

/** Ranges of records that are sent together. */
function* chunks(records: readonly ProducerRecord[]): Generator<readonly [from: number, to: number]> {
  let from = 0;
  let bytes = 0;
  for (const [at, record] of records.entries()) {
    const length = lengthOf(record);
    if (at > from && (at - from >= RECORDS_AT_ONCE || bytes + length > BYTES_AT_ONCE)) {
      yield [from, at];
      from = at;
      bytes = 0;
    }
    bytes += length;
  }
  if (from < records.length) yield [from, records.length];
}

function lengthOf({ key, value, headers }: ProducerRecord): number {
  let length = RECORD_OVERHEAD + (key === null ? 0 : Buffer.byteLength(key)) + (value === null ? 0 : Buffer.byteLength(value));
  for (const name in headers) length += name.length + Buffer.byteLength(headers[name] ?? '') + 4;
  return length;
}
