import { afterAll, beforeAll, expect, test } from 'vitest';
import { kinds } from '../../../src/api/kinds.ts';
import { requestAnnotations } from '../../../src/api/requests.ts';
import type { Revision } from '../../../src/api/revision.ts';
import { systemClock } from '../../../src/controller/clock.ts';
import { kubeClient } from '../../../src/controller/kube/client.ts';
import { loadKubeConfig } from '../../../src/controller/kube/config.ts';
import { runtimeMetrics } from '../../../src/controller/metrics.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds } from '../../support/workspace.ts';
import { grantsOf, usedRights } from './grants.ts';
import { accountName } from './realm.ts';
import { type Command, commands, openTopology, type Topology } from './topology.ts';

let topology: Topology;
beforeAll(async () => {
  topology = await openTopology();
});
afterAll(() => topology?.[Symbol.asyncDispose]());

const programs = { operator: /^grue\//, worker: /^grue-worker/ } as const satisfies Record<Command, RegExp>;
const used = (command: Command) => usedRights(accountName(topology.realm.namespace, command), programs[command]);
const granted = (command: Command) => grantsOf(`grue-${command}`, topology.realm.rights).flatMap(({ rights }) => rights);

/**
 * Somebody touches Platforms and Revisions without a pause: whatever is written about them is refused at first, because it was computed from
 * an older version, and has to be looked at again.
 */
function touching(): { stop(): Promise<void> } {
  const { realm } = topology;
  const { namespace } = realm;
  // As the operator, for nobody else may touch a Revision; the audit log tells the programs apart.
  const connect = (user: 'operator' | 'root') =>
    kubeClient({
      ...{ config: loadKubeConfig(realm.users[user]), clock: systemClock, metrics: runtimeMetrics(), userAgent: 'grue-test' },
      rate: { perSecond: 1_000, burst: 1_000 },
    });
  const clients = [
    { type: kinds.Platform, kube: connect('root') },
    { type: kinds.Revision, kube: connect('operator') },
  ];
  let going = true;
  const touch = async ({ type, kube }: (typeof clients)[number]) => {
    for (let count = 0; going; count++)
      for (const { metadata } of (await kube.list(type, { namespace })).items)
        await kube.mergePatch(type, metadata, { metadata: { labels: { touched: String(count) } } }, { fieldManager: 'test' }).catch(() => {});
    kube.close();
  };
  const all = Promise.all(clients.map(touch));
  return {
    async stop() {
      going = false;
      await all;
    },
  };
}

test('all that the two accounts may do, they do in the life of a topology', async () => {
  const { realm, workspace, kube } = topology;
  const { namespace } = realm;
  const worker = topology.start('worker');
  const operator = topology.start('operator');
  await topology.install();
  const touched = touching();

  await topology.apply(2);
  await workspace.migrate('twice', ['Pipeline/priced'], { manual: ['Flip'] });
  await workspace.inPhase('twice', 'AwaitingApproval');
  await realm.grue('petra', 'promote', 'twice');
  await workspace.inPhase('twice', 'Completed');
  await realm.kubectl('edith', ['delete', 'streammigrations', 'twice']);
  // What is said of a Platform or a Revision in answer to this meets one that was touched meanwhile.
  for (let round = 1; ['get grue.dev/platforms', 'get grue.dev/revisions'].some((right) => !used('operator').has(right)); round++) {
    expect(round).toBeLessThan(30);
    const annotations = { [requestAnnotations.id]: `round-${round}`, [requestAnnotations.verb]: 'takeover' };
    await kube.mergePatch(kinds.Platform, { namespace, name: 'default' }, { metadata: { annotations } }, { fieldManager: 'test' });
    await topology.apply(3 + (round % 2), { reclaimPolicy: round % 2 === 0 ? 'Retain' : 'Delete' });
    await systemClock.sleep(500);
  }
  await touched.stop();

  const remove = async () => {
    for (const kind of ['connections', 'pipelines', 'streams']) {
      await realm.kubectl('edith', ['annotate', '--overwrite', kind, 'priced', 'grue.dev/allow-delete=true']);
      await realm.kubectl('edith', ['delete', kind, 'priced']);
    }
  };
  const revisions = async (isMeant: (one: Revision) => boolean) => (await workspace.revisions()).filter((one) => one.spec.of.name === 'priced' && isMeant(one));
  const isReleased = ({ status }: Revision) => status?.conditions?.some(({ type }) => type === 'Released') ?? false;
  const none = async (what: string, look: () => Promise<readonly unknown[]>) =>
    eventually(what, async () => ((await look()).length === 0 ? true : undefined), patienceSeconds, look);
  const untilAllAre = (what: string, isIt: (one: Revision) => boolean) => none(what, () => revisions((one) => one.status?.role === 'live' && !isIt(one)));

  // The same is told twice of the same Revision, and becomes a series of one event.
  for (let time = 1; time <= 2; time++) {
    await topology.apply(2, { reclaimPolicy: 'Retain' });
    await untilAllAre('live Revisions to be adopted', (one) => !isReleased(one));
    await remove();
    await untilAllAre('live Revisions to be released', isReleased);
  }
  await topology.apply(2, { reclaimPolicy: 'Delete', reclaimAfter: '1s' });
  await untilAllAre('live Revisions to know what becomes of them', ({ status }) => status?.reclaimAfter === '1s');
  await remove();
  await none('Revisions to be removed', () => revisions(() => true));
  await operator[Symbol.asyncDispose]();
  await worker[Symbol.asyncDispose]();

  for (const command of commands) {
    const made = used(command);
    expect({ command, unused: granted(command).filter((right) => !made.has(right)) }).toEqual({ command, unused: [] });
  }
});
