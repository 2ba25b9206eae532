import { chart } from '../release.ts';
import { type Context, noNumbers, type Scenario } from '../scenario.ts';

/** What Helm must refuse before anything is made, and what its refusal must say. */
const refused: readonly { readonly values: object; readonly says: RegExp }[] = [
  { values: { operator: { replcas: 2 } }, says: /operator.*replcas/s },
  { values: { worker: { replicas: 'many' } }, says: /worker.replicas/ },
  { values: { scope: 'Galaxy' }, says: /scope/ },
  { values: { operator: { settle: 'soon' } }, says: /operator.settle/ },
  { values: { platform: { create: true } }, says: /platform/ },
];

export const badInput: Scenario = {
  name: 'wrong values, a namespace that is not there, an image without the command',
  installation: 'Own',
  async run(context) {
    const { helm, kubectl, namespace, say } = context;
    for (const { values, says } of refused)
      await expectRefusal(context, `values ${JSON.stringify(values)}`, says, () =>
        helm(['install', 'grue', chart, '--namespace', namespace, '--values', '-'], JSON.stringify({ ...values, crds: { install: false } })),
      );
    await expectRefusal(context, 'a namespace that is not there', /namespaces? "nowhere" not found/, () =>
      helm(['install', 'grue', chart, '--namespace', 'nowhere', '--set', 'crds.install=false,rights.roles=false']),
    );
    const left = await kubectl(['get', 'deployments,roles,serviceaccounts', '--namespace', namespace, '--output', 'name']);
    if (/grue/.test(left)) throw new Error(`a refused installation has left ${left}`);
    await imageWithoutCommand(context);
    say('each was refused, and said why');
    return noNumbers;
  },
};

/** The pods of another program never get ready: the installation fails and says so, and it can be mended by an upgrade. */
async function imageWithoutCommand(context: Context): Promise<void> {
  const { release, kubectl, namespace, say } = context;
  const nodes = JSON.parse(await kubectl(['get', 'nodes', '--output', 'json'])) as {
    readonly items: readonly { readonly status: { readonly images: readonly { readonly names: readonly string[] }[] } }[];
  };
  const names = nodes.items.flatMap(({ status }) => status.images.flatMap((image) => image.names));
  const other = names.find((name) => /coredns:/.test(name));
  if (other === undefined) throw new Error(`no image without the command among ${names}`);
  const [repository, tag] = [other.slice(0, other.lastIndexOf(':')), other.slice(other.lastIndexOf(':') + 1)];
  await expectRefusal(context, `image ${other}`, /grue-operator/, () => release.install({ image: { repository, tag } }, 20));
  const said = await kubectl(['get', 'pods', '--namespace', namespace, '--output', 'json']);
  if (!/CrashLoopBackOff|RunContainerError|"reason": "Error"/.test(said)) throw new Error(`the pods do not say what is wrong: ${said}`);
  await release.upgrade({ image: context.image });
  await release.ready();
  say('an image without the command fails visibly, and an upgrade mends it');
}

async function expectRefusal({ say }: Context, what: string, says: RegExp, attempt: () => Promise<string>): Promise<void> {
  const answer = await attempt().then(
    (output) => ({ output }),
    (error: Error) => ({ refusal: error.message }),
  );
  if ('output' in answer) throw new Error(`${what} was accepted: ${answer.output}`);
  if (!says.test(answer.refusal)) throw new Error(`${what} was refused, but not with ${says}: ${answer.refusal}`);
  say(`${what}: ${answer.refusal.split('\n').slice(0, 3).join(' ').slice(0, 300)}`);
}
