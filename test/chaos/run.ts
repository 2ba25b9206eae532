import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { runAudit } from '../../demo/audit.ts';
import { type TopologyWatch, watchTopology } from '../../demo/course.ts';
import { connectSearch, type Search } from '../../demo/search.ts';
import { silentLogger } from '../../src/controller/logger.ts';
import { openKafkaCluster } from '../../src/drivers/kafka/cluster.ts';
import { kafkajs } from '../../src/drivers/kafka/kafkajs.ts';
import { kafkaRegistry } from '../../src/drivers/kafka/registry.ts';
import { openScene, platform, type Scene } from '../integration/migration/scene.ts';
import { stack } from '../stack/for-tests.ts';
import { eventually } from '../support/grue.ts';
import { type Account, account, isRight } from '../support/workload/audit.ts';
import { history, type Ledger, lastingAccounts, startProducing } from '../support/workload/ledger.ts';
import { findAll, leftBehind } from '../support/workload/leftovers.ts';
import { aliasOf, chainAt, chains, givens } from '../support/workload/topology.ts';
import { judgeAliases, type Move } from './aliases.ts';
import { type Ended, migrateOnAndOn } from './course.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type Observed, observe } from './observers.ts';
import { randomOf } from './random.ts';
import { type ChaosReport, leastKills } from './report.ts';
import { type Damage, startStorm } from './storm.ts';

export interface ChaosOptions {
  /** How long processes are killed. */
  readonly seconds: number;
  readonly seed: string;
  /** Told what happens, one line each. */
  readonly say: (line: string) => void;
  /** Called once with the namespace, which names the directory of the logs. */
  readonly onStart?: (namespace: string) => void;
  readonly signal: AbortSignal;
}

/** How long a migration may stay in one phase, and how long what is on its way may take, in seconds: the leader may be killed again and again. */
const patience = 240;
const progressMilliseconds = 10_000;

/** What all parts of a run share. */
interface Run {
  readonly scene: Scene;
  readonly search: Search;
  readonly kafka: Kafka;
  readonly cluster: ReturnType<typeof openKafkaCluster>;
  readonly ledger: Ledger;
  readonly watch: TopologyWatch;
  readonly signal: AbortSignal;
}

/**
 * Kills operators and workers for a while, as migrations follow each other under load, and then counts.
 * The servers are those of GRUE_STACK_DIR.
 * @throws Error when a migration gets stuck, or a producer fails
 */
