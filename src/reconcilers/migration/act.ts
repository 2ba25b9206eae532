import { GrueError } from '../../api/errors.ts';
import { kinds } from '../../api/kinds.ts';
import { isKubeError } from '../../controller/kube/errors.ts';
import type { FlipResult } from '../../drivers/ports.ts';
import { audited } from '../audit.ts';
import { setFinalizer } from '../finalizers.ts';
import { createRevisions } from '../revision/create.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';
import type { Decision, Effect } from './decision.ts';
import { measure } from './measure.ts';
import type { Measurement } from './measurement.ts';
import { observeProgress } from './progress.ts';
import type { Progress, Snapshot } from './snapshot.ts';
import { finalizer } from './steps/protection.ts';

/** What came of the effect. */
export type Outcome =
  | { readonly kind: 'Done' }
  /** With the positions after it: the next fence must be younger than the verdict. */
  | { readonly kind: 'Measured'; readonly measurement: Measurement; readonly progress: Progress | undefined }
  | { readonly kind: 'Flipped'; readonly result: FlipResult }
  | { readonly kind: 'Refused'; readonly error: GrueError };

/** Carries out the one effect of a decision. A coded error is an outcome; anything else ends the pass, and the queue tries again. */
export async function act(decision: Decision, snapshot: Snapshot, world: World, signal: AbortSignal): Promise<Outcome> {
  if (decision.effect === undefined) return { kind: 'Done' };
  try {
    return await carryOut(decision.effect, decision.message, snapshot, world, signal);
  } catch (error) {
    if (error instanceof GrueError) return { kind: 'Refused', error };
    throw error;
  }
}

async function carryOut(effect: Effect, why: string, snapshot: Snapshot, world: World, signal: AbortSignal): Promise<Outcome> {
  const { migration } = snapshot;
  const { namespace, name } = migration.metadata;
  switch (effect.kind) {
    case 'Protect':
      await setFinalizer(kinds.StreamMigration, migration, finalizer, effect.hold, world, signal);
      return { kind: 'Done' };
    case 'CreateRevisions':
      await createRevisions(effect.plan.revisions, namespace, world, signal);
      return { kind: 'Done' };
    case 'DeleteRevisions':
      for (const revision of effect.names) {
        const uid = snapshot.revisions.get(revision)?.metadata.uid;
        if (uid !== undefined) await deleteRevision({ namespace, name: revision, uid }, `migration ${name}: ${why}`, world, signal);
      }
      return { kind: 'Done' };
    case 'Measure': {
      const servers = await serversOf(snapshot, world, signal);
      const measurement = await measure(effect.fence, effect.pairs, snapshot, servers, world, signal);
      return { kind: 'Measured', measurement, progress: await observeProgress(migration, snapshot.revisions, servers, world, signal) };
    }
    case 'Flip': {
      const servers = await serversOf(snapshot, world, signal);
      // A lease is not a lock: what cannot be taken back is done only while nobody else can lead.
      if (!world.mayAct()) throw new Error(`the lease is in doubt: the aliases of ${namespace}/${name} are not moved now`);
      const result = await servers.search.flip(effect.moves, signal);
      world.memory.views.delete(namespace);
      return { kind: 'Flipped', result };
    }
  }
}

async function serversOf({ migration, status, revisions }: Snapshot, world: World, signal: AbortSignal): Promise<Servers> {
  const of = status.plan?.steps.flatMap(({ to }) => revisions.get(to) ?? [])[0]?.spec.platform.name;
  const platform = world.caches.platforms.get(`${migration.metadata.namespace}/${of}`);
  if (!platform) throw new GrueError('GRUE-PLT-001', `there is no Platform ${of} in namespace ${migration.metadata.namespace}`);
  return world.servers(platform, signal);
}

interface Incarnation {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

async function deleteRevision({ namespace, name, uid }: Incarnation, why: string, world: World, signal: AbortSignal): Promise<void> {
  await audited({ verb: 'DeleteRevision', object: name, identity: uid, why, namespace, revision: name }, world, async () => {
    try {
      await world.kube.delete(kinds.Revision, { namespace, name }, { uid, signal });
      return 'Deleted';
    } catch (error) {
      if (!isKubeError(error, 'NotFound')) throw error;
      return 'Absent';
    }
  });
}
