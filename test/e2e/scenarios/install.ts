import type { Scenario } from '../scenario.ts';

export const install: Scenario = {
  name: 'install into one namespace, go live, migrate',
  installation: 'Own',
  async run({ release, startWorkload, say }) {
    const workload = await startWorkload({ live: false });
    const notes = await release.install();
    if (!/NOTES/.test(notes)) throw new Error(`Helm says nothing about what comes next: ${notes}`);
    say('installed; the first resources go live');
    await workload.applyAll();
    await workload.goLive();
    await workload.migrate('first');
    await workload.inPhase('first', 'Completed');
    await workload.nothingLeft();
    return workload.settle();
  },
};
