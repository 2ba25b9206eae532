import type { Message } from 'kafkajs';
import type { Row, Scene } from './scene.ts';

/** Something that goes on in the background of a test. */
export interface Traffic {
  /** Resolves when nothing is under way any more. @throws what it met */
  pause(): Promise<void>;
  resume(): void;
}

/** Repeats the work, one after the other, with a pause in between, until it is paused. */
export function keepOn(pauseMilliseconds: number, work: () => Promise<void>): Traffic {
  let going = false;
  let running: Promise<void> = Promise.resolve();
  const run = async () => {
    while (going) {
      await work();
      await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
    }
  };
  const resume = (): void => {
    if (going) return;
    going = true;
    running = run();
    running.catch(() => {}); // told by pause
  };
  resume();
  return {
    async pause() {
      going = false;
      await running;
    },
    resume,
  };
}

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
