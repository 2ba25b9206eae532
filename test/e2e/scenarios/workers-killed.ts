import type { Scenario } from '../scenario.ts';
import { stopsOf } from '../stops.ts';

export const workersKilled: Scenario = {
  name: 'workers killed and scaled while a migration catches up',
  installation: 'Own',
  async run({ release, startWorkload, say }) {
    await release.install({ worker: { replicas: 2 } });
    const workload = await startWorkload({ history: 20_000 });
    const held = (await stopsOf(workload))('CatchingUp');
    await workload.migrate('shaken');
    await held.caught;
    await workload.inPhase('shaken', 'CatchingUp');
    for (const pod of await release.pods('worker')) await release.kill(pod);
    held.letGo();
    say('all workers killed');
    await release.scale('worker', 3);
    await release.ready();
    const [first] = await release.pods('worker');
    if (first) await release.kill(first);
    await release.scale('worker', 1);
    say('scaled to three, one of them killed, and scaled to one');
    await workload.inPhase('shaken', 'Completed');
    await release.ready();
    await workload.nothingLeft();
    return workload.settle();
  },
};
