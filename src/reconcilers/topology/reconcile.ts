import { fingerprints } from '../../topology/fingerprint.ts';
import { failureOf } from '../coded.ts';
import type { TopologyFacts } from '../facts.ts';
import { observeTopology } from '../observe-topology.ts';
import { observeDisturbances } from '../recovery/disturbances.ts';
import { recreateLost } from '../recovery/recreate.ts';
import { takenNumbers } from '../recovery/taken.ts';
import { createRevisions } from '../revision/create.ts';
import type { Requeue, World } from '../world.ts';
import { aliasesFree } from './adoption.ts';
import { type Installation, planInstallation } from './install.ts';
import { observeRejected } from './rejected.ts';
import { reportOf } from './report.ts';
import { settledFor } from './settle.ts';

/**
 * One pass over the logical resources of one namespace: they are judged as a whole, what has never been live is started, and each is told
 * how it relates to what is live. The key is the namespace.
 */
export async function reconcileTopology(namespace: string, world: World, signal: AbortSignal): Promise<Requeue> {
  const facts = await aliasesFree(await observeTopology(namespace, world, signal), signal);
  const disturbed = await observeDisturbances(facts, world, signal);
  const recovering = await failureOf(() => recreateLost(facts, world, signal));
  const installation = isWhole(facts) ? await nextInstallation(facts, world, signal) : nothingNow;
  const failure = recovering ?? (await failureOf(() => install(installation, namespace, world, signal)));
  const wanted = fingerprints(facts.graph);
  const rejected = await observeRejected(facts, world, signal);
  for (const [key, resource] of facts.resources) {
    const context = { installation, disturbed, failure, rejected, fingerprint: wanted.get(key), now: world.clock.now() };
    await world.writeStatus(resource, reportOf(key, facts, context), signal);
  }
  const isDisturbed = failure !== undefined || facts.problems.size > 0 || disturbed.size > 0 || !isWhole(facts);
  return soonest([isDisturbed ? lookAgain : lookEvery, installation.waitMilliseconds]);
}

/** What is wrong may be put right where nobody tells us: a topic, an index, a server. */
const lookAgain = 10_000;
/** An alias may be moved, and an index deleted, where nobody tells us. */
const lookEvery = 60_000;

/** Is everything known that readers use? While it is not, nothing is begun: it could be what is lost. */
const isWhole = ({ lost }: TopologyFacts): boolean => lost.revisions.length === 0 && lost.unexplained.length === 0;
const nothingNow: Installation = { plan: undefined, blocked: new Map(), waitMilliseconds: 0 };

/** Numbers that only the servers know are asked for when there is something to install: otherwise each pass would read the whole registry. */
async function nextInstallation(facts: TopologyFacts, world: World, signal: AbortSignal): Promise<Installation> {
  const settled = settledFor(facts, world);
  const installation = planInstallation(facts, settled);
  return installation.plan === undefined ? installation : planInstallation(facts, settled, await takenNumbers(facts, signal));
}

/** The first of the waits; 0 is none. One resource with a problem must not hold up another that only has to settle. */
function soonest(waits: readonly number[]): Requeue {
  const wanted = waits.filter((wait) => wait > 0);
  return wanted.length === 0 ? {} : { requeueAfterMilliseconds: Math.min(...wanted) };
}

async function install({ plan }: Installation, namespace: string, world: World, signal: AbortSignal): Promise<void> {
  await createRevisions(plan?.revisions ?? [], namespace, world, signal);
}
