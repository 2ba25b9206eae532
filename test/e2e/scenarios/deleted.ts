import { eventually } from '../../support/grue.ts';
import { patienceSeconds } from '../../support/workspace.ts';
import type { Scenario } from '../scenario.ts';
import { stopsOf } from '../stops.ts';

export const migrationDeleted: Scenario = {
  name: 'a migration deleted in each of its phases',
  installation: 'Shared',
  async run({ startWorkload, kubectl, namespace, say }) {
    const workload = await startWorkload();
    const { workspace } = workload;
    for (const phase of ['Provisioning', 'CatchingUp', 'Verifying', 'Flipping', 'Soaking', 'TearingDown'] as const) {
      const name = phase.toLowerCase();
      const stop = phase === 'Soaking' ? undefined : (await stopsOf(workload))(phase);
      await workload.migrate(name, phase === 'Soaking' ? { soak: '1h' } : {});
      await stop?.caught;
      await workload.inPhase(name, phase);
      await kubectl(['delete', 'smig', name, '--namespace', namespace, '--wait=false']);
      stop?.letGo();
      await eventually(
        `migration ${name} is gone`,
        async () => ((await workspace.object('StreamMigration', name)) === undefined ? true : undefined),
        patienceSeconds,
      );
      await eventually(
        'what is left is live',
        async () => ((await workspace.revisions()).every(({ status }) => status?.role === 'live' || status?.role === 'retired') ? true : undefined),
        patienceSeconds,
        async () => (await workspace.revisions()).map(({ metadata, status }) => `${metadata.name} ${status?.role}`),
      );
      say(`deleted in ${phase}`);
    }
    // of those that were deleted after their flip, blue is retired: the next one that comes to its end tears it down as well
    await workload.migrate('last');
    await workload.inPhase('last', 'Completed');
    await workload.nothingLeft();
    return workload.settle();
  },
};

export const namespaceDeleted: Scenario = {
  name: 'a namespace deleted in mid-migration, and made again',
  installation: 'Shared',
  async run({ startWorkload, makeNamespace, kubectl, say }) {
    const namespace = await makeNamespace('again');
    const workload = await startWorkload({ namespace });
    const held = (await stopsOf(workload))('CatchingUp');
    await workload.migrate('lost');
    await held.caught;
    await workload.inPhase('lost', 'CatchingUp');
    await kubectl(['delete', 'namespace', namespace, '--timeout=120s']);
    held.letGo();
    say('the namespace is gone; it is made again');
    await makeNamespace('again');
    await workload.writeSecrets();
    await workload.applyAll();
    await workload.migrate('found');
    await workload.inPhase('found', 'Completed');
    return workload.settle();
  },
};