export async function runChaos({ seconds, seed, say, onStart, signal }: ChaosOptions): Promise<ChaosReport> {
  await using ending = new AsyncDisposableStack();
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const scene = ending.use(await openScene('chaos', { workers: 0 }));
  const { namespace } = scene;
  onStart?.(namespace);
  const fleet = startFleet(scene, say);
  ending.defer(() => fleet.stop());
  const settings = { bootstrapServers: [stack().kafka.bootstrapServers], clientId: 'chaos' };
  const cluster = openKafkaCluster(settings);
  const search = connectSearch(stack().elasticsearch.url);
  ending.defer(async () => {
    over.abort(new Error('the run is over'));
    search.close();
    await cluster.close();
  });

  const ledger = await startProducing(scene);
  ending.defer(() => ledger.stop().catch(() => {}));
  await scene.apply(...givens(namespace, platform()), ...chains.flatMap((chain) => chainAt(chain, 0)));
  const watch = await watchTopology(scene.grue.kube, namespace, stop);
  const run: Run = { scene, search, kafka: kafkajs(settings, silentLogger), cluster, ledger, watch, signal: stop };
  await goLive(run);
  say('both chains are live and hold their history; readers begin, and so does the storm');

  const observers = observe({ namespace, search, watch, cluster, say, signal: stop });
  ending.defer(() => observers.stop().then(() => {}));
  const ended: Ended[] = [];
  const problems: string[] = [];
  const began = performance.now();
  const phases = announcer();
  const storm = startStorm({
    fleet,
    random: randomOf(seed, 'storm'),
    kills: Math.ceil(leastKills(seconds) * 1.2),
    seconds,
    nextPhase: phases.next,
    say,
    signal: stop,
  });
  const telling = setInterval(() => {
    const outcomes = JSON.stringify(countBy(ended, ({ outcome }) => outcome)).replaceAll(/[{}"]/g, '');
    const reads = observers.counts();
    say(
      `---- ${((performance.now() - began) / 1_000).toFixed(0)} of ${seconds} s: ${storm.damage().kills} kills, ${storm.damage().pauses} pauses, migrations ${outcomes || 'none'}, ` +
        `${ledger.records()} records, ${reads.total} reads (${reads.failed} failed, ${reads.empty} empty, ${reads.mixed} mixed)`,
    );
  }, progressMilliseconds);
  ending.defer(() => clearInterval(telling));
  const audits: Promise<void>[] = [];
  const migrating = migrateOnAndOn({
    scene,
    watch,
    random: randomOf(seed, 'migrations'),
    say,
    onPhase: phases.announce,
    onProblem: (what) => problems.push(what),
    over: () => performance.now() - began >= seconds * 1_000 || stop.aborted,
    patience,
    onEnd: (one) => {
      ended.push(one);
      say(`${one.name} ended: ${one.outcome} after ${one.seconds} s`);
      audits.push(lookAt(one, run, observers.makeVisible, (what) => problems.push(what)));
    },
  });
  const untilAborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  untilAborted.catch(() => {});
  await Promise.race([Promise.all([storm.over, migrating]), untilAborted]);
  await Promise.all(audits);

  say('the last migration has ended; traffic stops, and every document is looked at');
  await ledger.stop();
  const accounts = await settleAccounts(run);
  const read = await observers.stop();
  const moves = ended.flatMap(({ flip }): readonly Move[] => (flip?.result === 'Moved' ? [flip] : []));
  const judged = judgeAliases(
    read.aliases,
    chains.map((chain) => aliasOf(namespace, chain)),
    moves,
  );
  const stray = await strays(run);
  problems.push(...judged.problems, ...accounts.flatMap((one) => [...one.examples, ...(isRight(one) ? [] : [`${one.indices.join()} ${one.versions.join()}`])]));
  return conclude({ seed, seconds, run, fleet, damage: storm.damage(), ended, accounts, read, mixedAliases: judged.mixed, stray, problems });
}

async function goLive({ scene }: Run): Promise<void> {
  for (const [chain, least] of [['calls', history] as const, ['accounts', lastingAccounts] as const]) {
    const alias = aliasOf(scene.namespace, chain);
    await eventually(`${least} documents behind ${alias}`, async () => ((await scene.documents(alias)).length >= least ? true : undefined), patience);
  }
}

/**
 * Looks at the index that readers are on after a migration: what was acknowledged by then has to arrive there, whatever happens to workers.
 * The next migration does not wait for it, and takes its fences after it, so what has been seen stays visible.
 */
async function lookAt(
  { name, flip, chains: touched }: Ended,
  { search, ledger, signal }: Run,
  makeVisible: (below: number) => void,
  complain: (what: string) => void,
) {
  const at = flip?.result === 'Moved' && touched.includes('calls') ? flip.intent.find(({ alias }) => alias.endsWith('-billed'))?.to.index : undefined;
  if (at === undefined) return;
  const below = ledger.calls();
  try {
    const { lost, duplicated } = await runAudit(search, { indices: [at], below, deadLettered: async () => new Set(), patience: patience * 1_000, signal });
    if (lost.size + duplicated.size > 0)
      complain(`after ${name} ${at} misses ${lost.size} of ${below} records (${[...lost].slice(0, 5)}), ${duplicated.size} are there twice`);
    else makeVisible(below);
  } catch (error) {
    complain(`after ${name} ${at} could not be looked at: ${error}`);
  }
}

/** What both aliases hold when nothing is on its way any more. */
async function settleAccounts({ scene, ledger }: Run): Promise<readonly Account[]> {
  const end = performance.now() + patience * 1_000;
  const look = () => Promise.all(chains.map(async (chain) => account(await scene.documents(aliasOf(scene.namespace, chain)), ledger.amounts(chain))));
  for (;;) {
    const accounts = await look();
    if (accounts.every(isRight) || performance.now() > end) return accounts;
    await sleep(1_000);
  }
}

/** What no Revision accounts for, once what is being removed has had its time; and dead letters, which nothing should have made. */
async function strays({ scene, kafka, cluster, search, signal }: Run) {
  const registry = kafkaRegistry(cluster, 'grue');
  const end = performance.now() + 60_000;
  for (;;) {
    const found = await findAll(scene.namespace, kafka, registry, search, signal);
    const left = leftBehind(await scene.revisions(), found);
    if (left.length === 0 || performance.now() > end) {
      const topics = found.topics.filter((topic) => topic.endsWith('.dead-letters'));
      const ends = await cluster.offsets(topics, 'HighWatermark', signal);
      return { left, deadLetters: Number([...ends.values()].flat().reduce<bigint>((sum, offset) => sum + (offset ?? 0n), 0n)) };
    }
    await sleep(1_000);
  }
}

interface Findings {
  readonly seed: string;
  readonly seconds: number;
  readonly run: Run;
  readonly fleet: Fleet;
  readonly damage: Damage;
  readonly ended: readonly Ended[];
  readonly accounts: readonly Account[];
  readonly read: Observed;
  readonly mixedAliases: number;
  readonly stray: { readonly left: readonly string[]; readonly deadLetters: number };
  readonly problems: readonly string[];
}

function conclude({ seed, seconds, run, fleet, damage, ended, accounts, read, mixedAliases, stray, problems }: Findings): ChaosReport {
  const { aliases, reads } = read;
  const sum = (of: (one: Account) => number): number => accounts.map(of).reduce((a, b) => a + b, 0);
  return {
    seed,
    seconds,
    kills: damage.kills,
    killsOf: damage.killsOf,
    leaderKills: damage.leaders,
    pauses: damage.pauses,
    selfEnded: fleet.selfEnded,
    migrations: ended.length,
    outcomes: countBy(ended, ({ outcome }) => outcome),
    plans: countBy(ended, ({ plan }) => plan),
    flips: aliases.standings.length - 1,
    records: run.ledger.records(),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    wrong: sum(({ wrong }) => wrong),
    deadLetters: stray.deadLetters,
    reads: {
      total: reads.total + aliases.reads.total,
      failed: reads.failed + aliases.reads.failed,
      empty: reads.empty + aliases.reads.empty,
      mixed: reads.mixed + mixedAliases,
    },
    aliasLooks: aliases.looks,
    longestStandstillSeconds: read.longestStandstill,
    leftBehind: stray.left,
    problems,
    story: ended.map(({ name, plan, outcome, seconds: took, phases }) => ({ name, plan, outcome, seconds: took, phases })),
  };
}

function countBy<T>(list: readonly T[], of: (one: T) => string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const one of list) counts[of(one)] = (counts[of(one)] ?? 0) + 1;
  return counts;
}

/** Lets others wait for the next time that something is announced. */
function announcer() {
  let waiting = Promise.withResolvers<void>();
  return {
    next: () => waiting.promise,
    announce: () => {
      waiting.resolve();
      waiting = Promise.withResolvers<void>();
    },
  };
}
