import { eventually } from '../../support/grue.ts';
import { patienceSeconds } from '../../support/workspace.ts';
import type { Release, Scenario } from '../scenario.ts';
import { stoppable, stopsOf } from '../stops.ts';

export const operatorKilled: Scenario = {
  name: 'the operator killed in each phase of one migration',
  installation: 'Own',
  async run({ release, startWorkload, say }) {
    await release.install();
    const workload = await startWorkload();
    const stops = await stopsOf(workload);
    const held = new Map(stoppable.map((phase) => [phase, stops(phase)]));
    await workload.migrate('survivor', { soak: '10s' });
    for (const phase of ['Provisioning', 'CatchingUp', 'Verifying', 'Flipping', 'Soaking', 'TearingDown'] as const) {
      const stop = phase === 'Soaking' ? undefined : held.get(phase);
      await stop?.caught;
      await workload.inPhase('survivor', phase);
      await release.kill(await leaderOf(release));
      say(`killed in ${phase}`);
      stop?.letGo();
    }
    await workload.inPhase('survivor', 'Completed');
    await workload.nothingLeft();
    return workload.settle();
  },
};

export const leaderKilled: Scenario = {
  name: 'two operators, and the leader killed while it moves readers',
  installation: 'Own',
  async run({ release, startWorkload, say }) {
    await release.install({ operator: { replicas: 2 } });
    const workload = await startWorkload();
    const held = (await stopsOf(workload))('Flipping');
    await workload.migrate('handed-over');
    await held.caught;
    await workload.inPhase('handed-over', 'Flipping');
    const first = await leaderOf(release);
    await release.kill(first);
    held.letGo();
    await workload.inPhase('handed-over', 'Completed');
    const second = await leaderOf(release);
    if (second.uid === first.uid) throw new Error('the leader that was killed leads');
    say(`${first.name} was killed, ${second.name} has gone on`);
    await workload.nothingLeft();
    return workload.settle();
  },
};

const leaderOf = (release: Release) => eventually('an operator leads', release.leader, patienceSeconds);
