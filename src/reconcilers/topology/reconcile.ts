import { GrueError } from '../../api/errors.ts';
import { fingerprints } from '../../topology/fingerprint.ts';
import { observeTopology } from '../observe-topology.ts';
import { createRevision } from '../revision/create.ts';
import type { Requeue, World } from '../world.ts';
import { aliasesFree } from './adoption.ts';
import { type Installation, planInstallation } from './install.ts';
import { reportOf } from './report.ts';
import { settledFor } from './settle.ts';

/**
 * One pass over the logical resources of one namespace: they are judged as a whole, what has never been live is started, and each is told
 * how it relates to what is live. The key is the namespace.
 */
export async function reconcileTopology(namespace: string, world: World, signal: AbortSignal): Promise<Requeue> {
  const facts = await aliasesFree(await observeTopology(namespace, world, signal), signal);
  const installation = planInstallation(facts, settledFor(facts, world));
  const failure = await install(installation, namespace, world, signal);
  const wanted = fingerprints(facts.graph);
  for (const [key, resource] of facts.resources)
    await world.writeStatus(resource, reportOf(key, facts, { installation, failure, fingerprint: wanted.get(key), now: world.clock.now() }), signal);
  return soonest([failure || facts.problems.size > 0 ? lookAgain : 0, installation.waitMilliseconds]);
}

/** What is wrong may be put right where nobody tells us: a topic, an index, a server. */
const lookAgain = 10_000;

/** The first of the waits; 0 is none. One resource with a problem must not hold up another that only has to settle. */
function soonest(waits: readonly number[]): Requeue {
  const wanted = waits.filter((wait) => wait > 0);
  return wanted.length === 0 ? {} : { requeueAfterMilliseconds: Math.min(...wanted) };
}

async function install({ plan }: Installation, namespace: string, world: World, signal: AbortSignal): Promise<GrueError | undefined> {
  try {
    for (const { name, spec } of plan?.revisions ?? []) await createRevision(namespace, name, spec, world, signal);
    return undefined;
  } catch (error) {
    if (error instanceof GrueError) return error;
    throw error;
  }
}
