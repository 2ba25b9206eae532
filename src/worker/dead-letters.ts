import { isUtf8 } from 'node:buffer';
import type { Clock } from '../controller/clock.ts';
import { deadLetterKey } from '../records/dead-letters.ts';
import { formatOrigin } from '../records/provenance.ts';
import type { Batch, ProducerRecord, RecordProducer } from './ports.ts';
import type { BadRecord } from './transform/ports.ts';

/** So much of a key or a value is kept. A dead letter is to look at; the record itself is still where it was read. */
const KEPT_BYTES = 65_536;

export interface DeadLetters {
  /** Resolves when all of them are acknowledged. Writing one again replaces it, for the topic is compacted by stage and identity. */
  write(batch: Batch, bad: readonly BadRecord[]): Promise<void>;
}

/** The dead letters of one stage: a compacted topic with one partition, made by the operator. */
export function deadLetters(producer: RecordProducer, topic: string, revision: string, clock: Clock): DeadLetters {
  return {
    async write(batch, bad) {
      const time = new Date(clock.now()).toISOString();
      const refused = await producer.send(
        topic,
        bad.map((record) => letter(batch, record, revision, time)),
      );
      if (refused[0]) throw new Error(`a dead letter was refused: ${refused[0].reason}`);
    },
  };
}

function letter(batch: Batch, { index, identity, origin, code, reason, partition, offset }: BadRecord, revision: string, time: string): ProducerRecord {
  const record = batch.records[index];
  const body = {
    code,
    reason,
    topic: batch.topic,
    partition,
    offset,
    origin: origin === undefined ? null : formatOrigin(origin),
    key: excerpt(record?.key ?? null),
    value: excerpt(record?.value ?? null),
    time,
  };
  return { partition: 0, key: deadLetterKey(revision, identity), value: JSON.stringify(body) };
}

/** @returns the text if it is UTF-8, else base64; `bytes` is the whole length, also when only the beginning is there */
function excerpt(data: Buffer | null): { readonly text: string; readonly bytes: number } | { readonly base64: string; readonly bytes: number } | null {
  if (data === null) return null;
  const bytes = data.length;
  if (isUtf8(data)) return { text: new TextDecoder().decode(data.subarray(0, KEPT_BYTES), { stream: true }), bytes };
  return { base64: data.toString('base64', 0, KEPT_BYTES), bytes };
}
