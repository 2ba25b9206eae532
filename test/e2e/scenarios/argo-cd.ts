import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scenes, stored } from '../../argo-cd/migration-scenes.ts';
import { startArgoCd } from '../../cluster/argo-cd.ts';
import { findArgoCd } from '../../cluster/argo-cd-binaries.ts';
import { makeRepository } from '../../cluster/argo-cd-repository.ts';
import { chart } from '../release.ts';
import { testValues } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { applicationOf, appOf } from './argo-cd-apps.ts';
import { runCourse } from './argo-cd-course.ts';

export const argoCd: Scenario = {
  name: 'Argo CD installs Grue, syncs a topology and its migrations, heals and prunes',
  installation: 'Own',
  prepare: async (progress, signal) => void (await findArgoCd(progress, signal)),
  async run(context) {
    const { cluster, namespace, image, kubectl, say, signal, onEnd } = context;
    const directory = await mkdtemp(join(tmpdir(), 'grue-argo-cd-'));
    onEnd(() => rm(directory, { recursive: true, force: true }));
    const { kubeconfig, kubectl: program, helm } = cluster;
    const argo = await startArgoCd({ kubeconfig, kubectl: program, helm, directory: join(directory, 'argo-cd'), progress: say, signal });
    onEnd(async () => argo[Symbol.asyncDispose]());
    for (const [title, scene] of Object.entries(scenes)) {
      const { status, message } = await argo.judge(stored(scene));
      if (status !== scene.health || !message.includes(scene.says)) throw new Error(`to Argo CD a migration with ${title} is ${status}: ${message}`);
    }
    say(`Argo CD judges ${Object.keys(scenes).length} states of a migration as it should`);
    const repository = await makeRepository(join(directory, 'repository'));
    await cp(chart, join(directory, 'repository/charts/grue'), { recursive: true });
    const head = await repository.commit('the chart', {});

    const workload = await context.startWorkload({ live: false });
    const operator = appOf(argo, `${namespace}-grue`);
    // Definitions are those of the release before; roles went with it.
    const release = { releaseName: context.release.name, valuesObject: { ...testValues(image), crds: { install: false } } };
    await kubectl(['apply', '--filename', '-'], await applicationOf('operator', { name: operator.name, repository: repository.url, namespace, release }));
    onEnd(async () => {
      await argo.run('app', 'delete', operator.name, '--cascade', '--yes', '--wait');
    });
    await operator.until('is live', ({ sync, health }) => sync.status === 'Synced' && sync.revision === head && health.status === 'Healthy');
    say('Argo CD has installed the chart');
    await runCourse({ argoCd: argo, repository, workload, context });
    const { history, sync } = await operator.until('is still synced', ({ sync: now }) => now.status === 'Synced');
    if (history?.length !== 1) throw new Error(`Argo CD has synced the chart ${history?.length} times, and is ${sync.status}`);
    return workload.settle();
  },
};
