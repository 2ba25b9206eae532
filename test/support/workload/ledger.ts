import type { Workspace } from '../workspace.ts';
import { type Chain, chains, topicOf } from './topology.ts';
import { keepOn, type Traffic } from './traffic.ts';

/** Calls that are there before the first migration. */
export const history = 5_000;
/** Accounts below this number are changed all the time and never deleted, so readers must find them always. */
export const lastingAccounts = 300;
const passingAccounts = 100;

/** What Kafka has acknowledged. A producer writes it down after the acknowledgement, and never stops by itself. */
export interface Ledger {
  /** Calls below this number are acknowledged, and none above it. */
  calls(): number;
  /** Everything that was acknowledged, changes of accounts included. */
  records(): number;
  /** The amount by number that a chain comes to. */
  amounts(chain: Chain): ReadonlyMap<number, number>;
  /** Resolves when nothing is under way any more. @throws what a producer met */
  stop(): Promise<void>;
}

const amountOfCall = (number: number): number => (number * 7) % 100;

export interface ProducingOptions {
  readonly which?: readonly Chain[];
  /** Calls that are there when this resolves. */
  readonly calls?: number;
  /** Between two batches of twenty calls. */
  readonly pauseMilliseconds?: number;
}

/** Produces the history, and goes on producing until it is stopped. */
export async function startProducing(
  workspace: Pick<Workspace, 'namespace' | 'createTopic' | 'produce'>,
  { which = chains, calls: before = history, pauseMilliseconds = 150 }: ProducingOptions = {},
): Promise<Ledger> {
  const accounts = new Map<number, number>();
  let calls = 0;
  let changes = 0;

  async function call(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, i) => calls + i);
    await workspace.produce(
      topicOf(workspace.namespace, 'calls'),
      numbers.map((number) => ({ value: JSON.stringify({ number, amount: amountOfCall(number) }) })),
    );
    calls += count;
  }

  async function change(ones: readonly (readonly [number: number, amount: number | undefined])[]): Promise<void> {
    await workspace.produce(
      topicOf(workspace.namespace, 'accounts'),
      ones.map(([number, amount]) => ({ key: JSON.stringify({ number }), value: amount === undefined ? null : JSON.stringify({ number, amount }) })),
    );
    changes += ones.length;
    for (const [number, amount] of ones) {
      if (amount === undefined) accounts.delete(number);
      else accounts.set(number, amount);
    }
  }

  /** One account is hot, the others are changed in turn; those that pass come and go. */
  let turns = 0;
  async function turn(): Promise<void> {
    turns += 1;
    const passing = lastingAccounts + ((turns * 7) % passingAccounts);
    await change([
      [0, turns],
      [(turns * 13) % lastingAccounts, turns * 3],
      [passing, turns % 2 === 0 ? turns : undefined],
      [0, turns + 1],
    ]);
  }

  const begin: Readonly<Record<Chain, () => Promise<Traffic>>> = {
    async calls() {
      await workspace.createTopic(topicOf(workspace.namespace, 'calls'), 4);
      await call(before);
      return keepOn(pauseMilliseconds, () => call(20));
    },
    async accounts() {
      await workspace.createTopic(topicOf(workspace.namespace, 'accounts'), 3, { 'cleanup.policy': 'compact' });
      await change(Array.from({ length: lastingAccounts }, (_, number) => [number, number] as const));
      return keepOn(200, turn);
    },
  };
  const traffic: Traffic[] = [];
  for (const chain of which) traffic.push(await begin[chain]());
  return {
    calls: () => calls,
    records: () => calls + changes,
    amounts: (chain) => (chain === 'accounts' ? accounts : new Map(Array.from({ length: calls }, (_, number) => [number, amountOfCall(number)]))),
    stop: async () => {
      for (const one of traffic) await one.pause();
    },
  };
}
