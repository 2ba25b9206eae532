import { eventually } from '../../support/grue.ts';
import { patienceSeconds } from '../../support/workspace.ts';
import { noNumbers, type Scenario } from '../scenario.ts';

const definition = 'streammigrations.grue.dev';
const annotation = 'grue.dev/crd-version';

export const newerCrds: Scenario = {
  name: 'CRDs of a newer version than the operator and the chart',
  installation: 'Own',
  alone: true,
  async run({ release, kubectl, namespace, onEnd, say }) {
    await release.install();
    const version = await kubectl(['get', 'crd', definition, '--output', `jsonpath={.metadata.annotations.grue\\.dev/crd-version}`]);
    onEnd(async () => void (await kubectl(['annotate', '--overwrite', 'crd', definition, `${annotation}=${version}`])));
    await kubectl(['annotate', '--overwrite', 'crd', definition, `${annotation}=99`]);
    const refusal = await release.upgrade({ crds: { install: true } }).then(
      () => {
        throw new Error('the chart has put older CRDs over newer ones');
      },
      ({ message }: Error) => message,
    );
    if (!/99/.test(refusal)) throw new Error(`the chart does not say which version is there: ${refusal}`);
    say(refusal.split('\n').at(-1) ?? '');
    const [before] = await release.pods('operator');
    await kubectl(['delete', 'pod', '--namespace', namespace, before?.name ?? '']);
    const log = await eventually(
      'the operator says that it is too old',
      async () => {
        const [pod] = await release.pods('operator');
        if (pod === undefined || pod.uid === before?.uid) return undefined;
        const said = await kubectl(['logs', '--namespace', namespace, pod.name]).catch(() => '');
        return /GRUE-API-009/.test(said) ? said : undefined;
      },
      patienceSeconds,
    );
    say(log.split('\n').find((line) => line.includes('GRUE-API-009')) ?? '');
    await kubectl(['annotate', '--overwrite', 'crd', definition, `${annotation}=${version}`]);
    await release.ready();
    return noNumbers;
  },
};
