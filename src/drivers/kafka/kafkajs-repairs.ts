/**
 * What we change in kafkajs 2.2.4, which has no maintainer any more and is pinned exactly. Each repair is one method, and has a test
 * that fails without it:
 * 1. Every connection sets a timer that is always due (upstream #1751): it runs a thousand times a second for ever, and Node 24 warns
 *    about it. It is needed only while requests wait.
 * 2. When a position is no longer in the log, the consumer commits "the beginning" or "the end" in its place, which destroys the
 *    committed offset, and reads on from there: records are lost without a word. Instead it fails, and the log is looked at.
 * 3. Records that readers do not see (transaction markers, aborted records) move the consumer on, but nobody is told. A fence behind
 *    which nothing else lies would never be reached. Instead they arrive as a batch without messages.
 */
import type { Batch as KafkajsBatch } from 'kafkajs';
import Batch from 'kafkajs/src/consumer/batch.js';
import OffsetManager from 'kafkajs/src/consumer/offsetManager/index.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

/** What a batch has beside its published members. */
export interface RawBatch extends KafkajsBatch {
  /** The position that was asked for. */
  readonly fetchedOffset: string;
  /** Everything that came, also what readers do not see. */
  readonly rawMessages: readonly unknown[];
}

/** The log no longer holds the position that was asked for. Not to be retried. */
export class PositionGone extends Error {
  override readonly name = 'PositionGone';
  readonly retriable = false;
}

const schedule = RequestQueue.prototype.scheduleCheckPendingRequests;

RequestQueue.prototype.scheduleCheckPendingRequests = function (): void {
  if (this.pending.length > 0) schedule.call(this);
};

OffsetManager.prototype.setDefaultOffset = async ({ topic, partition }): Promise<void> => {
  throw new PositionGone(`partition ${partition} of topic ${topic} does not hold the position that was asked for`);
};

Batch.prototype.isEmpty = function (): boolean {
  return this.rawMessages.length === 0;
};

Batch.prototype.isEmptyDueToFiltering = (): boolean => false;
