import type { Scenario } from '../scenario.ts';

export const uninstalled: Scenario = {
  name: 'the chart uninstalled during a soak, and installed again',
  installation: 'Own',
  async run({ release, startWorkload, kubectl, namespace, say }) {
    await release.install();
    const workload = await startWorkload();
    await workload.migrate('interrupted', { soak: '20s' });
    await workload.inPhase('interrupted', 'Soaking');
    await release.uninstall();
    if ((await release.pods('operator')).length + (await release.pods('worker')).length > 0) throw new Error('pods stay after the uninstallation');
    const left = await kubectl(['get', 'gplat,gstr,gpl,gconn,grev,smig', '--namespace', namespace, '--output', 'name']);
    if (!left.includes('streammigration.grue.dev/interrupted')) throw new Error(`the uninstallation has taken resources with it; left are ${left}`);
    say('uninstalled; the resources are there');
    await release.install();
    await workload.inPhase('interrupted', 'Completed');
    await workload.nothingLeft();
    return workload.settle();
  },
};
