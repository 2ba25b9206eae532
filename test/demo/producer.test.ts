import type { Kafka } from 'kafkajs';
import { expect, test } from 'vitest';
import { type Production, produce } from '../../demo/producer.ts';

interface Sent {
  readonly values: readonly string[];
  readonly partitions: readonly number[];
  readonly at: number;
}

/** A broker that takes everything, unless `refuse` says otherwise. */
function broker(refuse: (sent: number) => boolean = () => false) {
  const sent: Sent[] = [];
  let acknowledgedAtSend: number[] = [];
  let production: Production | undefined;
  const producer = {
    connect: async () => {},
    disconnect: async () => {},
    send: async ({ messages }: { messages: readonly { value: string; partition: number }[] }) => {
      if (refuse(sent.length)) throw new Error('NOT_ENOUGH_REPLICAS');
      acknowledgedAtSend = [...acknowledgedAtSend, production?.acknowledged() ?? 0];
      await new Promise((resolve) => setTimeout(resolve, 1));
      sent.push({ values: messages.map(({ value }) => value), partitions: messages.map(({ partition }) => partition), at: performance.now() });
    },
  };
  const kafka = { producer: () => producer } as unknown as Kafka;
  const start = (rows: number, options: { horizonSeconds?: number; signal?: AbortSignal } = {}): Production => {
    production = produce({ kafka, topic: 'flights', partitions: 3, rows, source: numbers(rows), signal: new AbortController().signal, ...options });
    return production;
  };
  return { sent, start, acknowledgedAtSend: () => acknowledgedAtSend };
}

async function* numbers(rows: number): AsyncGenerator<readonly string[]> {
  for (let from = 0; from < rows; from += 700) yield Array.from({ length: Math.min(700, rows - from) }, (_, i) => String(from + i));
}

test('records are sent in order, once each, spread over the partitions, and acknowledged only after their send', async () => {
  const { sent, start, acknowledgedAtSend } = broker();
  const production = start(5_000);
  await production.history;
  production.hurry();
  await production.done;
  const values = sent.flatMap((batch) => batch.values);
  expect(values).toEqual(Array.from({ length: 5_000 }, (_, i) => String(i)));
  expect(sent.flatMap((batch) => batch.partitions)).toEqual(values.map((value) => Number(value) % 3));
  expect(production.acknowledged()).toBe(5_000);
  const before = sent.map((_, i) => sent.slice(0, i).flatMap((batch) => batch.values).length);
  expect(acknowledgedAtSend()).toEqual(before);
});

test('the first half comes at once, the rest at a pace that follows what is left', async () => {
  const { sent, start } = broker();
  const production = start(4_000, { horizonSeconds: 10 });
  await production.history;
  const half = performance.now();
  while (performance.now() - half < 600) await new Promise((resolve) => setTimeout(resolve, 10));
  const paced = production.acknowledged() - 2_000;
  expect(paced).toBeGreaterThan(20);
  expect(paced).toBeLessThan(200); // 2,000 left and 10 s: at most 200 a second
  expect(sent.filter(({ at }) => at > half).length).toBeGreaterThan(2);
  production.hurry();
  await production.done;
});

test('a send that fails ends the production with its reason, and nothing after it counts as acknowledged', async () => {
  const { start } = broker((sent) => sent === 1);
  const production = start(5_000);
  await expect(production.done).rejects.toThrow('NOT_ENOUGH_REPLICAS');
  await expect(production.history).rejects.toThrow('NOT_ENOUGH_REPLICAS');
  expect(production.acknowledged()).toBe(700);
});

test('an abort ends it', async () => {
  const abort = new AbortController();
  const { start } = broker();
  const production = start(100_000, { signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(production.done).rejects.toThrow('enough');
});
