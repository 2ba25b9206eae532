import type { Platform } from '../../../src/api/platform.ts';
import { findCondition } from '../../../src/controller/conditions.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds } from '../../support/workspace.ts';
import type { Scenario, Workload } from '../scenario.ts';
import { stopsOf } from '../stops.ts';

export const secretRotated: Scenario = {
  name: 'the passwords of Kafka and Elasticsearch changed, and the Secrets later',
  installation: 'Shared',
  async run({ startWorkload, say }) {
    const workload = await startWorkload();
    const held = (await stopsOf(workload))('CatchingUp');
    await workload.migrate('locked-out');
    await held.caught;
    await workload.inPhase('locked-out', 'CatchingUp');
    workload.gate.changePassword();
    await workload.changeKafkaPassword();
    held.letGo();
    say(`the servers want other passwords: ${await ready(workload, 'False')}`);
    await workload.writeSecrets();
    say(`the Secrets are mended: ${await ready(workload, 'True')}`);
    await workload.inPhase('locked-out', 'Completed');
    await workload.nothingLeft();
    return workload.settle();
  },
};

const ready = ({ workspace }: Workload, wanted: 'True' | 'False'): Promise<string> => {
  const condition = async () => findCondition((await workspace.object<Platform & KubeObject>('Platform', 'default'))?.status?.conditions, 'Ready');
  return eventually(
    `the Platform says Ready=${wanted}`,
    async () => {
      const found = await condition();
      return found?.status === wanted ? found.message : undefined;
    },
    patienceSeconds,
    condition,
  );
};
