import type { TopologyWatch } from '../../demo/course.ts';
import type { ReadCounts } from '../../demo/read-log.ts';
import { startReaders } from '../../demo/readers.ts';
import type { Search } from '../../demo/search.ts';
import type { KafkaCluster } from '../../src/drivers/ports.ts';
import { history, lastingAccounts } from '../support/workload/ledger.ts';
import { aliasOf, chains } from '../support/workload/topology.ts';
import { type AliasLog, watchAliases } from './aliases.ts';
import { type GreenWatch, watchGreen } from './green.ts';

/** What readers ask per request: the servers and both colours share two processors with them. */
const readsPerRequest = 5;

export interface Observed {
  readonly reads: ReadCounts;
  readonly aliases: AliasLog;
  readonly longestStandstill: number;
}

export interface Subject {
  readonly namespace: string;
  readonly search: Search;
  readonly watch: TopologyWatch;
  readonly cluster: KafkaCluster;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Observers {
  counts(): ReadCounts;
  /** Calls below this number are from now on certain to be found. */
  makeVisible(below: number): void;
  stop(): Promise<Observed>;
}

/** Starts readers of either alias, somebody who looks at where both point, and somebody who looks at green. */
export function observe({ namespace, search, watch, cluster, say, signal }: Subject): Observers {
  const visible = { calls: history, accounts: lastingAccounts };
  const complain = (what: string): void => say(`A READ THAT IS NOT AS IT SHOULD BE: ${what}`);
  const readers = chains.map((chain) => startReaders(search, aliasOf(namespace, chain), () => visible[chain], complain, signal, { readsPerRequest }));
  const aliases = watchAliases(
    search,
    chains.map((chain) => aliasOf(namespace, chain)),
  );
  const green: GreenWatch = watchGreen(watch, cluster);
  const counts = (): ReadCounts =>
    readers
      .map(({ log }) => log.counts())
      .reduce((a, b) => ({ total: a.total + b.total, failed: a.failed + b.failed, empty: a.empty + b.empty, mixed: a.mixed + b.mixed }));
  let stopped: Promise<Observed> | undefined;
  async function stopAll(): Promise<Observed> {
    const [log] = await Promise.all([aliases.stop(), green.stop(), ...readers.map((one) => one.stop())]);
    return { reads: counts(), aliases: log, longestStandstill: green.longestStandstill() };
  }
  return {
    counts,
    makeVisible: (below) => {
      visible.calls = Math.max(visible.calls, below);
    },
    stop: () => {
      stopped ??= stopAll();
      return stopped;
    },
  };
}
