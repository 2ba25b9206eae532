import type { Message } from 'kafkajs';
import type { Row } from '../../support/workspace.ts';
import type { Scene } from './scene.ts';

/** What a topic of changes comes to: the latest row of each key, as far as Kafka has acknowledged it. */
export interface Ledger {
  readonly rows: ReadonlyMap<string, Row>;
  /** Produces changes in this order. A key without a row is deleted. */
  change(changes: readonly (readonly [key: Row, row: Row | undefined])[]): Promise<void>;
}

export function ledgerOf(scene: Scene, topic: string): Ledger {
  const rows = new Map<string, Row>();
  return {
    rows,
    async change(changes) {
      const messages = changes.map(
        ([key, row]): Message => ({ key: JSON.stringify(key), value: row === undefined ? null : JSON.stringify({ ...key, ...row }) }),
      );
      await scene.produce(topic, messages);
      for (const [key, row] of changes) {
        if (row === undefined) rows.delete(JSON.stringify(key));
        else rows.set(JSON.stringify(key), { ...key, ...row });
      }
    },
  };
}
