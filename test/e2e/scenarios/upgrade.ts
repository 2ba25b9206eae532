import type { Scenario } from '../scenario.ts';
import { stopsOf } from '../stops.ts';

export const upgrade: Scenario = {
  name: 'helm upgrade while a migration catches up',
  installation: 'Own',
  async run({ release, startWorkload, say }) {
    await release.install();
    const workload = await startWorkload();
    const before = [...(await release.pods('operator')), ...(await release.pods('worker'))].map(({ uid }) => uid);
    const held = (await stopsOf(workload))('CatchingUp');
    await workload.migrate('across');
    await held.caught;
    await workload.inPhase('across', 'CatchingUp');
    const annotations = { podAnnotations: { upgraded: 'yes' } };
    const upgrading = release.upgrade({ operator: annotations, worker: annotations });
    // workers have their documents on the way while they are asked to end
    setTimeout(held.letGo, 5_000);
    await upgrading;
    const after = [...(await release.pods('operator')), ...(await release.pods('worker'))].map(({ uid }) => uid);
    if (after.some((uid) => before.includes(uid))) throw new Error('the upgrade has left a pod as it was');
    say('every pod is another one');
    await workload.inPhase('across', 'Completed');
    return workload.settle();
  },
};
